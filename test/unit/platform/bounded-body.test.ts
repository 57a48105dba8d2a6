// How a body is read whole: what it may have, how long it may take, and what is left of one that is too much.
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { beginningOf, readBounded, readShort } from '../../../src/platform/bounded-body.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const BOUNDS = { mostBytes: 10, withinMs: 50 }

function bodyOf(pieces: readonly string[], end: 'ends' | 'stays' = 'ends') {
  const seen = { isCancelled: false, asked: 0 }
  const left = [...pieces]
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        seen.asked += 1
        const piece = left.shift()
        if (piece !== undefined) return controller.enqueue(bytes(piece))
        if (end === 'ends') return controller.close()
        return new Promise<never>(() => undefined)
      },
      cancel: () => void (seen.isCancelled = true),
    },
    { highWaterMark: 0 },
  )
  return { body, seen }
}

describe('a body', () => {
  test.for<[string, readonly string[], string]>([
    ['in one piece', ['abc'], 'abc'],
    ['in many', 'abcdefghij'.split(''), 'abcdefghij'],
    ['without any', [], ''],
    ['with an empty one', ['', 'a', ''], 'a'],
  ])('%s is there whole', async ([, pieces, text]) => {
    expect(new TextDecoder().decode(await readBounded(bodyOf(pieces).body, BOUNDS))).toBe(text)
  })

  test('that is none has no bytes', async () => {
    expect(await readBounded(null, BOUNDS)).toHaveLength(0)
  })

  test('that is too large is not read on', async () => {
    const { body, seen } = bodyOf(['12345', '67890', 'x', 'never', 'asked', 'for'])
    await expect(readBounded(body, BOUNDS)).rejects.toMatchObject({ name: 'BodyError', reason: 'too_large' })
    expect(seen).toEqual({ isCancelled: true, asked: 3 })
  })

  test('that does not come to its end is cancelled', async () => {
    const { body, seen } = bodyOf(['12345'], 'stays')
    await expect(readBounded(body, BOUNDS)).rejects.toMatchObject({ name: 'BodyError', reason: 'too_late' })
    await expect.poll(() => seen.isCancelled).toBe(true)
  })

  test('that breaks says what it broke with', async () => {
    const body = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error('connection reset')) })
    await expect(readBounded(body, BOUNDS)).rejects.toThrow('connection reset')
  })

  test('that was compressed is counted as it is afterwards', async () => {
    const bomb = gzipSync(new Uint8Array(64 * 1024 * 1024))
    let inflated = 0
    const counted = new TransformStream<Uint8Array, Uint8Array>({
      transform: (piece, controller) => {
        inflated += piece.length
        controller.enqueue(piece)
      },
    })
    const body = new Blob([bomb]).stream().pipeThrough(new DecompressionStream('gzip')).pipeThrough(counted)
    await expect(readBounded(body, { mostBytes: 1_000_000, withinMs: 10_000 })).rejects.toMatchObject({ reason: 'too_large' })
    expect(inflated).toBeLessThan(4_000_000)
  })

  test('of a byte a piece costs its bytes', async () => {
    let left = 50_000
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => (left-- > 0 ? controller.enqueue(new Uint8Array(1)) : controller.close()),
    })
    const whole = await readBounded(body, { mostBytes: 50_000, withinMs: 30_000 })
    expect(whole).toHaveLength(50_000)
    expect(whole.buffer.byteLength).toBeLessThanOrEqual(100_000)
  })
})

describe('of the beginning of a body that is', () => {
  test('too long, the stream has every byte', async () => {
    const { rest, why } = await beginningOf(bodyOf(['12345', '67890', 'abc', 'def']).body, BOUNDS)
    expect([why, await new Response(rest).text()]).toEqual(['too_large', '1234567890abcdef'])
  })

  test('too slow, the stream has every byte, the one on its way too', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    let pulls = 0
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          pulls += 1
          if (pulls === 2) await promise
          if (pulls === 3) controller.close()
          else controller.enqueue(bytes(`${pulls}`))
        },
      },
      { highWaterMark: 0 },
    )
    const { rest, why } = await beginningOf(body, BOUNDS)
    resolve()
    expect([why, await new Response(rest).text()]).toEqual(['too_late', '12'])
  })
})

const announced = (length: string, body: BodyInit): Response => new Response(body, { headers: { 'content-length': length } })

describe('an answer that says it is short', () => {
  const bounds = { mostBytes: 10, withinMs: 20 }

  test('is read whole', async () => {
    expect(await readShort(announced('2', '{}'), bounds)).toEqual(new TextEncoder().encode('{}'))
  })

  test('and is not there in time is an error', async () => {
    await expect(readShort(announced('2', new ReadableStream()), bounds)).rejects.toMatchObject({ reason: 'too_late' })
  })

  test('and is longer than may be is left alone', async () => {
    const long = announced('11', 'x'.repeat(11))
    expect(await readShort(long, bounds)).toBeUndefined()
    expect(long.bodyUsed).toBe(false)
  })
})
