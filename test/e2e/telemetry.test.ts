// Spans at a real OTLP endpoint, one call of each era: who is whose parent, what is in them, and that nobody waits for the endpoint.
import { beforeEach, describe, expect, test } from 'vitest'
import { MODERN, MODERN_META, postHeaders } from '../world/broker-client.ts'
import { credentialsFor } from '../world/clients.ts'
import { readExposition, sumOf } from '../world/exposition-reader.ts'
import { fixture } from '../world/fixture.ts'
import { startOtlpSink, type ReceivedSpan } from '../world/otlp-sink.ts'
import { startRawDownstream, type RawHandler } from '../world/raw-downstream.ts'
import { scrape } from '../world/scrape.ts'
import { startWorld } from '../world/world.ts'

const [TRACE, PARENT_SPAN] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'] as const
const [HTTP_TRACE, HTTP_SPAN] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'] as const
const PARENT = `00-${TRACE}-${PARENT_SPAN}-01`
const OF_HTTP = `00-${HTTP_TRACE}-${HTTP_SPAN}-01`
const CANARY = 'canary-7f3a9c'

const the = fixture(async (closing) => {
  const [downstream, sink] = await Promise.all([closing(startRawDownstream(say('{"content":[]}'))), closing(startOtlpSink())])
  const world = await closing(
    startWorld({
      overrides: {
        DOWNSTREAM_MCP_URL: downstream.url,
        OTEL_EXPORTER_OTLP_ENDPOINT: `${sink.url}/`,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=a%20key',
      },
    }),
  )
  const token = (await credentialsFor('alice', world.mcpUrl)).accessToken
  return { world, downstream, sink, token }
})

beforeEach(() => {
  the.sink.behave('take')
  the.sink.forget()
  the.downstream.requests.forget()
  the.downstream.handleWith(say('{"content":[]}'))
})

type Era = 'legacy' | 'modern'

interface Call {
  readonly era: Era
  readonly id?: string | number
  readonly name?: string
  readonly meta?: object
  readonly headers?: Readonly<Record<string, string>>
  readonly given?: object
}

const ANSWER = /"id":("[^"]*"|\d+)/

function say(result: string, type: 'application/json' | 'text/event-stream' = 'application/json'): RawHandler {
  return (_request, body, response) => {
    const message = `{"jsonrpc":"2.0","id":${ANSWER.exec(String(body))?.[1] ?? 'null'},${result.startsWith('"error"') ? result : `"result":${result}`}}`
    response.writeHead(200, { 'content-type': type })
    response.end(type === 'application/json' ? message : `event: message\ndata: ${message}\n\n`)
  }
}

async function call({ era, id = 7, name = 'echo', meta, headers, given = {} }: Call): Promise<Response> {
  const _meta = era === 'modern' ? { ...MODERN_META, ...meta } : meta
  const version = era === 'modern' ? MODERN : '2025-11-25'
  return await fetch(the.world.mcpUrl, {
    method: 'POST',
    headers: {
      ...postHeaders(the.token),
      'mcp-protocol-version': version,
      ...(era === 'modern' && { 'mcp-method': 'tools/call', 'mcp-name': name }),
      ...headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name, arguments: given, ...(_meta && { _meta }) },
    }),
  })
}

const of = (id: string): readonly ReceivedSpan[] =>
  the.sink.spans.filter(({ attributes }) => attributes['jsonrpc.request.id'] === id)

/** Those of the calls with these ids, when all of them have come. */
async function spansOf(...ids: readonly string[]): Promise<readonly Pair[]> {
  await expect.poll(() => ids.every((id) => of(id).length === 2)).toBe(true)
  return ids.map((id) => {
    const [server, client] = ['server', 'client'].map((kind) => of(id).find((span) => span.kind === kind))
    if (!server || !client) throw new Error(`the call ${id} has not one span of each kind`)
    return { server, client }
  })
}

interface Pair {
  readonly server: ReceivedSpan
  readonly client: ReceivedSpan
}

interface SentToServer {
  readonly headers: Readonly<Record<string, unknown>>
  readonly meta: Readonly<Record<string, unknown>>
}

function sent(id: string): SentToServer {
  for (const { body, headers } of the.downstream.requests.all) {
    const message = JSON.parse(String(body))
    if (message.id === id) return { headers, meta: message.params._meta ?? {} }
  }
  throw new Error(`the server got no call ${id}`)
}

const contextOf = ({ traceId, spanId }: ReceivedSpan): string => `00-${traceId}-${spanId}-01`

describe.for([['legacy'], ['modern']] as const)('calls of the %s era', ([era]) => {
  test('are two spans each, in the trace of their client or one of their own, and say how they ended', async () => {
    const asked = async (id: string, more: Partial<Call> = {}): Promise<void> =>
      void (await (await call({ era, id, ...more })).text())
    const meta = { traceparent: PARENT, tracestate: 'vendor=1', baggage: 'k=v' }
    await asked('as-json', { meta, headers: { traceparent: OF_HTTP } })
    await asked('by-http', { headers: { traceparent: OF_HTTP, tracestate: 'vendor=2' } })
    await asked('malformed', { meta: { traceparent: `${PARENT}-more`, tracestate: 's'.repeat(20_000), baggage: 'k=v' } })
    await asked('unsampled', { meta: { traceparent: PARENT.replace(/01$/, '00') } })
    the.downstream.handleWith(say('{"content":[]}', 'text/event-stream'))
    await asked('as-events', { meta })
    the.downstream.handleWith(say('{"content":[{"type":"text","text":"no"}],"isError":true}'))
    await asked('tool-error')
    the.downstream.handleWith(say('"error":{"code":-32602,"message":"no such tool"}', 'text/event-stream'))
    await asked('server-error')
    the.downstream.handleWith((_request, _body, response) => void response.destroy())
    await asked('unreachable')
    const [json, events, byHttp, malformed, toolError, serverError, unreachable] = await spansOf(
      'as-json',
      'as-events',
      'by-http',
      'malformed',
      'tool-error',
      'server-error',
      'unreachable',
    )

    const common = {
      'mcp.method.name': 'tools/call',
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'echo',
      'mcp.protocol.version': era === 'modern' ? '2026-07-28' : '2025-11-25',
      'network.transport': 'tcp',
      'network.protocol.name': 'http',
    }
    const address = { 'server.address': '127.0.0.1', 'server.port': the.downstream.port }
    for (const [id, pair] of [
      ['as-json', json],
      ['as-events', events],
    ] as const) {
      const { server, client } = pair ?? never()
      expect(server).toMatchObject({ name: 'tools/call echo', traceId: TRACE, parentSpanId: PARENT_SPAN, isError: false })
      expect(client).toMatchObject({ name: 'tools/call echo', traceId: TRACE, parentSpanId: server.spanId, isError: false })
      expect(server.attributes).toEqual({ ...common, 'jsonrpc.request.id': id })
      expect(client.attributes).toEqual({ ...common, ...address, 'jsonrpc.request.id': id })
      // The MCP server goes on from the second of them, and gets the rest of what the client said.
      expect(sent(id).meta).toMatchObject({ traceparent: contextOf(client), tracestate: 'vendor=1', baggage: 'k=v' })
      expect(sent(id).headers).toMatchObject({ traceparent: contextOf(client), tracestate: 'vendor=1' })
    }
    // The context of HTTP is a link beside that of the message, and the parent where there is no other.
    expect(json?.server.links).toEqual([{ traceId: HTTP_TRACE, spanId: HTTP_SPAN }])
    expect(byHttp?.server).toMatchObject({ traceId: HTTP_TRACE, parentSpanId: HTTP_SPAN })
    expect(byHttp?.server.links).toBeUndefined()
    expect(sent('by-http').headers['tracestate']).toBe('vendor=2')
    // What is malformed, or sent to another one, is no context.
    expect(malformed?.server.traceId).not.toBe(TRACE)
    expect(malformed?.server.parentSpanId).toBeUndefined()
    expect(sent('malformed').meta).toMatchObject({ traceparent: contextOf(malformed?.client ?? never()), baggage: 'k=v' })
    expect(sent('malformed').meta['tracestate']).toBeUndefined()
    // Whoever does not want to be recorded is not, and passes as they came.
    expect(sent('unsampled').meta['traceparent']).toBe(PARENT.replace(/01$/, '00'))
    expect(of('unsampled')).toEqual([])

    const endings = [toolError, serverError, unreachable].map((pair) => {
      const { isError, attributes } = pair?.server ?? never()
      return [isError, attributes['error.type'], attributes['rpc.response.status_code'], attributes['mcp_broker.refusal']]
    })
    expect(endings).toEqual([
      [true, 'tool_error', undefined, undefined],
      [true, '-32602', '-32602', undefined],
      [true, '-32603', '-32603', 'downstream_unreachable'],
    ])
  })
})

function never(): never {
  throw new Error('there is no such span')
}

test('56. what a client says, and who it is, is in no span and in no metric', async () => {
  const secrets = [CANARY, the.token, 'alice@example.com', `tok_${'x'.repeat(48)}`]
  for (const era of ['legacy', 'modern'] as const) {
    the.downstream.handleWith(say(`{"content":[{"type":"text","text":"${CANARY}"}],"isError":true}`))
    await (
      await call({
        era,
        given: { password: CANARY, nested: { token: the.token } },
        meta: { baggage: `user=${CANARY}`, traceparent: PARENT, tracestate: `v=${CANARY}` },
      })
    ).text()
    // Where the protocol has a name, somebody may write anything.
    await (await call({ era, name: 'alice@example.com', id: 'alice@example.com' })).text()
    await (await call({ era, name: `tok_${'x'.repeat(48)}`, id: `tok_${'x'.repeat(48)}` })).text()
    the.downstream.handleWith(say(`"error":{"code":-32000,"message":"${CANARY} is wrong","data":"${CANARY}"}`))
    await (await call({ era })).text()
  }
  await expect.poll(() => the.sink.spans.length).toBe(16)
  const said = the.sink.said.join('\n')
  expect(secrets.filter((secret) => said.includes(secret))).toEqual([])
  expect(said).toContain('"x-api-key":"a key"')
  const text = await scrape(the.world.brokerUrl)
  expect(secrets.filter((secret) => text.includes(secret))).toEqual([])
  const metrics = readExposition(text)
  expect(
    sumOf(metrics, 'mcp_server_operation_duration_seconds_count', { mcp_method_name: 'tools/call', error_type: 'tool_error' }),
  ).toBeGreaterThan(1)
  expect(sumOf(metrics, 'mcp_client_operation_duration_seconds_count', { error_type: '-32000', server: 'mcp' })).toBeGreaterThan(
    1,
  )
  expect(sumOf(metrics, 'mcp_broker_spans_total', { outcome: 'exported' })).toBeGreaterThan(10)
})

test.for([['hang'], ['refuse']] as const)('nobody notices when the endpoint would %s', async ([how]) => {
  the.sink.behave(how)
  for (const era of ['legacy', 'modern', 'legacy', 'modern'] as const) {
    const began = performance.now()
    expect((await call({ era })).status).toBe(200)
    expect(performance.now() - began).toBeLessThan(3_000)
  }
  // After a failure it is left alone for a while.
  await expect.poll(() => the.sink.said.length).toBe(how === 'hang' ? 1 : 0)
})
