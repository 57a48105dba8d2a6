// What goes to a sink: signed as its specification says, and settings that name none.
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { deliver } from '../../../src/export/sinks.ts'
import { readExports, type ExportSink } from '../../../src/settings/exports.ts'
import { s3Signature, type Came } from '../../world/s3-signature.ts'
import { chain, ISSUER, NOW } from '../evidence/signing.ts'

let came: Came[] = []
let status = 200
let retryAfter = ''
let says = ''
const server = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += chunk.toString()))
  request.on('end', () => {
    came.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers, body })
    const more = status === 302 ? { location: '/elsewhere' } : { 'retry-after': retryAfter }
    response.writeHead(status, more).end(says)
  })
})
let origin = ''
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
})
afterAll(() => void server.close())
beforeEach(() => {
  came = []
  status = 200
  retryAfter = ''
  says = ''
})

const SECRET = Buffer.alloc(32, 7)
const sinkOf = (entry: object): ExportSink => {
  const { exports, problems } = readExports({
    EXPORTS: JSON.stringify([{ name: 'siem', ...entry }]),
    KEY: `whsec_${SECRET.toString('base64')}`,
    S3: 'wJalrXUtnFEMI',
  })
  const [sink] = exports
  if (!sink) throw new Error(problems.map(({ problem }) => problem).join())
  return sink
}
const delivery = { issuer: ISSUER, entries: chain(), now: NOW * 1000 }

test('a webhook is signed as Standard Webhooks says, and has the same id whenever the same lines are sent', async () => {
  const sink = sinkOf({ type: 'webhook', url: `${origin}/hook`, secret: '$KEY' })
  expect(await deliver(sink, delivery)).toEqual({ outcome: 'taken', why: '' })
  await deliver(sink, { ...delivery, now: NOW * 1000 + 60_000 })
  const [first, second] = came
  const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature } = first?.headers ?? {}
  expect([id, time]).toEqual(['evidence_siem_1-5', String(NOW)])
  expect(signature).toBe(
    `v1,${createHmac('sha256', SECRET)
      .update(`${String(id)}.${String(time)}.${first?.body}`)
      .digest('base64')}`,
  )
  // Whoever sends it again later has to sign another time: a receiver refuses what is too old.
  expect([second?.headers['webhook-id'], second?.headers['webhook-timestamp']]).toEqual([id, String(NOW + 60)])
  expect(second?.headers['webhook-signature']).not.toBe(signature)
  const { type, data } = JSON.parse(first?.body ?? '')
  expect(type).toBe('mcp_session_broker.evidence')
  expect(data.entries.map(({ number }: { number: number }) => number)).toEqual([1, 2, 3, 4, 5])
  expect(data.entries[1].ocsf).toMatchObject({ class_uid: 3002, metadata: { sequence: 2 } })
})

test('log records come by OTLP, with the time of what happened', async () => {
  await deliver(sinkOf({ type: 'otlp', url: `${origin}/v1/logs`, headers: { 'x-key': '$S3' } }), delivery)
  expect(came).toMatchObject([
    { method: 'POST', path: '/v1/logs', headers: { 'x-key': 'wJalrXUtnFEMI', 'content-type': 'application/json' } },
  ])
  const { resourceLogs } = JSON.parse(came[0]?.body ?? '')
  const records = resourceLogs[0].scopeLogs[0].logRecords
  expect(records).toHaveLength(5)
  expect(records[1]).toMatchObject({ timeUnixNano: `${NOW}001000000`, severityNumber: 9 })
  expect(JSON.parse(records[1].body.stringValue)).toMatchObject({ number: 2, ocsf: { class_uid: 3002 } })
})

test('records that a collector has thrown away, though it answers 200, are refused and not lost', async () => {
  const sink = sinkOf({ type: 'otlp', url: `${origin}/v1/logs` })
  says = JSON.stringify({ partialSuccess: { rejectedLogRecords: '2', errorMessage: 'too old' } })
  expect(await deliver(sink, delivery)).toEqual({ outcome: 'refused', why: 'it rejected 2 records' })
  for (says of [
    '',
    '{}',
    '{"partialSuccess":{"errorMessage":"only a warning"}}',
    '{"partialSuccess":{"rejectedLogRecords":0}}',
    'x',
  ])
    expect(await deliver(sink, delivery)).toEqual({ outcome: 'taken', why: '' })
})

test('what a collector says at such length, or breaks off, that nobody knows what it has thrown away, is sent again', async () => {
  const sink = sinkOf({ type: 'otlp', url: `${origin}/v1/logs` })
  says = JSON.stringify({ partialSuccess: { rejectedLogRecords: '2', errorMessage: 'too old '.repeat(4_000) } })
  expect(await deliver(sink, delivery)).toEqual({ outcome: 'again', why: 'its answer could not be read whole' })
})

test('objects are signed by Signature Version 4, named by their numbers, with OCSF beside them', async () => {
  const sink = sinkOf({ type: 's3', url: `${origin}/bucket/audit`, access_key_id: 'AKID', secret_access_key: '$S3' })
  await deliver(sink, delivery)
  const day = new Date(NOW * 1000).toISOString().slice(0, 10).replaceAll('-', '/')
  expect(came.map(({ method, path }) => `${method} ${path}`)).toEqual([
    `PUT /bucket/audit/${day}/000000000001-000000000005.ocsf.jsonl`,
    `PUT /bucket/audit/${day}/000000000001-000000000005.jsonl`,
  ])
  for (const one of came) expect(one.headers.authorization).toBe(s3Signature(one, 'AKID', 'wJalrXUtnFEMI'))
  const lines = (came[1]?.body ?? '').trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line))).toEqual(JSON.parse(JSON.stringify(chain())))
  expect((came[0]?.body ?? '').trimEnd().split('\n')).toHaveLength(4)
})

test.for<[number, string]>([
  [200, 'taken'],
  [204, 'taken'],
  [302, 'again'],
  [400, 'refused'],
  [401, 'again'],
  [404, 'again'],
  [413, 'refused'],
  [429, 'again'],
  [503, 'again'],
])('an answer of %i means %s, and leads nowhere else', async ([answered, outcome]) => {
  status = answered
  const sink = sinkOf({ type: 'webhook', url: `${origin}/hook`, secret: '$KEY' })
  expect(await deliver(sink, delivery)).toMatchObject({ outcome })
  expect(came.map(({ path }) => path)).toEqual(['/hook'])
})

test.for<[string, number | undefined]>([
  ['120', 120_000],
  ['86400', 300_000],
  ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
  ['-5', undefined],
  ['', undefined],
])('one that says Retry-After %j is left alone for as long, five minutes at most', async ([said, pauseMs]) => {
  for (status of [429, 503]) {
    retryAfter = said
    const sink = sinkOf({ type: 'webhook', url: `${origin}/hook`, secret: '$KEY' })
    expect(await deliver(sink, delivery)).toEqual({ outcome: 'again', why: `it answered ${status}`, ...(pauseMs && { pauseMs }) })
  }
})

test('a sink that is not there is tried again', async () => {
  const sink = sinkOf({ type: 'webhook', url: 'http://127.0.0.1:1/hook', secret: '$KEY' })
  expect(await deliver(sink, delivery)).toEqual({ outcome: 'again', why: 'it did not answer' })
})

test('a test event says that it is one, to every kind of sink', async () => {
  const nothing = { ...delivery, entries: [] }
  for (const sink of [
    sinkOf({ type: 'webhook', url: `${origin}/hook`, secret: '$KEY' }),
    sinkOf({ type: 'otlp', url: `${origin}/v1/logs` }),
    sinkOf({ type: 's3', url: `${origin}/bucket`, access_key_id: 'AKID', secret_access_key: '$S3' }),
  ])
    expect(await deliver(sink, nothing)).toEqual({ outcome: 'taken', why: '' })
  expect(came).toHaveLength(3)
  for (const { body } of came) expect(body).toContain('mcp_session_broker.test')
  expect(came[2]?.path).toBe('/bucket/test.json')
})

test.for<[string, object | string, string]>([
  ['plain http', { type: 'webhook', url: 'http://siem.example/x', secret: '$KEY' }, 'would be told over plain http'],
  [
    'a secret that is none',
    { type: 'webhook', url: 'https://siem.example', secret: 'hunter2hunter2' },
    'is not whsec_ and the base64 of 24 to 64 bytes',
  ],
  [
    'a secret that is no base64',
    { type: 'webhook', url: 'https://siem.example', secret: `whsec_${'A'.repeat(41)}` },
    'is not whsec_',
  ],
  ['a short secret', { type: 'webhook', url: 'https://siem.example', secret: 'whsec_AAAA' }, 'is not whsec_'],
  [
    'a secret that is not set',
    { type: 'webhook', url: 'https://siem.example', secret: '$NOBODY' },
    'names $NOBODY, which is not set',
  ],
  ['a kind nobody knows', { type: 'kafka', url: 'https://siem.example' }, 'type'],
  ['a query', { type: 'otlp', url: 'https://siem.example/?key=x' }, 'has a query'],
  ['no JSON', '{', 'is not a JSON list of sinks'],
])('a sink with %s is refused by a sentence without the secret', ([, entry, sentence]) => {
  const EXPORTS = typeof entry === 'string' ? entry : JSON.stringify([{ name: 'siem', ...entry }])
  const { exports, problems } = readExports({ EXPORTS, KEY: `whsec_${SECRET.toString('base64')}` })
  expect([exports, problems.map(({ problem }) => problem).join()]).toEqual([[], expect.stringContaining(sentence)])
  expect(JSON.stringify(problems)).not.toContain('hunter2')
})
