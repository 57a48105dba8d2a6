// What becomes of an event stream on its way through the router: what passes, what is held back, how it ends.
import { describe, expect, test, vi } from 'vitest'
import { carryEvents, type Carriage } from '../../../src/mcp/carried-events.ts'
import { encodeComment } from '../../../src/mcp/sse.ts'
import { bodyOf } from './brokered.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const carriage: Carriage = {
  era: 'legacy',
  keepAliveMs: 60_000,
  maxEventBytes: 1000,
  lastEvent: () => undefined,
  clientLeft: () => undefined,
  ended: () => undefined,
}

/** A downstream body that says these things and ends. */
const saying = (...chunks: string[]) => bodyOf(chunks.map(bytes))
const carried = (body: ReadableStream<Uint8Array>, change: Partial<Carriage> = {}) =>
  new Response(carryEvents(body, { ...carriage, ...change })).text()

const shown = (chunk: ReadableStreamReadResult<Uint8Array>) => new TextDecoder().decode(chunk.value)
const last = (breakage: string, canResume: boolean) => encodeComment(`${breakage}, ${canResume ? 'resumable' : 'lost'}`)

/** Says these things, then its connection is gone. */
function breaking(...chunks: string[]): ReadableStream<Uint8Array> {
  const rest = chunks.map(bytes)
  return new ReadableStream({
    pull(controller) {
      const chunk = rest.shift()
      if (chunk) controller.enqueue(chunk)
      else controller.error(new Error('reset'))
    },
  })
}

describe('a legacy stream passes', () => {
  test.for<[string, string, string]>([
    ['with its ids and names', 'event: message\nid: 7\ndata: {"a": 1}\n\n', 'id: 7\nevent: message\ndata: {"a": 1}\n\n'],
    ['with an event that only primes the client', 'id: 1\ndata: \n\n', 'id: 1\ndata: \n\n'],
    ['with its comments', ': still here\n\ndata: x\n\n', ': still here\n\ndata: x\n\n'],
    ['without an id that holds a NUL', 'id: a\0b\ndata: x\n\n', 'data: x\n\n'],
    ['with a reconnection time that hammers nobody', 'retry: 0\ndata: x\n\n', 'retry: 250\ndata: x\n\n'],
    ['with a reconnection time that strands nobody', 'retry: 99999999999999999999\n\n', 'retry: 3600000\n\n'],
    ['with a reconnection time that makes sense', 'retry: 3000\n\n', 'retry: 3000\n\n'],
  ])('%s', async ([, from, to]) => {
    expect(await carried(saying(from))).toBe(`: ok\n\n${to}`)
  })

  test('however its bytes are cut', async () => {
    const whole = 'id: 1\ndata: grüße\n\ndata: zwei\n\n'
    const cut = bodyOf([...bytes(whole)].map((byte) => Uint8Array.of(byte)))
    expect(await carried(cut)).toBe(`: ok\n\n${whole}`)
  })
})

describe('a modern stream passes', () => {
  test.for<[string, string, string]>([
    [
      'without ids and reconnection times, which it does not have',
      'id: 1\nretry: 5\nevent: message\ndata: {}\n\n',
      'event: message\ndata: {}\n\n',
    ],
    ['without events that only prime a client', 'id: 1\ndata: \n\ndata: x\n\n', 'data: x\n\n'],
    ['with its comments', ': still here\n\n', ': still here\n\n'],
  ])('%s', async ([, from, to]) => {
    expect(await carried(saying(from), { era: 'modern' })).toBe(`: ok\n\n${to}`)
  })
})

describe('a stream that breaks', () => {
  test('is told apart from one that ended', async () => {
    expect(await carried(breaking('data: x\n\ndata: half'), { lastEvent: last })).toBe(
      ': ok\n\ndata: x\n\n: downstream_broken, lost\n\n',
    )
  })

  test('can be resumed when it had given an id', async () => {
    expect(await carried(breaking('id: 1\ndata: x\n\n'), { lastEvent: last })).toContain('downstream_broken, resumable')
    expect(await carried(breaking('id: 1\ndata: x\n\n'), { lastEvent: last, era: 'modern' })).toContain('downstream_broken, lost')
  })

  test('ends at an event that is too large, after everything before it', async () => {
    const cancelled = vi.fn<() => void>()
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(bytes(`data: first\n\ndata: ${'x'.repeat(2000)}`)),
      cancel: cancelled,
    })
    const text = await carried(endless, { lastEvent: last })
    expect(text).toBe(': ok\n\ndata: first\n\n: downstream_event_too_large, lost\n\n')
    expect(cancelled).toHaveBeenCalledOnce()
  })
})

describe('an open stream', () => {
  test('says something at once and in every silence', async () => {
    vi.useFakeTimers()
    try {
      const reader = carryEvents(new ReadableStream<Uint8Array>(), { ...carriage, keepAliveMs: 25_000 }).getReader()
      expect(shown(await reader.read())).toBe(': ok\n\n')
      const next = reader.read()
      await vi.advanceTimersByTimeAsync(25_000)
      expect(shown(await next)).toBe(': keep-alive\n\n')
      await reader.cancel()
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  test('asks the downstream for no more than its reader takes', async () => {
    let asked = 0
    const flood = new ReadableStream<Uint8Array>({
      pull(controller) {
        asked++
        controller.enqueue(bytes('data: x\n\n'))
      },
    })
    const reader = carryEvents(flood, carriage).getReader()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(asked).toBeLessThanOrEqual(2)
    for (let events = 0; events < 10; events++) await reader.read()
    expect(asked).toBeLessThanOrEqual(13)
    await reader.cancel()
  })

  test('ends with a reason when its reader has not taken anything for ten minutes', async () => {
    vi.useFakeTimers()
    try {
      const clientLeft = vi.fn<Carriage['clientLeft']>()
      const reader = carryEvents(saying('data: x\n\n'), { ...carriage, keepAliveMs: 25_000, clientLeft }).getReader()
      await vi.advanceTimersByTimeAsync(600_000)
      expect(clientLeft).toHaveBeenCalledOnce()
      const rest: string[] = []
      for (let next = await reader.read(); !next.done; next = await reader.read()) rest.push(shown(next))
      expect(rest.at(-1)).toBe(': closed: limit_exceeded\n\n')
    } finally {
      vi.useRealTimers()
    }
  })

  test('hands over what is left when its reader leaves', async () => {
    const clientLeft = vi.fn<Carriage['clientLeft']>()
    const reader = carryEvents(saying('data: x\n\n', 'data: y\n\n'), { ...carriage, clientLeft }).getReader()
    await reader.read()
    await reader.cancel()
    expect(clientLeft).toHaveBeenCalledOnce()
  })
})
