// What is not complete has a share of what the isolate holds, and gives it back.
import { describe, expect, test } from 'vitest'
import { HeldBytes, HeldBytesError } from '../../../../src/platform/held-bytes.ts'
import { NoRoomForEvent, SseReader } from '../../../../src/mcp/sse/sse.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const none = (): never => {
  throw new Error('asked')
}

describe('an event for which there is no room', () => {
  const half = new Uint8Array(100 * 1024).fill(0x78)

  test('is refused, and what others have stays theirs', () => {
    const held = new HeldBytes(250 * 1024, 150 * 1024)
    const reader = (who: string) => new SseReader({ maxEventBytes: 1024 * 1024, room: () => held.open(who) })
    const [first, second, other] = [reader('a'), reader('a'), reader('b')]
    expect(first.take(half).tooLarge).toBeUndefined()
    expect(second.take(half).tooLarge).toBeInstanceOf(NoRoomForEvent)
    expect(other.take(half).tooLarge).toBeUndefined()
    expect(first.take(bytes('\n\ndata: y\n\n')).complete).toEqual([{ data: 'y' }])
    expect(reader('a').take(half).tooLarge).toBeUndefined()
  })

  test.for<[string, (reader: SseReader) => unknown]>([
    ['its stream is over', (reader) => reader.close()],
    ['it is complete', (reader) => reader.take(bytes('\n\n'))],
    ['it turns out to be a comment', (reader) => reader.take(bytes('\n:'))],
    ['it is larger than allowed', (reader) => Array.from({ length: 10 }, () => reader.take(half).tooLarge).at(-1)],
  ])('has given it back when %s', ([name, end]) => {
    const held = new HeldBytes(500 * 1024, 500 * 1024)
    const reader = new SseReader({ maxEventBytes: 450 * 1024, room: () => held.open('a') })
    if (name.includes('comment')) reader.take(bytes(': '))
    reader.take(half)
    expect(() => held.open('a').hold(450 * 1024)).toThrow(HeldBytesError)
    end(reader)
    held.open('a').hold(480 * 1024)
  })

  test('asks for none while it is small', () => {
    const reader = new SseReader({ maxEventBytes: 1024 * 1024, room: none })
    expect(reader.take(bytes(`data: ${'x'.repeat(60_000)}\n\n`)).complete).toHaveLength(1)
  })
})
