// What the admin API answers about the flight recorder, as schemas.
import * as z from 'zod'
import { sealingJwk } from '../../src/evidence/sealing-key.ts'

const seconds = z.int().describe('Unix seconds')
const milliseconds = z.int().describe('Unix milliseconds')
const actor = z.string().describe('The `sub` of who switched it on')
const actorName = z.string().describe('What they were called then; never compare it')

export const recordingTerms = z.strictObject({
  id: z.string(),
  grantId: z.string().optional(),
  bodies: z.boolean().describe('Whether messages are kept too, sealed'),
  fingerprint: z.string().optional().describe('Of the sealing key they are sealed to'),
  by: actor,
  byName: actorName.optional(),
  startedAt: seconds,
  until: seconds,
})
const wireEntry = z.strictObject({
  number: z.int(),
  at: milliseconds,
  kind: z.enum(['exchange', 'stream_opened', 'event', 'stream_ended']),
  direction: z.enum(['to_server', 'to_client']),
  era: z.enum(['legacy', 'modern', 'unknown']),
  grantId: z.string(),
  clientId: z.string(),
  requestId: z.string(),
  verb: z.string(),
  method: z.string().optional(),
  about: z.string().optional().describe('Tool, prompt or resource'),
  status: z.int().optional(),
  durationMs: z.number().optional(),
  requestBytes: z.int().optional(),
  answerBytes: z.int().optional(),
  events: z.int().optional(),
  refusal: z.string().optional(),
  failure: z.string().optional().describe('What the answer says went wrong: `tool_error`, or the code of a JSON-RPC error'),
  ended: z.enum(['ended', 'client_left', 'broken']).optional(),
  recording: z.string().optional(),
  sealed: z
    .strictObject({ request: z.int().optional(), answer: z.int().optional(), block: z.int().optional() })
    .optional()
    .describe('How many bytes of its messages are kept, sealed; in which block: so many entries later it ends'),
})
const sealedLine = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('recording'), format: z.string(), broker: z.string(), person: z.string() }),
  z.strictObject({
    type: z.literal('key'),
    fingerprint: z.string(),
    key: sealingJwk,
    wrapped: z.strictObject({ passphrase: z.string(), recovery: z.string() }),
    createdAt: seconds,
  }),
  z.strictObject({
    type: z.literal('segment'),
    id: z.string(),
    recording: z.string(),
    fingerprint: z.string(),
    jwe: z.string(),
  }),
  z.strictObject({ type: z.literal('entry'), ...wireEntry.shape }),
  z.strictObject({
    type: z.literal('part'),
    entry: z.int().optional().describe('Of a block the last; absent for the mark at the end of a recording'),
    recording: z.string(),
    segment: z.string(),
    sequence: z.int(),
    direction: z.enum(['to_server', 'to_client', 'block', 'end']),
    part: z.int(),
    isLast: z.boolean(),
    data: z.string().describe('base64url: twelve bytes of nonce, then what A256GCM made'),
  }),
])

export const RECORDING_ANSWERS = {
  RecordingTerms: recordingTerms,
  WireEntry: wireEntry,
  SealedLine: sealedLine,
  Recording: z.strictObject({ terms: recordingTerms.optional(), entries: z.array(wireEntry), last: z.int() }),
  Stopped: z.strictObject({ stopped: z.boolean() }),
} as const
