// Spans on their way out: as the protocol has it, in the background, and never more than so many, whatever the endpoint and clients do.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { otlpJson, SpanExporter, type FinishedSpan } from '../../../src/platform/span-exporter.ts'
import { exportRequest } from '../../world/otlp-sink.ts'

const SETTINGS = { tracesUrl: 'https://collector.example/v1/traces', headers: { 'x-api-key': 'k' }, ratio: 1 }

const span = (more: Partial<FinishedSpan> = {}): FinishedSpan => ({
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  name: 'tools/call echo',
  kind: 'server',
  startedAt: 1_700_000_000_123,
  endedAt: 1_700_000_000_456,
  attributes: { 'mcp.method.name': 'tools/call' },
  ...more,
})

test('a span is in JSON what the protocol has', () => {
  const link = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }
  const spans = [
    span({ parentSpanId: 'c'.repeat(16), link, attributes: { 'error.type': '-32602', 'server.port': 443 } }),
    span({ kind: 'client', endedAt: 0 }),
  ]
  const { resourceSpans } = exportRequest.parse(JSON.parse(otlpJson(spans)))
  expect(resourceSpans[0]?.resource.attributes).toEqual([{ key: 'service.name', value: { stringValue: 'mcp-session-broker' } }])
  const [first, second] = resourceSpans[0]?.scopeSpans[0]?.spans ?? []
  expect(first).toMatchObject({
    kind: 'server',
    parentSpanId: 'c'.repeat(16),
    links: [link],
    isError: true,
    startTimeUnixNano: '1700000000123000000',
    endTimeUnixNano: '1700000000456000000',
    attributes: { 'error.type': '-32602', 'server.port': 443 },
  })
  // The clock was set back meanwhile.
  expect(second).toMatchObject({ kind: 'client', isError: false, endTimeUnixNano: '1700000000123000000' })
})

describe('whether a request is recorded', () => {
  test('is drawn by the broker, in the share of the settings', () => {
    let drawn = 0
    const exporter = new SpanExporter({ ...SETTINGS, ratio: 0.25 }, () => ((drawn += 1) % 4) / 4)
    const recorded = Array.from({ length: 100 }, () => exporter.mayRecord(0)).filter((each) => each)
    expect(recorded).toHaveLength(25)
  })

  test('has an end: a hundred in a second, whoever asks for more', () => {
    const exporter = new SpanExporter(SETTINGS)
    const within = (now: number): number =>
      Array.from({ length: 5_000 }, () => exporter.mayRecord(now)).filter((each) => each).length
    expect([within(10_000), within(10_500), within(11_000)]).toEqual([100, 0, 100])
  })
})

describe('the endpoint', () => {
  const pending: Promise<unknown>[] = []
  const waitUntil = (work: Promise<unknown>): void => void pending.push(work)
  const requests: { readonly method?: string; readonly headers?: unknown; readonly redirect?: string; readonly body: string }[] =
    []
  const answering = (answer: () => Promise<Response>): void => {
    vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
      requests.push({ ...init, body: z.string().parse(init.body) })
      return await answer()
    })
  }
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
    pending.length = 0
    requests.length = 0
  })
  const sizes = (): readonly number[] => requests.map(({ body }) => JSON.parse(body).resourceSpans[0].scopeSpans[0].spans.length)

  test('gets a second’s spans in one request, with the headers it was given', async () => {
    answering(async () => new Response('{}'))
    const exporter = new SpanExporter(SETTINGS)
    for (let each = 0; each < 10; each += 1) exporter.keep([span(), span({ kind: 'client' })], waitUntil)
    expect(pending).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(5_000)
    await Promise.all(pending)
    expect(sizes()).toEqual([20])
    expect(requests[0]).toMatchObject({
      method: 'POST',
      headers: { 'x-api-key': 'k', 'content-type': 'application/json' },
      redirect: 'manual',
    })
  })

  test('that refuses loses a batch, and is left alone for ten seconds', async () => {
    answering(async () => new Response(null, { status: 503 }))
    const exporter = new SpanExporter(SETTINGS)
    exporter.keep([span()], waitUntil)
    await vi.advanceTimersByTimeAsync(1_000)
    await Promise.all(pending)
    for (let each = 0; each < 100; each += 1) exporter.keep([span()], waitUntil)
    await vi.advanceTimersByTimeAsync(5_000)
    expect([pending.length, requests.length]).toEqual([1, 1])
    await vi.advanceTimersByTimeAsync(6_000)
    answering(async () => new Response('{}'))
    exporter.keep([span()], waitUntil)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(sizes()).toEqual([1, 101])
  })

  test.for([
    ['hangs', async (): Promise<Response> => await new Promise<Response>(() => undefined)],
    ['is away', async (): Promise<Response> => await Promise.reject(new TypeError('connection refused'))],
  ] as const)('that %s keeps two thousand spans waiting and no more', async ([, answer]) => {
    vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
      requests.push({ ...init, body: z.string().parse(init.body) })
      const ended = new Promise<never>((_resolve, reject) =>
        init.signal?.addEventListener('abort', () => reject(new Error('aborted'))),
      )
      return await Promise.race([answer(), ended])
    })
    const exporter = new SpanExporter(SETTINGS)
    for (let each = 0; each < 50_000; each += 1) exporter.keep([span()], waitUntil)
    await vi.advanceTimersByTimeAsync(10_000)
    await Promise.all(pending)
    for (let each = 0; each < 50_000; each += 1) exporter.keep([span()], waitUntil)
    answering(async () => new Response('{}'))
    await vi.advanceTimersByTimeAsync(20_000)
    requests.splice(0)
    exporter.keep([span()], waitUntil)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(sizes()).toEqual([500, 500, 500, 500])
  })
})
