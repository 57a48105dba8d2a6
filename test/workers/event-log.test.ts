// The event log by itself: where the downstream goes on, and what a client is told is gone, whatever the ring has dropped.
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { EventLog, type NewEvent } from '../../src/session/store/event-log.ts'

const AMPLE = { events: 1000, bytes: 1_000_000, age: 3600 }
const NOW = 1_800_000_000

async function inLog(work: (log: EventLog, again: () => EventLog, parts: () => number) => Promise<void> | void): Promise<void> {
  const object = env.USER_SESSION.getByName(crypto.randomUUID())
  await runInDurableObject(object, async (_, { storage }) => {
    const opened = (): EventLog => {
      const log = new EventLog(storage)
      log.onStart()
      return log
    }
    const log = opened()
    for (const id of ['ours', 'another']) log.open({ id, grantId: 'g', mcpSession: id, kind: 'standing', openRequests: [] }, NOW)
    const parts = (): number => storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM event_parts').one().n
    await work(log, opened, parts)
  })
}

function event(serverEventId?: string): NewEvent {
  return { serverEventId, event: undefined, data: '{}' }
}

const cursors: readonly (readonly [string, string | undefined, (log: EventLog) => Promise<unknown> | void])[] = [
  ['nothing came', undefined, () => undefined],
  ['an event came that had an id', 'b', (log) => log.append('ours', [event('a'), event('b')], [], NOW)],
  ['the last event had none', 'a', (log) => log.append('ours', [event('a'), event()], [], NOW)],
  [
    'another stream went on',
    'a',
    (log) => log.append('ours', [event('a')], [], NOW).then(() => log.append('another', [event('z')], [], NOW)),
  ],
  ['an id came alone', 'a', (log) => log.noteServerEventId('ours', 'a')],
  [
    'an id came alone, after an event',
    'b',
    (log) => log.append('ours', [event('a')], [], NOW).then(() => log.noteServerEventId('ours', 'b')),
  ],
  [
    'an event came after an id that came alone',
    'b',
    async (log) => {
      log.noteServerEventId('ours', 'a')
      await log.append('ours', [event('b')], [], NOW)
    },
  ],
  [
    'its ids are unknown there',
    undefined,
    async (log) => {
      log.noteServerEventId('ours', 'a')
      await log.append('ours', [event('b')], [], NOW)
      log.forgetServerEventId('ours')
    },
  ],
]

test.for(cursors)('the cursor toward the downstream when %s', async ([, expected, work]) => {
  await inLog(async (log, again) => {
    await work(log)
    expect(log.find('ours')?.serverEventId).toBe(expected)
    const [ours] = again().unfinished()
    expect(ours, 'after a restart').toMatchObject({ id: 'ours', serverEventId: expected })
    log.trim({ ...AMPLE, age: -1 }, NOW)
    expect(log.find('ours')?.serverEventId, 'when every event has been dropped').toBe(expected)
  })
})

test('what the ring drops is the oldest, and each stream knows up to where it lost any', async () => {
  await inLog(async (log) => {
    await log.append('another', [event()], [], NOW)
    for (let count = 0; count < 10; count += 1) await log.append('ours', [event(`up-${count}`)], [], NOW)
    log.trim({ ...AMPLE, events: 5 }, NOW)
    expect([...log.after({ stream: 'ours', seq: 0 }, 100)].map(({ seq }) => seq)).toEqual([8, 9, 10, 11])
    expect(log.find('ours')).toMatchObject({ trimmedTo: 7, serverEventId: 'up-9' })
    expect(log.find('another')).toMatchObject({ trimmedTo: 1, serverEventId: undefined })
    await log.append('another', [event()], [], NOW)
    expect(log.last).toBe(12)
  })
})

/** In characters of one, two, three and four bytes, so that parts end in the middle of one. */
function large(bytes: number): string {
  return `{"text":"${'aé€😀'.repeat(bytes / 10)}"}`
}

test('an event that is larger than a row comes back whole, and goes with all its parts', async () => {
  await inLog(async (log, again, parts) => {
    const data = large(5 * 1024 * 1024)
    const beforeIt = await log.append('ours', [event()], [], NOW)
    const last = await log.append('ours', [{ ...event('up'), data }, event()], [], NOW)
    const [stored, after] = [...again().after({ stream: 'ours', seq: beforeIt }, last)]
    expect(stored?.data === data).toBe(true)
    expect(after?.data).toBe('{}')
    const bytes = new TextEncoder().encode(data).length + 2
    expect(log.bytesAfter({ stream: 'ours', seq: beforeIt })).toBe(bytes)
    expect(log.progressOf('ours')).toMatchObject({ events: 3, bytes: bytes + 2 })
    expect(parts()).toBeGreaterThan(4)
    log.trim({ ...AMPLE, bytes: 1_000_000 }, NOW)
    expect([...log.after({ stream: 'ours', seq: 0 }, last)].map(({ seq }) => seq)).toEqual([last])
    expect(parts()).toBe(0)
    await log.append('ours', [{ ...event(), data }], [], NOW)
    await log.append('another', [{ ...event(), data: large(1024 * 1024) }], [], NOW)
    log.forgetSessions(['ours'])
    expect(parts()).toBe(1)
    log.forgetSessions(['another'])
    expect(parts()).toBe(0)
  })
})
