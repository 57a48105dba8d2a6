// The OpenAPI 3.1 document of the admin API; a test holds it to the routes that are mounted.
import * as z from 'zod'
import { evidenceQuery } from '../../src/routes/admin/evidence-api.ts'
import { answerSchemas, refTo, withoutDialect, type AnswerName } from './openapi-schemas.ts'
import { newRecording, recordingQuery, sealedQuery } from '../../src/routes/admin/recording-api.ts'
import {
  eventsQuery,
  newMachine,
  newSealingKey,
  newStream,
  numberedQuery,
  pageQuery,
  revocation,
  why,
} from '../../src/routes/admin/requests.ts'

interface Operation {
  readonly summary: string
  readonly query?: z.ZodObject
  readonly body?: z.ZodType
  /** The answers that are no refusal, and the name of what is in them. */
  readonly answers: Readonly<Record<number, AnswerName>>
}

const OVER = { 200: 'Receipt' } as const
const OVER_OR_GOING_ON = { 200: 'Receipt', 202: 'Receipt' } as const

/** By method and path. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'get /openapi.json': { summary: 'This document', answers: { 200: 'Document' } },
  'get /session': { summary: 'Who you are here, and the CSRF token of a cookie session', answers: { 200: 'Session' } },
  'get /overview': {
    summary: 'How many people there are and are connected, how many streams are open, and how busy the last day was',
    answers: { 200: 'Overview' },
  },
  'get /people': {
    summary:
      'People and machines, most recently seen first, or those whose e-mail or name begins with the search; exactly that address or subject comes first',
    query: pageQuery,
    answers: { 200: 'People' },
  },
  'get /people/{sub}': {
    summary: 'One person: as listed, as their session is at this moment with grants and open streams, and recent events',
    answers: { 200: 'Person' },
  },
  'post /people/{sub}/block': {
    summary: 'Shut a person out: everything they have ends, and no sign-in succeeds',
    body: why,
    answers: OVER,
  },
  'post /people/{sub}/unblock': { summary: 'Let a person sign in again', body: why, answers: OVER },
  'get /clients': {
    summary: 'Registered clients, last used first, or those whose name contains the search',
    query: pageQuery,
    answers: { 200: 'Clients' },
  },
  'post /clients/{id}/block': {
    summary: 'Nobody can connect the client any more, and everybody who has is disconnected',
    body: why,
    answers: OVER_OR_GOING_ON,
  },
  'post /clients/{id}/unblock': { summary: 'Let people connect the client again', body: why, answers: OVER },
  'get /machines': {
    summary: 'Machine credentials, newest first, without their tokens',
    query: numberedQuery,
    answers: { 200: 'Machines' },
  },
  'post /machines': {
    summary: 'Create a machine credential; its token is in this answer and never again',
    body: newMachine,
    answers: { 201: 'CreatedMachine' },
  },
  'get /events': {
    summary: 'Security events, newest first; as application/x-ndjson or text/csv all of them',
    query: eventsQuery,
    answers: { 200: 'Events' },
  },
  'get /signals': {
    summary: 'By which doors each identity provider may say that access is over, what came last, and whether its stream works',
    answers: { 200: 'Signals' },
  },
  'post /signals/{provider}/stream': {
    summary: 'Set up the stream of security events of a provider whose transmitter the settings name, and have it verified',
    body: newStream,
    answers: { 201: 'SignalStream' },
  },
  'post /signals/{provider}/verify': {
    summary: 'Have a stream verified: what the transmitter sends comes by itself, and shows as verifiedAt',
    body: why,
    answers: { 200: 'SignalStream' },
  },
  'post /servers/{name}/verify': {
    summary: 'Send a server that hears of ended sessions an event that proves the way there',
    body: why,
    answers: { 200: 'ServerTold' },
  },
  'get /receipts': {
    summary: 'Receipts of administrative actions, newest first',
    query: numberedQuery,
    answers: { 200: 'Receipts' },
  },
  'get /receipts/{id}': { summary: 'One receipt as it stands, and who has not answered yet', answers: { 200: 'ReceiptDetail' } },
  'get /receipts/{id}/signed': {
    summary: 'One receipt as a signed statement, with the keys it is checked by',
    answers: { 200: 'SignedReceipt' },
  },
  'get /evidence': {
    summary: 'The number and hash of the newest line of the evidence, signed, and every key that has signed',
    answers: { 200: 'EvidenceHead' },
  },
  'get /evidence/entries': {
    summary: 'Lines of the evidence, oldest first: each event and receipt, chained by hashes',
    query: evidenceQuery,
    answers: { 200: 'EvidenceEntries' },
  },
  'get /exports': { summary: 'How far each sink of the export has come, and what it refuses', answers: { 200: 'Exports' } },
  'post /exports/{name}/test': {
    summary: 'Send a sink a test event that proves the way there',
    body: why,
    answers: { 200: 'ExportTested' },
  },
  'post /exports/{name}/retry': {
    summary: 'Send a sink once more what it has refused',
    body: why,
    answers: { 200: 'ExportRetried' },
  },
  'post /revocations': {
    summary: 'End a stream, MCP session, grant, client, person, server, or everyone; 202 while people are still being asked',
    body: revocation,
    answers: OVER_OR_GOING_ON,
  },
  'get /sealing-key': {
    summary: 'The public key that recorded messages are sealed to; 409 `no_sealing_key` until an administrator has made one',
    answers: { 200: 'SealingKey' },
  },
  'get /sealing-keys': {
    summary:
      'The sealing key in use and those before it, newest first, with their private halves wrapped for who reads recordings',
    answers: { 200: 'SealingKeys' },
  },
  'post /sealing-key': {
    summary: 'Put a sealing key in place that a page has made; machines can not',
    body: newSealingKey,
    answers: { 201: 'Receipt' },
  },
  'get /recordings/{sub}': {
    summary: 'What the flight recorder has of a person, oldest first; as application/x-ndjson all of it',
    query: recordingQuery,
    answers: { 200: 'Recording' },
  },
  'get /recordings/{sub}/sealed': {
    summary: 'The same with its messages, sealed, and the wrapped keys to read them: always application/x-ndjson',
    query: sealedQuery,
    answers: { 200: 'SealedLine' },
  },
  'post /recordings/{sub}': {
    summary: 'Record what passes between the person, or one of their clients, and the servers; the person sees that it is on',
    body: newRecording,
    answers: { 201: 'RecordingTerms' },
  },
  'post /recordings/{sub}/stop': {
    summary: 'Stop recording; what was recorded stays for a while',
    body: why,
    answers: { 200: 'Stopped' },
  },
}

const SCHEMES = {
  cookie: {
    type: 'apiKey',
    in: 'cookie',
    name: 'mcp_pages',
    description: 'An administrator signed in at /admin; unsafe requests also carry X-CSRF-Token',
  },
  access: {
    type: 'apiKey',
    in: 'header',
    name: 'Cf-Access-Jwt-Assertion',
    description: 'Set by Cloudflare Access in front of /admin',
  },
  machine: { type: 'http', scheme: 'bearer', description: 'A machine credential with the scope admin' },
}

/** Its address of the API is relative to where the document is served (OpenAPI 3.1, section 4.8.5). */
export function openApi(): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const [method = '', path = ''] = name.split(' ')
    paths[path] = { ...paths[path], [method]: described(path, operation) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'MCP Session Broker: administration', version: '1' },
    servers: [{ url: '/admin/api' }],
    security: Object.keys(SCHEMES).map((name) => ({ [name]: [] })),
    paths,
    components: { schemas: answerSchemas(), securitySchemes: SCHEMES },
  }
}

function described(path: string, { summary, query, body, answers }: Operation): object {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, shape]) => ({
    name,
    in: 'query',
    schema: withoutDialect(z.toJSONSchema(shape, { io: 'input' })),
  }))
  const responses = Object.entries(answers).map(([status, name]) => [
    status,
    { description: name, content: json({ $ref: refTo(name) }) },
  ])
  const refusal = { description: 'Refused', content: json({ $ref: refTo('Refusal') }) }
  return {
    summary,
    ...(inPath.length + inQuery.length > 0 && { parameters: [...inPath, ...inQuery] }),
    ...(body && { requestBody: { required: true, content: json(withoutDialect(z.toJSONSchema(body, { io: 'input' }))) } }),
    responses: { ...Object.fromEntries(responses), default: refusal },
  }
}

function json(schema: object): object {
  return { 'application/json': { schema } }
}
