// What is in the answers of the admin API, as schemas of its OpenAPI document.

export const text = { type: 'string' }
const whole = { type: 'integer' }
const seconds = { type: 'integer', description: 'Unix seconds' }
export const some = (name: string): object => ({ $ref: `#/components/schemas/${name}` })
const listOf = (items: object): object => ({ type: 'array', items })
const object = (properties: Readonly<Record<string, object>>, required = Object.keys(properties)): object => {
  return { type: 'object', properties, required }
}
const page = (name: string, item: object): object =>
  object({ [name]: listOf(item), next: { type: ['string', 'integer'] } }, [name])

const ACTION_TARGET = object({ what: text, id: text, sub: text }, ['what'])
const LISTED_PERSON = object(
  {
    sub: text,
    kind: { enum: ['person', 'machine'] },
    email: text,
    name: text,
    issuer: text,
    subject: text,
    groups: listOf(text),
    blocked: { type: 'boolean' },
    liveGrants: whole,
    firstSeenAt: seconds,
    lastSeenAt: seconds,
  },
  ['sub', 'kind', 'issuer', 'subject', 'groups', 'blocked', 'liveGrants', 'firstSeenAt', 'lastSeenAt'],
)
const EVENT = object(
  {
    number: whole,
    at: seconds,
    type: text,
    sub: text,
    clientId: text,
    clientName: text,
    grantId: text,
    actor: {
      type: 'string',
      description:
        'The `sub` of who did it, `access:` and a subject, `signal:` and the issuer of a signal, or `person` for the person themselves',
    },
    actorName: { type: 'string', description: 'What they were called then; never compare it' },
    reason: text,
  },
  ['number', 'at', 'type'],
)
const GRANT = object({
  id: text,
  clientId: text,
  clientName: text,
  resource: text,
  scopes: listOf(text),
  createdAt: seconds,
  endsAt: seconds,
  mcpSessions: whole,
})
const STREAM = object(
  {
    id: text,
    grantId: text,
    kind: { enum: ['request', 'standing', 'call'] },
    label: { type: 'string', description: 'Method and what it is applied to' },
    software: { ...object({ name: text, version: text }), description: 'What the client says it is, where it said it' },
    openedAt: seconds,
    traffic: {
      ...object({ events: whole, bytes: whole, lastAt: seconds, waiting: whole }, ['events', 'bytes', 'waiting']),
      description:
        'What has passed, when the last event did, and the bytes the client has not taken yet; absent where it was not said in time',
    },
  },
  ['id', 'grantId', 'kind', 'label', 'openedAt'],
)
const REQUEST = object({ at: seconds, clientId: text, clientName: text, resource: text, label: text, refused: text }, [
  'at',
  'clientId',
  'resource',
  'label',
])
const IDENTITY = object({ issuer: text, subject: text, email: text, name: text, groups: listOf(text) }, [
  'issuer',
  'subject',
  'groups',
])
const MACHINE = object({
  id: text,
  sub: text,
  name: text,
  owner: text,
  prefix: text,
  scopes: listOf({ enum: ['mcp', 'admin'] }),
  resources: listOf(text),
  createdAt: seconds,
  createdBy: text,
  expiresAt: seconds,
})

const milliseconds = { type: 'integer', description: 'Unix milliseconds' }
const SIGNAL = {
  ...object(
    {
      door: { enum: ['backchannel-logout', 'global-token-revocation', 'shared-signals', 'scim'] },
      issuer: text,
      jti: text,
      event: text,
      txn: text,
      receivedAt: milliseconds,
      silentAt: { ...milliseconds, description: 'Unix milliseconds: when the last stream was closed' },
    },
    ['door', 'issuer', 'jti', 'event', 'receivedAt', 'silentAt'],
  ),
  description: 'What an identity system said, where that was the cause',
}

export const SCHEMAS = {
  Refusal: object({ error: text, error_description: text, request_id: text }),
  Document: { type: 'object' },
  Session: object({ actor: text, actorName: text, via: { enum: ['cookie', 'access', 'machine'] }, csrf: text }, [
    'actor',
    'actorName',
    'via',
  ]),
  Overview: object({
    people: whole,
    connected: whole,
    streams: { type: 'integer', description: 'Open at this moment' },
    load: {
      ...object({ step: whole, requests: listOf(whole), streams: listOf(whole) }),
      description: 'The last day, oldest first: requests in each step of so many seconds, and the most streams open at once',
    },
  }),
  People: page('people', LISTED_PERSON),
  Person: object({ listed: LISTED_PERSON, live: some('PersonNow'), events: listOf(EVENT) }, ['events']),
  PersonNow: object(
    {
      sub: text,
      identity: IDENTITY,
      blocked: { type: 'boolean' },
      lastSeenAt: seconds,
      grants: listOf(GRANT),
      streams: listOf(STREAM),
      requests: listOf(REQUEST),
      recording: some('RecordingTerms'),
    },
    ['sub', 'identity', 'blocked', 'lastSeenAt', 'grants', 'streams', 'requests'],
  ),
  Clients: page(
    'clients',
    object(
      {
        id: text,
        name: text,
        knownBy: { enum: ['settings', 'document', 'sts'] },
        people: whole,
        isBlocked: { type: 'boolean' },
        usedAt: seconds,
      },
      ['id', 'people'],
    ),
  ),
  Machines: page('machines', {
    allOf: [MACHINE, object({ state: { enum: ['active', 'expired', 'ended'] }, lastUsedAt: seconds }, ['state'])],
  }),
  CreatedMachine: object({ machine: MACHINE, token: text, receipt: some('Receipt') }),
  Events: page('events', EVENT),
  Receipts: page('receipts', some('Receipt')),
  Receipt: object(
    {
      id: text,
      at: seconds,
      by: {
        type: 'string',
        description:
          'The `sub` of who did it, `access:` and a subject, `signal:` and the issuer of a signal, or `person` for the person themselves',
      },
      byName: { type: 'string', description: 'What they were called then; never compare it' },
      why: text,
      action: { enum: ['revoke', 'block', 'unblock', 'create', 'recheck'] },
      target: ACTION_TARGET,
      people: object({ total: whole, done: whole, failing: whole }),
      grants: whole,
      streams: whole,
      unanswered: {
        type: 'integer',
        description: 'Routers that did not say so themselves before their time was over, or their connection was closed',
      },
      acknowledgedAt: {
        type: ['integer', 'null'],
        description: 'Unix seconds; null while people are still being asked, and where that was cancelled',
      },
      state: { enum: ['done', 'running', 'retrying', 'cancelled'] },
      signal: SIGNAL,
    },
    ['id', 'at', 'by', 'why', 'action', 'target', 'people', 'grants', 'streams', 'unanswered', 'acknowledgedAt', 'state'],
  ),
  RecordingTerms: object(
    { grantId: text, bodies: { type: 'boolean' }, by: text, byName: text, startedAt: seconds, until: seconds },
    ['bodies', 'by', 'startedAt', 'until'],
  ),
  Recording: object({ terms: some('RecordingTerms'), entries: listOf({ type: 'object' }), last: whole }, ['entries', 'last']),
  Stopped: object({ stopped: { type: 'boolean' } }),
  ReceiptDetail: object({
    receipt: some('Receipt'),
    failing: listOf(object({ sub: text, attempts: whole, error: text, nextAt: seconds })),
  }),
}
