// Spans and durations of HTTP+SSE, on either side, and of batches of 2025-03-26: one operation for each message, until its answer goes out.
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { beforeEach, describe, expect, test } from 'vitest'
import { answerByTool, WORDS } from '../world/answer-by-tool.ts'
import { credentialsFor } from '../world/clients.ts'
import { readExposition, sumOf } from '../world/exposition-reader.ts'
import { fixture } from '../world/fixture.ts'
import { LegacyClient } from '../world/legacy-client.ts'
import { startOtlpSink, type ReceivedSpan } from '../world/otlp-sink.ts'
import { startRawDownstream } from '../world/raw-downstream.ts'
import { scrape } from '../world/scrape.ts'
import { SseClient } from '../world/sse-client.ts'
import { startSseDownstream } from '../world/sse-downstream.ts'
import { startWorld } from '../world/world.ts'

const [TRACE, PARENT_SPAN] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'] as const
const META = { traceparent: `00-${TRACE}-${PARENT_SPAN}-01` }
/** A client of HTTP+SSE that left is waited for so long. */
const LEFT_MS = 25_000

const the = fixture(async (closing) => {
  const [server, old, sink] = await Promise.all([
    closing(startRawDownstream(answerByTool)),
    closing(startSseDownstream()),
    closing(startOtlpSink()),
  ])
  const overrides = {
    DOWNSTREAM_MCP_URL: server.url,
    DOWNSTREAMS: JSON.stringify([{ name: 'old', url: old.url }]),
    OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
  }
  const world = await closing(startWorld({ overrides }))
  const { accessToken: token } = await credentialsFor('alice', world.mcpUrl)
  const { accessToken: tokenOfOld } = await credentialsFor('alice', `${world.brokerUrl}/servers/old/mcp`)
  return { server, old, sink, world, token, tokenOfOld }
})

beforeEach(() => {
  the.sink.forget()
  the.server.requests.forget()
})

const call = (name: string, id: string, more: object = {}): object => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: { password: WORDS }, ...more },
})

interface Pair {
  readonly server: ReceivedSpan
  readonly client: ReceivedSpan
}

const spansOf = (id: string): readonly ReceivedSpan[] =>
  the.sink.spans.filter(({ attributes }) => attributes['jsonrpc.request.id'] === id)

/** Both spans of one request, when they have come. */
async function pairOf(id: string, withinMs = 10_000): Promise<Pair> {
  await expect.poll(() => spansOf(id).length, { timeout: withinMs }).toBe(2)
  const [server, client] = ['server', 'client'].map((kind) => spansOf(id).find((span) => span.kind === kind))
  if (!server || !client) throw new Error(`the request ${id} has not one span of each kind`)
  return { server, client }
}

const endings = async (ids: readonly string[], withinMs?: number): Promise<readonly unknown[]> =>
  await Promise.all(
    ids.map(async (id) => {
      const { server, client } = await pairOf(id, withinMs)
      expect(client.attributes['error.type']).toBe(server.attributes['error.type'])
      return [id, server.attributes['error.type']]
    }),
  )

const milliseconds = ({ startTimeUnixNano: from, endTimeUnixNano: to }: ReceivedSpan): number =>
  Number((BigInt(to) - BigInt(from)) / 1_000_000n)

const count = async (side: 'server' | 'client', labels: Readonly<Record<string, string>>): Promise<number> =>
  sumOf(readExposition(await scrape(the.world.brokerUrl)), `mcp_${side}_operation_duration_seconds_count`, labels)

const sseUrl = (server?: string): string => `${the.world.brokerUrl}${server === undefined ? '' : `/servers/${server}`}/sse`

describe('a client of HTTP+SSE', () => {
  test('has two spans for each message, which end with the answer on its stream, or when there is none to come', async () => {
    const client = await SseClient.open(sseUrl(), the.token)
    const handle = new URL(await client.endpoint()).searchParams.get('session') ?? ''
    for (const name of ['fine', 'events', 'fails', 'wrong', 'refused']) await client.post(call(name, name, { _meta: META }))
    await client.post(call('never', 'taken-back'))
    await expect.poll(() => the.server.requests.all.some(({ body }) => String(body).includes('taken-back'))).toBe(true)
    await client.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'taken-back' } })
    expect(await endings(['init', 'fine', 'events', 'fails', 'wrong', 'refused', 'taken-back'])).toEqual([
      ['init', undefined],
      ['fine', undefined],
      ['events', undefined],
      ['fails', 'tool_error'],
      ['wrong', '-32602'],
      ['refused', '-32603'],
      ['taken-back', 'cancelled'],
    ])
    const { server: toward, client: from } = await pairOf('fine')
    expect(toward).toMatchObject({ name: 'tools/call fine', traceId: TRACE, parentSpanId: PARENT_SPAN, isError: false })
    expect(from).toMatchObject({ name: 'tools/call fine', traceId: TRACE, parentSpanId: toward.spanId })
    expect(from.attributes).toMatchObject({ 'server.address': '127.0.0.1', 'server.port': the.server.port })
    const sent = the.server.requests.all.find(({ body }) => String(body).includes('"id":"fine"'))
    const traceparent = `00-${TRACE}-${from.spanId}-01`
    expect(sent?.headers['traceparent']).toBe(traceparent)
    expect(JSON.parse(String(sent?.body)).params['_meta']).toEqual({ traceparent })
    // The handle in the address of its messages lets anybody post who has it and a token.
    expect(the.sink.spans.every(({ attributes }) => !('mcp.session.id' in attributes))).toBe(true)
    expect(handle).not.toBe('')
    expect(the.sink.said.join('\n')).not.toContain(handle)
    const notified = the.sink.spans.filter(({ name }) => name === 'notifications/initialized')
    expect(notified.map(({ kind }) => kind).toSorted()).toEqual(['client', 'server'])
    client.stream.leave()
  })

  test('that leaves and does not come back has cancelled what it asked; what it posts later has no span toward the server', async () => {
    const authorization = `Bearer ${the.token}`
    const asked = request(sseUrl(), { headers: { authorization }, agent: false }).end()
    const [answer]: IncomingMessage[] = await once(asked, 'response')
    let said = ''
    answer?.setEncoding('utf8').on('error', () => undefined)
    answer?.on('data', (chunk: string) => (said += chunk))
    await expect.poll(() => said).toContain('event: endpoint')
    const endpoint = the.world.brokerUrl + (/data: (\S+)/.exec(said)?.[1] ?? '')
    const headers = { authorization, 'content-type': 'application/json' }
    const post = async (message: object): Promise<number> =>
      (await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify(message) })).status
    expect(await post(call('never', 'abandoned'))).toBe(202)
    // A connection that is only closed looks half-open to the runtime until the next keep-alive comment.
    asked.socket?.resetAndDestroy()
    expect(await endings(['abandoned'], LEFT_MS)).toEqual([['abandoned', 'cancelled']])
    expect(await post(call('fine', 'late'))).toBe(404)
    await expect.poll(() => spansOf('late').length).toBe(1)
    expect(spansOf('late')).toMatchObject([{ kind: 'server', attributes: { 'mcp_broker.refusal': 'session_not_found' } }])
  })

  test('whose access is taken back has what it asked refused', async () => {
    const { accessToken, refreshToken, clientId } = await credentialsFor('alice', the.world.mcpUrl)
    const client = await SseClient.open(sseUrl(), accessToken)
    await client.post(call('never', 'revoked'))
    await fetch(`${the.world.brokerUrl}/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ token: refreshToken, client_id: clientId }),
    })
    const { server } = await pairOf('revoked')
    expect(server.attributes['mcp_broker.refusal']).toBe('credential_revoked')
  })
})

describe('a server of HTTP+SSE', () => {
  test('has spans that last until its answer, whatever its client speaks, and they are in the durations', async () => {
    const before = await count('server', { server: 'old', mcp_method_name: 'tools/call' })
    const sse = await SseClient.open(sseUrl('old'), the.tokenOfOld)
    const http = await LegacyClient.open(`${the.world.brokerUrl}/servers/old/mcp`, the.tokenOfOld)
    await Promise.all([
      sse.call('count', { to: 4, interval_ms: 100 }, 'by-sse'),
      http.stream('count', { to: 4, interval_ms: 100 }, 'by-http').then(async ({ over }) => await over),
    ])
    const { port } = new URL(the.old.url)
    for (const id of ['by-sse', 'by-http']) {
      const { server, client } = await pairOf(id)
      expect([server.name, client.name, server.isError]).toEqual(['tools/call count', 'tools/call count', false])
      expect(Math.min(milliseconds(server), milliseconds(client))).toBeGreaterThan(300)
      expect(client.attributes).toMatchObject({ 'server.address': '127.0.0.1', 'server.port': Number(port) })
    }
    const ofOld = the.sink.spans.filter(({ attributes }) => attributes['server.port'] === Number(port))
    expect(ofOld.filter(({ name }) => name === 'initialize').map(({ isError }) => isError)).toEqual([false, false])
    for (const side of ['server', 'client'] as const)
      expect(await count(side, { server: 'old', mcp_method_name: 'tools/call' })).toBe(before + 2)
    sse.stream.leave()
  })
})

describe('a batch', () => {
  test.for([
    ['one body', ''],
    ['events', 'events'],
  ] as const)('that is answered in %s is two spans for each of its messages, and passes as it came', async ([, other]) => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.token, { version: '2025-03-26' })
    const batch = [
      call('fine', 'one', { _meta: META }),
      { jsonrpc: '2.0', method: 'notifications/roots/list_changed' },
      call('wrong', 'two'),
      call(other || 'fails', 'three'),
    ]
    await (await client.post(batch)).text()
    expect(await endings(['one', 'two', 'three'])).toEqual([
      ['one', undefined],
      ['two', '-32602'],
      ['three', other === '' ? 'tool_error' : undefined],
    ])
    const [one, two] = await Promise.all([pairOf('one'), pairOf('two')])
    expect(one.server).toMatchObject({ name: 'tools/call fine', traceId: TRACE, parentSpanId: PARENT_SPAN })
    expect(two.server.traceId).not.toBe(TRACE)
    const notified = the.sink.spans.filter(({ name }) => name === 'notifications/roots/list_changed')
    expect(notified.map(({ kind }) => kind).toSorted()).toEqual(['client', 'server'])
    expect(the.server.requests.all.map(({ body }) => String(body))).toContain(JSON.stringify(batch))
  })

  test('of which a part is taken back says so of that part', async () => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.token, { version: '2025-03-26' })
    const stream = await client.open([call('never', 'taken'), call('fine', 'kept')])
    await stream.message('"kept"')
    await client.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'taken' } })
    expect(await endings(['taken', 'kept'])).toEqual([
      ['taken', 'cancelled'],
      ['kept', undefined],
    ])
  })
})

test('56. what a client of HTTP+SSE or a batch says, and where it is posted, is in no span and in no metric', async () => {
  const sse = await SseClient.open(sseUrl(), the.token)
  const endpoint = await sse.endpoint()
  const http = await LegacyClient.open(the.world.mcpUrl, the.token, { version: '2025-03-26' })
  const own = { _meta: { ...META, tracestate: `v=${WORDS}`, baggage: `user=${WORDS}` } }
  const said = ['fine', 'fails', 'wrong', 'alice@example.com'].map((name) => call(name, name, own))
  for (const message of said) await sse.post(message)
  await sse.stream.message('"id":"alice@example.com"')
  await (await http.post(said)).text()
  // Two of each call, of each initialize, and of what says that it is done.
  await expect.poll(() => the.sink.spans.length).toBe(24)
  const secrets = [WORDS, the.token, 'alice@example.com', '?session=', new URL(endpoint).searchParams.get('session') ?? '?']
  const told = [the.sink.said.join('\n'), await scrape(the.world.brokerUrl)]
  expect(secrets.filter((secret) => told.some((text) => text.includes(secret)))).toEqual([])
  sse.stream.leave()
})
