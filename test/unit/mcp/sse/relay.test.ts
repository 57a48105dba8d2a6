// What becomes of an event stream on its way through the router: what passes, what is held back, how it ends.
import { describe, expect, test, vi } from 'vitest'
import { carryEvents, PRIMES_WITHIN_MS, withoutIds, type Carriage } from '../../../../src/mcp/sse/relay.ts'
import { Pull } from '../../../../src/mcp/sse/pull.ts'
import { StreamMeter } from '../../../../src/session/contract/stream-traffic.ts'
import { encodeComment, encodeEvent } from '../../../../src/mcp/sse/sse.ts'
import { HeldBytes } from '../../../../src/platform/held-bytes.ts'
import { bodyOf } from '../brokered.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const carriage: Carriage = {
  keepAliveMs: 60_000,
  maxEventBytes: 1000,
  first: [],
  encode: withoutIds,
  lastEvent: () => undefined,
  meter: new StreamMeter(),
  get pulled() {
    return new Pull()
  },
  lastFrame: () => encodeComment('closed: credential_revoked'),
  over: () => undefined,
}

/** A downstream body that says these things and ends. */
const saying = (...chunks: string[]) => bodyOf(chunks.map(bytes))
const carried = (body: ReadableStream<Uint8Array>, change: Partial<Carriage> = {}) =>
  new Response(carryEvents(body, { ...carriage, ...change })).text()

const shown = (chunk: ReadableStreamReadResult<Uint8Array>) => new TextDecoder().decode(chunk.value)
const broken: Carriage['encode'] = () => Promise.reject(new Error('the disk is full'))
const lastEvent: Carriage['lastEvent'] = (breakage) => encodeComment(breakage)

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

describe('a stream without replay passes', () => {
  test.for<[string, string, string]>([
    [
      'without ids and reconnection times, which it does not have',
      'id: 1\nretry: 5\nevent: message\ndata: {}\n\n',
      'event: message\ndata: {}\n\n',
    ],
    ['without events that only prime a client', 'id: 1\ndata: \n\ndata: x\n\n', 'data: x\n\n'],
    ['with its comments', ': still here\n\ndata: x\n\n', ': still here\n\ndata: x\n\n'],
    ['without an id that holds a NUL', 'id: a\0b\ndata: x\n\n', 'data: x\n\n'],
  ])('%s', async ([, from, to]) => {
    expect(await carried(saying(from))).toBe(`: ok\n\n${to}`)
  })

  test('however its bytes are cut', async () => {
    const whole = 'event: message\ndata: grüße\n\ndata: zwei\n\n'
    const cut = bodyOf([...bytes(whole)].map((byte) => Uint8Array.of(byte)))
    expect(await carried(cut)).toBe(`: ok\n\n${whole}`)
  })
})

describe('a stream that is stored on its way', () => {
  test('begins with what was missed, and passes as it was stored', async () => {
    const first = [encodeEvent({ id: 's.1', data: 'missed' })]
    let number = 1
    const encode: Carriage['encode'] = async (events) => {
      await Promise.resolve()
      return events.map(({ data = '' }) => encodeEvent({ id: `s.${(number += 1)}`, data }))
    }
    expect(await carried(saying('id: theirs\ndata: a\n\ndata: b\n\n', 'data: c\n\n'), { first, encode })).toBe(
      ': ok\n\nid: s.1\ndata: missed\n\nid: s.2\ndata: a\n\nid: s.3\ndata: b\n\nid: s.4\ndata: c\n\n',
    )
  })

  test('sends nothing that could not be stored', async () => {
    const over = vi.fn<Carriage['over']>()
    expect(await carried(saying('data: a\n\n'), { encode: broken, over, lastEvent })).toBe(': ok\n\n: downstream_broken\n\n')
    expect(over).toHaveBeenCalledExactlyOnceWith('ended')
  })
})

describe('a client is promised that it can resume', () => {
  const priming = encodeEvent({ id: 's.0', data: '' })
  const said = ': ok\n\n'
  const promise = 'id: s.0\ndata: \n\n'

  test('once the first id of the downstream is stored, and not while the broker could not ask for the rest itself', async () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const stored = Promise.withResolvers<readonly Uint8Array[]>()
    const reader = carryEvents(readable, { ...carriage, priming, encode: () => stored.promise }).getReader()
    expect(shown(await reader.read())).toBe(said)
    let heard = ''
    const next = reader.read().then((chunk) => (heard = shown(chunk)))
    await writable.getWriter().write(bytes('id: theirs\ndata: \n\n'))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(heard).toBe('')
    stored.resolve([])
    await next
    expect(heard).toBe(promise)
    await reader.cancel()
  })

  test('once, before the first event', async () => {
    expect(await carried(saying(': hello\n\n', 'data: a\n\n', 'data: b\n\n'), { priming })).toBe(
      `${said}: hello\n\n${promise}data: a\n\ndata: b\n\n`,
    )
  })

  test('after a while by a downstream that says nothing', async () => {
    vi.useFakeTimers()
    try {
      const reader = carryEvents(new ReadableStream<Uint8Array>(), { ...carriage, priming }).getReader()
      await reader.read()
      const next = reader.read()
      await vi.advanceTimersByTimeAsync(PRIMES_WITHIN_MS)
      expect(shown(await next)).toBe(promise)
      await reader.cancel()
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('a stream that breaks', () => {
  test('is told apart from one that ended', async () => {
    expect(await carried(breaking('data: x\n\ndata: half'), { lastEvent })).toBe(': ok\n\ndata: x\n\n: downstream_broken\n\n')
    expect(await carried(saying('data: x\n\n'), { lastEvent })).toBe(': ok\n\ndata: x\n\n')
  })

  test('ends at an event for which there is no room, and gives back what it had of it', async () => {
    const held = new HeldBytes(300 * 1024, 200 * 1024)
    const half = `data: ${'x'.repeat(150 * 1024)}`
    const change = { lastEvent, maxEventBytes: 1024 * 1024, room: () => held.open('a') }
    const waiting = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(bytes(half)) })
    const first = carryEvents(waiting, { ...carriage, ...change }).getReader()
    await first.read()
    const next = first.read()
    expect(await carried(saying('data: first\n\n', half), change)).toBe(': ok\n\ndata: first\n\n: broker_busy\n\n')
    await first.cancel()
    await next
    expect(await carried(saying(half, '\n\n'), change)).toContain('xxx')
    expect(await carried(breaking(half), change)).toContain('downstream_broken')
    held.open('a').hold(200 * 1024)
  })

  test('ends at an event that is too large, after everything before it', async () => {
    const cancelled = vi.fn<() => void>()
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(bytes(`data: first\n\ndata: ${'x'.repeat(2000)}`)),
      cancel: cancelled,
    })
    const text = await carried(endless, { lastEvent })
    expect(text).toBe(': ok\n\ndata: first\n\n: downstream_event_too_large\n\n')
    expect(cancelled).toHaveBeenCalledOnce()
  })
})

describe('a stream that is pulled', () => {
  test('says farewell, passes nothing more, and then lets go of the downstream', async () => {
    const cancelled = vi.fn<() => void>()
    const over = vi.fn<Carriage['over']>()
    const pulled = new Pull()
    const late = Promise.withResolvers<void>()
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        await late.promise
        controller.enqueue(bytes('data: too late\n\n'))
      },
      cancel: cancelled,
    })
    const reader = carryEvents(body, { ...carriage, pulled, over }).getReader()
    expect(shown(await reader.read())).toBe(': ok\n\n')
    pulled.stop('credential_revoked')
    expect(shown(await reader.read())).toBe(': closed: credential_revoked\n\n')
    late.resolve()
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect([cancelled.mock.calls, over.mock.calls]).toEqual([[], []])
    pulled.end('credential_revoked')
    expect(cancelled).toHaveBeenCalledOnce()
    expect((await reader.read()).done).toBe(true)
    expect(over).toHaveBeenCalledExactlyOnceWith('ended')
  })

  test('while an event is being stored is over when that is done, and ends last', async () => {
    const order: string[] = []
    const stored = Promise.withResolvers<readonly Uint8Array[]>()
    const pulled = new Pull()
    const body = saying('data: x\n\n')
    const over = (): void => void order.push('over')
    const reader = carryEvents(body, { ...carriage, encode: () => stored.promise, pulled, over }).getReader()
    await reader.read()
    const rest = reader.read()
    await new Promise((resolve) => setTimeout(resolve, 10))
    pulled.end('credential_revoked')
    expect(shown(await rest)).toBe(': closed: credential_revoked\n\n')
    const end = reader.read().then(({ done }) => order.push(done ? 'ended' : 'more'))
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(order).toEqual([])
    stored.resolve([encodeEvent({ data: 'x' })])
    await end
    expect(order).toEqual(['over', 'ended'])
  })

  test('before it began is nothing but its farewell', async () => {
    const pulled = new Pull()
    pulled.end('credential_revoked')
    expect(await carried(saying('data: x\n\n'), { pulled })).toBe(': ok\n\n: closed: credential_revoked\n\n')
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
      const over = vi.fn<Carriage['over']>()
      const reader = carryEvents(saying('data: x\n\n'), { ...carriage, keepAliveMs: 25_000, over }).getReader()
      await vi.advanceTimersByTimeAsync(600_000)
      expect(over).toHaveBeenCalledExactlyOnceWith('client_left')
      const rest: string[] = []
      for (let next = await reader.read(); !next.done; next = await reader.read()) rest.push(shown(next))
      expect(rest.at(-1)).toBe(': closed: limit_exceeded\n\n')
    } finally {
      vi.useRealTimers()
    }
  })

  test('is over when its reader leaves', async () => {
    const over = vi.fn<Carriage['over']>()
    const reader = carryEvents(saying('data: x\n\n', 'data: y\n\n'), { ...carriage, over }).getReader()
    await reader.read()
    await reader.cancel()
    expect(over).toHaveBeenCalledExactlyOnceWith('client_left')
  })
})
