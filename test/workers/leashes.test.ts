// How streams end: every client hears why before any of them is cleared up after, and a receipt says who kept silent.
import { runInDurableObject } from 'cloudflare:test'
import { describe, expect, test, vi } from 'vitest'
import { eventReaders } from '../../src/mcp/object/owned-stream.ts'
import { OwnedStreams } from '../../src/mcp/object/owned-streams.ts'
import { openLeash, type Leash } from '../../src/mcp/router/leash.ts'
import { StreamMeter } from '../../src/session/contract/stream-traffic.ts'
import { EventLog } from '../../src/session/store/event-log.ts'
import { granted, nobody, NOW, ordered, type Session } from './person.ts'

const nothing = (): undefined => undefined

async function leashed(session: Session, grantId: string, streamId: string): Promise<Leash> {
  const stream = { streamId, grantId, kind: 'request', label: 'tools/call', openedAt: NOW } as const
  const leash = await openLeash(session, stream, new StreamMeter())
  if (typeof leash === 'string') throw new Error(`no leash: ${leash}`)
  return leash
}

describe('streams of one person', () => {
  test('are told, and pass nothing more, before the first of them lets go', async () => {
    const session = nobody()
    const { grantId } = await granted(session)
    const heard: string[] = []
    for (let n = 0; n < 120; n += 1) {
      const leash = await leashed(session, grantId, `s${n}`)
      leash.pulled.carriedBy({
        stop: (reason) => heard.push(`stop ${reason}`),
        end: () => {
          heard.push('end')
          leash.release('ended')
        },
      })
    }
    expect(await ordered(session, 'revoke')).toMatchObject({ streams: 120, unanswered: 0 })
    expect(heard).toEqual([...Array(120).fill('stop credential_revoked'), ...Array(120).fill('end')])
    expect((await session.describe())?.streams).toEqual([])
  })

  test('whose router hears and does not let go are named as unanswered, two seconds later', async () => {
    const session = nobody()
    const { grantId } = await granted(session)
    const end = vi.fn<() => void>()
    const silent = await leashed(session, grantId, 'silent')
    silent.pulled.carriedBy({ stop: () => undefined, end })
    const other = await leashed(session, grantId, 'other')
    other.pulled.carriedBy({ stop: () => other.release('ended'), end: () => undefined })
    const receipt = await ordered(session, 'revoke')
    expect(receipt).toMatchObject({ streams: 2, unanswered: 1 })
    const { firstAt = 0, couldActUntil = 0 } = receipt?.closing ?? {}
    expect(couldActUntil - firstAt).toBeGreaterThanOrEqual(1_900)
    expect(end).toHaveBeenCalledOnce()

    // Whoever asks once more is told the same, until the router lets go.
    expect(await ordered(session, 'revoke')).toMatchObject({ streams: 1, unanswered: 1 })
    setTimeout(() => silent.release('ended'), 50)
    expect(await ordered(session, 'revoke')).toMatchObject({ streams: 1, unanswered: 0 })
    expect(await ordered(session, 'revoke')).toMatchObject({ streams: 0, unanswered: 0 })
  })

  test('ended twice at once are ended once, and both know when', async () => {
    const session = nobody()
    const { grantId } = await granted(session)
    const leash = await leashed(session, grantId, 'one')
    const stop = vi.fn<() => void>()
    leash.pulled.carriedBy({ stop, end: () => leash.release('ended') })
    const receipts = await Promise.all([ordered(session, 'revoke'), ordered(session, 'revoke')])
    expect(receipts.map((receipt) => receipt?.streams)).toEqual([1, 1])
    expect(stop).toHaveBeenCalledOnce()
  })
})

test('clients of what the object carries hear, too, before the first of its requests is aborted', async () => {
  await runInDurableObject(nobody(), async (_, { storage }) => {
    const log = new EventLog(storage)
    log.onStart()
    const streams = new OwnedStreams({
      log,
      bounds: { events: 100, bytes: 1_000, age: 100 },
      keepAliveMs: 60_000,
      reader: eventReaders(1_000),
      resume: async () => undefined,
      resumedWithinMs: 1_000,
      edit: nothing,
      waitUntil: nothing,
      left: nothing,
      now: () => NOW,
    })
    const order: string[] = []
    const told = Array.from({ length: 120 }, async (_nothing, n) => {
      const abort = new AbortController()
      abort.signal.addEventListener('abort', () => order.push('aborted'))
      const spec = { id: `s${n}`, grantId: 'g', mcpSession: '', kind: 'call', requestIds: ['1'] } as const
      streams.begin(spec, new ReadableStream<Uint8Array>(), abort)
      const text = await new Response(streams.attach({ stream: spec.id, seq: 0 }, false)).text()
      order.push('told')
      return text
    })
    expect(await streams.endAll('credential_revoked', ({ grantId }) => grantId === 'g')).toBe(120)
    expect(new Set(await Promise.all(told))).toEqual(new Set([': ok\n\n: closed: credential_revoked\n\n']))
    expect(order).toEqual([...Array(120).fill('told'), ...Array(120).fill('aborted')])
    expect(streams.size).toBe(0)
  })
})
