// The audit log under people who would like it to be another one: nobody pushes out what administrators did.
import { env, runInDurableObject } from 'cloudflare:test'
import { describe, expect, test } from 'vitest'
import { THEMSELVES, type Receipt } from '../../src/session/contract/receipt.ts'
import { IDENTITY, nobody, NOW, ordered, signIn, type Session } from './person.ts'
import { summary } from './crowd.ts'

let names = 0
const freshDirectory = () => env.DIRECTORY.getByName(`audit ${(names += 1)}`)
const ADMINISTRATOR = 'a'.repeat(43)

/** As they are stored, in one statement: what 195 a second write in 17 minutes. */
const flood = async (directory: ReturnType<typeof freshDirectory>, sql: string): Promise<void> =>
  await runInDurableObject(directory, (_, { storage }) => void storage.sql.exec(sql))

function receipt(id: string, by: string): Receipt {
  const people = { total: 1, done: 1, failing: 0 }
  const target = { what: 'person', sub: 'victim' } as const
  return {
    id,
    at: NOW,
    by,
    why: 'x',
    action: 'revoke',
    target,
    people,
    grants: 0,
    streams: 0,
    unanswered: 0,
    acknowledgedAt: NOW,
    state: 'done',
  }
}

const own = async (session: Session, id: string) => {
  const order = { id, at: NOW, by: THEMSELVES, why: 'x', action: 'revoke', target: { what: 'person' } } as const
  return await session.carryOut(order, IDENTITY, { session: 'this one' })
}
const written = async (session: Session): Promise<number> =>
  await runInDurableObject(
    session,
    (_, { storage }) =>
      storage.sql.exec<{ n: number }>("SELECT coalesce(max(seq), 0) AS n FROM sqlite_sequence WHERE name = 'outbox'").one().n,
  )

test('12,000 receipts of one person leave every receipt of the administrators', { timeout: 60_000 }, async () => {
  const directory = freshDirectory()
  for (const id of ['one', 'two']) await directory.keepReceipt(receipt(id, ADMINISTRATOR))
  await flood(
    directory,
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 11997)
     INSERT INTO receipts (id, at, actor, reason, action, target, total, done, failing, grants, streams, acknowledged_at, state)
     SELECT 'own ' || i, ${NOW}, '${THEMSELVES}', 'x', 'revoke', '{"what":"person"}', 1, 1, 0, 0, 0, ${NOW}, 'done' FROM n`,
  )
  await directory.keepReceipt(receipt('the last', THEMSELVES))
  expect([await directory.receipt('one'), await directory.receipt('two')]).toMatchObject([
    { receipt: { by: ADMINISTRATOR } },
    { receipt: { by: ADMINISTRATOR } },
  ])
  const left = await runInDurableObject(
    directory,
    (_, { storage }) => storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM receipts').one().n,
  )
  expect(left).toBe(10_002)
})

test('events of one person leave those of the administrators and of everybody else', { timeout: 60_000 }, async () => {
  const directory = freshDirectory()
  const tell = async (sub: string, number: number, actor?: string): Promise<void> => {
    const event = { type: 'person_ended', at: NOW, number, ...(actor !== undefined && { actor }) } as const
    await directory.record({ person: summary(sub, [], number), events: [event], receipts: [] })
  }
  await tell('victim', 1, ADMINISTRATOR)
  await tell('other', 1)
  await tell('flooder', 1, ADMINISTRATOR)
  await flood(
    directory,
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3996)
     INSERT INTO security_events (id, at, type, sub, actor) SELECT 'f' || i, ${NOW}, 'person_ended', 'flooder', '${THEMSELVES}' FROM n`,
  )
  await tell('flooder', 4_000)
  await tell('victim', 2)
  const counted = await runInDurableObject(directory, (_, { storage }) =>
    storage.sql.exec('SELECT sub, count(*) AS n FROM security_events GROUP BY sub ORDER BY sub').toArray(),
  )
  expect(counted).toEqual([
    { sub: 'flooder', n: 2_001 },
    { sub: 'other', n: 1 },
    { sub: 'victim', n: 2 },
  ])
})

describe('what people do on their own page', () => {
  test('writes nothing where nothing ended, and a receipt and an event where something did', async () => {
    const session = nobody()
    await signIn(session)
    expect(await own(session, 'one')).toMatchObject({ grants: 1, by: THEMSELVES })
    const before = await written(session)
    for (let n = 0; n < 20; n += 1) expect(await own(session, `again ${n}`)).toBeUndefined()
    expect(await written(session)).toBe(before)
    // An administrator's order has a receipt, whatever came of it.
    expect(await ordered(session, 'revoke')).toMatchObject({ grants: 0 })
    expect(await written(session)).toBeGreaterThan(before)
  })

  test('is taken thirty times a minute, and then asked to wait', async () => {
    const session = nobody()
    const waits: number[] = []
    for (let n = 0; n < 32; n += 1) waits.push(await session.takeForm())
    expect(waits.slice(0, 30).every((wait) => wait === 0)).toBe(true)
    expect(waits[30]).toBeGreaterThan(0)
    expect(waits[31]).toBeLessThanOrEqual(60)
  })
})

test('far too many events go two thousand at a time, and leave those of the administrators', { timeout: 60_000 }, async () => {
  const directory = freshDirectory()
  const tell = async (sub: string, number: number, actor?: string): Promise<void> => {
    const event = { type: 'person_ended', at: NOW, number, ...(actor !== undefined && { actor }) } as const
    await directory.record({ person: summary(sub, [], number), events: [event], receipts: [] })
  }
  await tell('victim', 1, ADMINISTRATOR)
  await flood(
    directory,
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 204998)
     INSERT INTO security_events (id, at, type, sub, actor) SELECT 'f' || i, ${NOW}, 'person_ended', 'p' || i, '${THEMSELVES}' FROM n`,
  )
  const count = async () =>
    await runInDurableObject(directory, (_, { storage }) =>
      storage.sql.exec('SELECT count(*) AS n, count(*) FILTER (WHERE sub = ?) AS kept FROM security_events', 'victim').one(),
    )
  // The 205,000th event: 4,999 are too many of those that people caused.
  await tell('last', 1)
  expect(await count()).toEqual({ n: 203_000, kept: 1 })
  await expect.poll(count, { timeout: 10_000 }).toEqual({ n: 200_001, kept: 1 })
})
