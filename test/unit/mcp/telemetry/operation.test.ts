// What of a message is recorded, whoever wrote it, and how a failure is called.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { openEnvelope } from '../../../../src/mcp/message/json-rpc-body.ts'
import { McpRefusal } from '../../../../src/mcp/message/refusal.ts'
import { beginOperation, Operation } from '../../../../src/mcp/telemetry/operation.ts'
import { failureIn, failureOf, labelOfFailure } from '../../../../src/mcp/telemetry/outcome.ts'
import { measures } from '../../../../src/platform/measures.ts'
import { useTelemetry } from '../../../../src/platform/span-exporter.ts'
import { exportRequest, type ReceivedSpan } from '../../../world/otlp-sink.ts'

const downstream = { name: 'mcp', url: 'https://mcp.example/mcp' }
const pending: Promise<unknown>[] = []
const bodies: string[] = []
const waitUntil = (work: Promise<unknown>): void => void pending.push(work)

beforeEach(() => {
  vi.useFakeTimers()
  useTelemetry({ tracesUrl: 'https://collector.example/v1/traces', headers: {}, ratio: 1 })
  vi.stubGlobal('fetch', async (_: string, { body }: RequestInit) => {
    bodies.push(z.string().parse(body))
    return new Response('{}')
  })
})
afterEach(() => {
  useTelemetry(undefined)
  vi.unstubAllGlobals()
  vi.useRealTimers()
  pending.length = 0
  bodies.splice(0)
})

function begin(message: object | string, headers: Readonly<Record<string, string>> = {}) {
  const body = new TextEncoder().encode(typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message }))
  const bytes = new Uint8Array(body)
  return beginOperation({
    envelope: openEnvelope(bytes),
    body: bytes,
    headers: new Headers(headers),
    downstream,
    startedAt: Date.now(),
    waitUntil,
  })
}

async function exported(): Promise<readonly ReceivedSpan[]> {
  await vi.advanceTimersByTimeAsync(5_000)
  return bodies.flatMap((body) =>
    exportRequest.parse(JSON.parse(body)).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
  )
}

const call = (name: unknown, more: object = {}): object => ({
  id: 1,
  method: 'tools/call',
  params: { name, arguments: {}, ...more },
})

describe('a span is called', () => {
  test.for([
    ['by method and tool', call('echo'), 'tools/call echo'],
    ['by method and prompt', { id: 1, method: 'prompts/get', params: { name: 'sum.up' } }, 'prompts/get sum.up'],
    [
      'by its method, whatever resource it is about',
      { id: 1, method: 'resources/read', params: { uri: 'file:///home/alice' } },
      'resources/read',
    ],
    ['by no method that a client made up', { id: 1, method: 'alice@example.com' }, '_OTHER'],
    ['by no tool that looks like an address', call('alice@example.com'), 'tools/call'],
    ['by no tool that looks like a credential', call(`ghp_${'a1'.repeat(18)}`), 'tools/call'],
    ['by no tool that is too long', call('x'.repeat(129)), 'tools/call'],
    ['by no tool that is no text', call(7), 'tools/call'],
  ] as const)('%s', async ([, message, name]) => {
    begin(message).operation?.ended()
    const spans = await exported()
    expect(spans.map((each) => each.name)).toEqual([name])
    expect(JSON.stringify(spans)).not.toContain('alice')
  })
})

test('ids and versions are recorded where they look like some', async () => {
  const asked = { ...call('echo'), id: 'alice@example.com' }
  begin(asked, { 'mcp-protocol-version': 'alice', 'mcp-session-id': 'abc-123' }).operation?.ended()
  const [span] = await exported()
  expect(span?.attributes).toMatchObject({ 'mcp.session.id': 'abc-123' })
  expect(Object.keys(span?.attributes ?? {})).not.toEqual(expect.arrayContaining(['jsonrpc.request.id', 'mcp.protocol.version']))
})

test('a call that is refused before the MCP server is asked has no span toward it', async () => {
  begin(call('echo')).operation?.failed(new McpRefusal('tool_not_allowed', 'alice may not'))
  const spans = await exported()
  expect(spans).toHaveLength(1)
  expect(spans[0]).toMatchObject({
    kind: 'server',
    isError: true,
    attributes: { 'error.type': '-32007', 'rpc.response.status_code': '-32007', 'mcp_broker.refusal': 'tool_not_allowed' },
  })
  expect(JSON.stringify(spans)).not.toContain('alice')
})

test('only what is named in the trace changes in a body, and nothing in one that is kept', () => {
  const text =
    '{"jsonrpc":"2.0", "id":9007199254740993,"method":"tools/call","params":{"name":"echo","arguments":{"n":1.0},"_meta":{"a":1}}}'
  const { sent, traceHeaders } = begin(text)
  const own = traceHeaders?.['traceparent']
  expect(own).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-01$/)
  expect(new TextDecoder().decode(sent)).toBe(text.replace('{"a":1}', `{"a":1,"traceparent":"${own}"}`))
  const initialize = { id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {} } }
  expect(new TextDecoder().decode(begin(initialize).sent)).toBe(JSON.stringify({ jsonrpc: '2.0', ...initialize }))
})

test('without an endpoint a body is what it was, to the byte', () => {
  useTelemetry(undefined)
  const body = new TextEncoder().encode('{"jsonrpc":"2.0","method":"ping","id":1,"params":{"_meta":{"traceparent":"00-a"}}}')
  const bytes = new Uint8Array(body)
  const begun = beginOperation({
    envelope: openEnvelope(bytes),
    body: bytes,
    headers: new Headers(),
    downstream,
    startedAt: 0,
    waitUntil,
  })
  expect(begun.sent).toBe(bytes)
  expect(begun.traceHeaders).toBeUndefined()
})

test('it is counted once, however often it ends', () => {
  measures.take()
  const operation = new Operation([{ method: 'tools/list', server: 'once', startedAt: Date.now() }], waitUntil)
  operation.asked()
  operation.answered('{"jsonrpc":"2.0","id":1,"result":{}}')
  operation.ended(500)
  operation.cancelled()
  const other = new Operation([{ method: 'tools/list', server: 'once', startedAt: Date.now() }], waitUntil)
  other.handedOver()
  other.ended()
  const report = measures.take()
  if (report) measures.arrived(report)
  const { sums = {} } = measures.take() ?? report ?? {}
  const of = Object.entries(sums).filter(([series]) => series.endsWith('|once'))
  expect(of.map(([series, values]) => [series, values.slice(0, -1).reduce((sum, each) => sum + each, 0)])).toEqual([
    ['serverOperations|tools/list||once', 1],
    ['clientOperations|tools/list||once', 1],
  ])
})

const batch = (...messages: readonly object[]): string =>
  JSON.stringify(messages.map((message) => ({ jsonrpc: '2.0', ...message })))
const asked = (id: string | number): object => ({ ...call('echo'), id })
const answered = (id: string | number, error?: object): object => ({ id, ...(error ? { error } : { result: {} }) })
const errors = (spans: readonly ReceivedSpan[]): object =>
  Object.fromEntries(spans.map(({ attributes }) => [attributes['jsonrpc.request.id'], attributes['error.type']]))

describe('in a batch', () => {
  test('each request ends by its own answer, whether they come in one message or in several', async () => {
    const { operation, sent, traceHeaders } = begin(
      batch(asked(1), asked('1'), asked(2), asked(3), { method: 'notifications/initialized' }),
    )
    operation?.over(['number 1'], JSON.stringify({ jsonrpc: '2.0', ...answered(1) }))
    operation?.over(['string 1', 'number 2'], batch(answered(2, { code: -32_602 }), answered('1')))
    operation?.over(['number 3'])
    operation?.carried({ ok: true, status: 202 }, true)
    operation?.ended(500)
    const spans = await exported()
    expect(spans.map(({ attributes }) => [attributes['jsonrpc.request.id'], attributes['error.type']])).toEqual([
      ['1', undefined],
      ['1', undefined],
      ['2', '-32602'],
      ['3', 'cancelled'],
      [undefined, undefined],
    ])
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(5)
    expect([new TextDecoder().decode(sent), traceHeaders]).toEqual([
      batch(asked(1), asked('1'), asked(2), asked(3), { method: 'notifications/initialized' }),
      undefined,
    ])
  })

  test('of one message it is that, and one body answers all', async () => {
    begin(batch(asked('alone'))).operation?.answered(batch(answered('alone', { code: -32_000 })))
    begin(batch(asked('a'), asked('b'), { method: 'ping' })).operation?.answered(
      batch(answered('b', { code: -32_001 }), answered('a')),
    )
    expect(errors(await exported())).toEqual({ alone: '-32000', a: undefined, b: '-32001', undefined })
  })

  test('of a thousand the first fifty are operations', async () => {
    const { operation } = begin(batch(...Array.from({ length: 1_000 }, (_, index) => asked(index))))
    expect(operation?.facts).toHaveLength(50)
    expect(JSON.stringify(operation?.facts).length).toBeLessThan(32_000)
    operation?.ended()
    expect(await exported()).toHaveLength(50)
  })
})

test('what answers the server is no operation', () => {
  expect(begin({ id: 1, result: {} }).operation).toBeUndefined()
})

describe('an answer failed', () => {
  test.for([
    ['{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no"}}', '-32602'],
    ['{"jsonrpc":"2.0","id":1,"error":{"message":"no code"}}', '_OTHER'],
    ['{"jsonrpc":"2.0","id":1,"error":{"code":"alice"}}', '_OTHER'],
    ['{"jsonrpc":"2.0","id":1,"result":{"content":[],"isError":true}}', 'tool_error'],
    ['{"jsonrpc":"2.0","id":1,"result":{"content":[],"isError":false}}', undefined],
    // What a tool says is not looked into.
    [
      String.raw`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"{\"isError\":true,\"error\":{\"code\":1}}"}]}}`,
      undefined,
    ],
    ['{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"isError":true,"error":{"code":1}}}}', undefined],
    ['no JSON, and an "error" in it', undefined],
    ['', undefined],
  ] as const)('%s: %s', ([message, type]) => {
    expect(failureIn(message)?.type).toBe(type)
    expect(failureIn(new TextEncoder().encode(message))?.type).toBe(type)
  })

  test('by its status, and as a label by one of those that are known', () => {
    expect([failureOf(200), failureOf(503)]).toEqual([undefined, { type: '503' }])
    expect(['503', '-32602', 'tool_error', '-31999', '599', 'alice'].map((type) => labelOfFailure({ type }))).toEqual([
      '503',
      '-32602',
      'tool_error',
      '_OTHER',
      '_OTHER',
      '_OTHER',
    ])
  })
})
