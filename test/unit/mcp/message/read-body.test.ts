// What a request may bring, how long it may take, and how much of it is held at once.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { readBody, bodyRoom } from '../../../../src/mcp/message/read-body.ts'
import { HeldBytes } from '../../../../src/platform/held-bytes.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const MIB = 1024 * 1024

/** A body that has so many bytes and does not come to its end. */
function unfinished(bytes: number): Request {
  const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array(bytes)) })
  const headers = { 'content-type': 'application/json' }
  return new Request('https://mcp.example.com/mcp', Object.assign({ method: 'POST', headers, body }, { duplex: 'half' }))
}

test('a body that does not come to its end is refused with 408', async () => {
  const reading = readBody(unfinished(100), 4 * MIB, () => undefined)
  const refused = reading.catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(30_000)
  expect(await refused).toMatchObject({ code: 'body_too_slow', status: 408 })
})

test('of the unfinished bodies of one person only so many are held, and others are served', async () => {
  const held = new HeldBytes()
  const send = async (sub: string) => {
    const { hold, release } = bodyRoom(held, sub)
    return await readBody(unfinished(4 * MIB), 4 * MIB, hold).finally(release)
  }
  const sent = Array.from({ length: 60 }, () => send('ada'))
  const refused = Promise.allSettled(sent)
  const other = send('bob').catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(30_000)
  expect(await other).toMatchObject({ code: 'body_too_slow' })
  const codes = (await refused).map((ended) => (ended.status === 'rejected' ? ended.reason.code : 'read'))
  expect(codes.filter((code) => code === 'limit_exceeded')).toHaveLength(57)
  expect(codes.filter((code) => code === 'body_too_slow')).toHaveLength(3)
  // All of it is given back.
  const again = send('ada').catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(30_000)
  expect(await again).toMatchObject({ code: 'body_too_slow' })
})

test('when everybody’s share is used up, whoever comes is asked to come again', async () => {
  const held = new HeldBytes()
  for (const sub of ['a', 'b', 'c']) held.open(sub).hold(16 * MIB)
  expect(() => bodyRoom(held, 'd')).toThrow(expect.objectContaining({ code: 'broker_busy', status: 503 }))
})
