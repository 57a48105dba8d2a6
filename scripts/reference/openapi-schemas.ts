// What is in the answers of the admin API: the schemas of its OpenAPI document and of its reference. A test holds real answers to them.
import * as z from 'zod'
import { EVIDENCE_ANSWERS } from './openapi-evidence.ts'
import { SIGNAL_ANSWERS } from './openapi-signals.ts'
import { RECORDING_ANSWERS, recordingTerms } from './openapi-recording.ts'
import { SEALING_ANSWERS } from './openapi-sealing.ts'

const seconds = z.int().describe('Unix seconds')
const milliseconds = z.int().describe('Unix milliseconds')
const actor = z
  .string()
  .describe(
    'The `sub` of who did it, `access:` and a subject, `signal:` and the issuer of a signal, or `person` for the person themselves',
  )
const actorName = z.string().describe('What they were called then; never compare it')
const byNumber = z.string().optional().describe('Pass it as `before` to get the following page')
const byPlace = z.string().optional().describe('Pass it as `after` to get the following page')

const listedPerson = z.strictObject({
  sub: z.string(),
  kind: z.enum(['person', 'machine']),
  email: z.string().optional(),
  name: z.string().optional(),
  issuer: z.string(),
  subject: z.string(),
  groups: z.array(z.string()),
  blocked: z.boolean(),
  liveGrants: z.int(),
  firstSeenAt: seconds,
  lastSeenAt: seconds,
})
const event = z.strictObject({
  number: z.int(),
  at: seconds,
  type: z.string(),
  sub: z.string().optional(),
  clientId: z.string().optional(),
  clientName: z.string().optional(),
  grantId: z.string().optional(),
  actor: actor.optional(),
  actorName: actorName.optional(),
  reason: z.string().optional(),
})
const grant = z.strictObject({
  id: z.string(),
  clientId: z.string(),
  clientName: z.string(),
  resource: z.string(),
  scopes: z.array(z.string()),
  createdAt: seconds,
  endsAt: seconds,
  mcpSessions: z.int(),
})
const stream = z.strictObject({
  id: z.string(),
  grantId: z.string(),
  kind: z.enum(['request', 'standing', 'call']),
  label: z.string().describe('Method and what it is applied to'),
  software: z
    .strictObject({ name: z.string(), version: z.string() })
    .optional()
    .describe('What the client says it is, where it said it'),
  openedAt: seconds,
  traffic: z
    .strictObject({ events: z.int(), bytes: z.int(), lastAt: seconds.optional(), waiting: z.int() })
    .optional()
    .describe(
      'What has passed, when the last event did, and the bytes the client has not taken yet; absent where it was not said in time',
    ),
})
const request = z.strictObject({
  at: seconds,
  clientId: z.string(),
  clientName: z.string().optional(),
  resource: z.string(),
  label: z.string(),
  refused: z.string().optional(),
})
const identity = z.strictObject({
  issuer: z.string(),
  subject: z.string(),
  email: z.string().optional(),
  name: z.string().optional(),
  groups: z.array(z.string()),
})
const machine = z.strictObject({
  id: z.string(),
  sub: z.string(),
  name: z.string(),
  owner: z.string(),
  prefix: z.string(),
  scopes: z.array(z.enum(['mcp', 'admin', 'scim', 'metrics'])),
  resources: z.array(z.string()),
  createdAt: seconds,
  createdBy: z.string(),
  expiresAt: seconds,
})
const client = z.strictObject({
  id: z.string(),
  name: z.string().optional().describe('Self-declared, but for a client of the settings'),
  knownBy: z.enum(['settings', 'document', 'sts']).optional().describe('Absent: it registered itself'),
  redirectUris: z.array(z.string()),
  authMethod: z.enum(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt']),
  grantTypes: z.array(z.string()),
  uri: z.string().optional(),
  applicationType: z.enum(['native', 'web']).optional(),
  softwareId: z.string().optional(),
  softwareVersion: z.string().optional(),
  keys: z
    .union([z.strictObject({ jwks: z.string() }), z.strictObject({ jwksUri: z.string() })])
    .optional()
    .describe('The public keys it signs with, or where they are published'),
  scopes: z.array(z.string()).optional().describe('The only ones it can be given; absent: all there are'),
  freshUntil: seconds.optional().describe('Until when its document is not fetched again, in Unix seconds'),
  registeredAt: seconds,
  usedAt: seconds.optional().describe('When a person last allowed it something, in Unix seconds, to the day'),
  isUsed: z.boolean().optional().describe('Whether a person was ever let in by it'),
  isBlocked: z.boolean().optional(),
  blocked: z.strictObject({ at: seconds, by: actor, byName: actorName.optional(), why: z.string() }).optional(),
  people: z.int().describe('How many have a grant for it'),
})

const signal = z.strictObject({
  door: z.enum(['backchannel-logout', 'global-token-revocation', 'shared-signals', 'scim']),
  issuer: z.string(),
  jti: z.string(),
  event: z.string(),
  txn: z.string().optional(),
  receivedAt: milliseconds,
  silentAt: milliseconds.describe('Unix milliseconds: when the last stream was closed'),
})

const receipt = z.strictObject({
  id: z.string(),
  at: seconds,
  by: actor,
  byName: actorName.optional(),
  why: z.string(),
  action: z.enum(['revoke', 'block', 'unblock', 'create', 'recheck', 'apply']),
  target: z.strictObject({ what: z.string(), id: z.string().optional(), sub: z.string().optional() }),
  people: z.strictObject({ total: z.int(), done: z.int(), failing: z.int() }),
  grants: z.int(),
  streams: z.int(),
  unanswered: z
    .int()
    .describe('Routers that did not say so themselves before their time was over, or their connection was closed'),
  acknowledgedAt: z
    .int()
    .nullable()
    .describe('Unix seconds; null while people are still being asked, and where that was cancelled'),
  state: z.enum(['done', 'running', 'retrying', 'cancelled']),
  closing: z
    .strictObject({
      firstAt: milliseconds.describe('Unix milliseconds: when the first of what was ended closed'),
      lastAt: milliseconds.describe('And the last'),
      couldActUntil: milliseconds
        .optional()
        .describe('Until when the last router that did not answer could still act; absent where all have'),
    })
    .optional()
    .describe('Absent where nothing was open'),
  signal: signal.optional().describe('What an identity system said, where that was the cause'),
})
const personNow = z.strictObject({
  sub: z.string(),
  identity,
  blocked: z.boolean(),
  deactivated: z.literal(true).optional().describe('Present where the company’s directory has shut them out (SCIM)'),
  lastSeenAt: seconds,
  grants: z.array(grant),
  streams: z.array(stream),
  requests: z.array(request),
  recording: recordingTerms.optional(),
})

/** By the names they have in the document. */
export const ANSWERS = {
  Refusal: z.strictObject({
    error: z.string(),
    error_description: z.string(),
    error_uri: z.string().optional().describe('Where the code is explained, if `DOCS_URL` is set'),
    request_id: z.string(),
  }),
  Document: z.record(z.string(), z.unknown()),
  Session: z.strictObject({
    actor: z.string(),
    actorName: z.string(),
    via: z.enum(['cookie', 'access', 'machine']),
    csrf: z.string().optional(),
  }),
  Overview: z.strictObject({
    people: z.int(),
    connected: z.int(),
    streams: z.int().describe('Open at this moment'),
    load: z
      .strictObject({ step: z.int(), requests: z.array(z.int()), streams: z.array(z.int()) })
      .describe('The last day, oldest first: requests in each step of so many seconds, and the most streams open at once'),
  }),
  People: z.strictObject({ people: z.array(listedPerson), next: byPlace }),
  Person: z.strictObject({ listed: listedPerson.optional(), live: personNow.optional(), events: z.array(event) }),
  PersonNow: personNow,
  Clients: z.strictObject({ clients: z.array(client), next: byPlace }),
  Machines: z.strictObject({
    machines: z.array(machine.extend({ state: z.enum(['active', 'expired', 'ended']), lastUsedAt: seconds.optional() })),
    next: byNumber,
  }),
  CreatedMachine: z.strictObject({ machine, token: z.string(), receipt }),
  Events: z.strictObject({ events: z.array(event), next: byNumber }),
  ...SIGNAL_ANSWERS,
  ...SEALING_ANSWERS,
  ...EVIDENCE_ANSWERS,
  Receipts: z.strictObject({ receipts: z.array(receipt), next: z.int().optional().describe('Pass it as `before`') }),
  Receipt: receipt,
  ...RECORDING_ANSWERS,
  ReceiptDetail: z.strictObject({
    receipt,
    failing: z.array(z.strictObject({ sub: z.string(), attempts: z.int(), error: z.string(), nextAt: seconds })),
  }),
} as const

export type AnswerName = keyof typeof ANSWERS

/** As OpenAPI has them. A later version of the broker may say more: the document forbids nobody to expect that. */
export function answerSchemas(): object {
  const named = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries(ANSWERS)) named.add(schema, { id })
  const { schemas } = z.toJSONSchema(named, {
    uri: refTo,
    override: ({ jsonSchema }) => {
      delete jsonSchema.additionalProperties
      // A number of JSON has no bounds of JavaScript's.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
    },
  })
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, withoutDialect(schema)]))
}

/** The dialect is the document's own, and so is the name. */
export function withoutDialect(schema: object): object {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== '$schema' && name !== '$id'))
}

export function refTo(name: string): string {
  return `#/components/schemas/${name}`
}
