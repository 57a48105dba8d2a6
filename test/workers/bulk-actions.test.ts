// Actions on many people: everybody is asked, a crash half-way loses and repeats nothing, and whoever does not answer is asked again.
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, test } from 'vitest'
import { eachBeginsAt } from './clock.ts'
import { anew, connect, EVERYONE, freshDirectory, goOn, isLive, personNamed, receiptOf, summary } from './crowd.ts'
import { at, NOW } from './person.ts'

eachBeginsAt(() => NOW)

/** Of many batches; two thousand and more are `EVERYONE=2000 npx vitest run --project e2e test/e2e/everyone.test.ts`. */
const CROWD = 300

describe('revoking everyone', () => {
  test('of 300 people, with an abort half-way, ends every grant and counts each once', { timeout: 180_000 }, async () => {
    let directory = freshDirectory()
    const subs = Array.from({ length: CROWD }, (_, n) => `crowd-${n}`)
    for (let n = 0; n < subs.length; n += 100) await Promise.all(subs.slice(n, n + 100).map((sub) => connect(directory, sub)))
    at(NOW)
    expect(await directory.begin(EVERYONE)).toMatchObject({ state: 'running', people: { total: CROWD, done: 0, failing: 0 } })

    await goOn(directory, ({ people }) => people.done >= CROWD / 2)
    const alarm = runDurableObjectAlarm(directory).catch(() => undefined)
    await abortAllDurableObjects()
    await alarm
    directory = anew(directory)
    const half = await receiptOf(directory)
    expect(half).toMatchObject({ state: 'running', acknowledgedAt: null })
    expect(half.people.done).toBeLessThan(CROWD)

    expect(await goOn(directory)).toMatchObject({
      ...EVERYONE,
      people: { total: CROWD, done: CROWD, failing: 0 },
      grants: CROWD,
      acknowledgedAt: NOW,
    })
    const left = await Promise.all(subs.map((sub) => isLive(sub)))
    expect(left.filter(Boolean)).toEqual([])
  })

  test('forgets nobody who had answered when it was cut off, although the index has forgotten them', async () => {
    let directory = freshDirectory()
    for (const sub of ['quick', 'quicker', 'slow']) await connect(directory, sub)
    const held = Promise.withResolvers<void>()
    const holding = runInDurableObject(personNamed('slow'), async (_, state) => {
      await state.blockConcurrencyWhile(() => held.promise)
    }).catch(() => undefined)
    await directory.begin(EVERYONE)
    const alarm = runDurableObjectAlarm(directory).catch(() => undefined)
    while ((await isLive('quick')) || (await isLive('quicker'))) await new Promise((resolve) => setTimeout(resolve, 5))
    for (const sub of ['quick', 'quicker'])
      await directory.record({ person: { ...summary(sub, [], 2) }, events: [], receipts: [] })
    expect(await receiptOf(directory)).toMatchObject({ state: 'running', people: { total: 3, done: 0 } })
    await abortAllDurableObjects()
    held.resolve()
    await Promise.all([alarm, holding])
    directory = anew(directory)
    expect(await goOn(directory)).toMatchObject({ people: { total: 3, done: 3 }, grants: 3 })
    expect(await isLive('slow')).toBe(false)
  })

  test('that is ordered twice is done once', async () => {
    const directory = freshDirectory()
    await connect(directory, 'twice')
    await directory.begin(EVERYONE)
    const done = await goOn(directory)
    expect(await directory.begin({ ...EVERYONE, why: 'another reason' })).toEqual(done)
    expect((await directory.receipts(undefined)).receipts).toHaveLength(1)
  })

  test('of nobody is done at once', async () => {
    expect(await freshDirectory().begin(EVERYONE)).toMatchObject({ state: 'done', people: { total: 0 }, acknowledgedAt: NOW })
  })

  test('asks who does not answer again, later and later, and names them meanwhile', async () => {
    const directory = freshDirectory()
    await connect(directory, 'healthy')
    await connect(directory, 'ailing')
    await rename('ailing', 'grants', 'grants_away')
    await directory.begin(EVERYONE)
    const waiting = await goOn(directory, ({ state }) => state === 'retrying')
    expect(waiting).toMatchObject({ people: { total: 2, done: 1, failing: 1 }, grants: 1, acknowledgedAt: null })
    const { failing = [] } = (await directory.receipt('everyone')) ?? {}
    expect(failing).toEqual([{ sub: 'ailing', attempts: 1, error: expect.stringContaining('grants'), nextAt: NOW + 1 }])

    at(NOW + 2)
    await goOn(directory, () => true)
    await runDurableObjectAlarm(directory)
    expect((await directory.receipt('everyone'))?.failing).toMatchObject([{ attempts: 2, nextAt: NOW + 4 }])

    await rename('ailing', 'grants_away', 'grants')
    at(NOW + 5)
    expect(await goOn(directory)).toMatchObject({ people: { total: 2, done: 2, failing: 0 }, grants: 2, acknowledgedAt: NOW + 5 })
    expect(await isLive('ailing')).toBe(false)
  })

  test('leaves who signs in again after it, and ends what was being signed in to when it came', async () => {
    const directory = freshDirectory()
    await connect(directory, 'b-known')
    await directory.begin(EVERYONE)
    await goOn(directory)
    // Consent was given before, the code was redeemed after: the index hears of it only now.
    await connect(directory, 'a-redeems-late', ['client-a'], NOW - 10)
    await connect(directory, 'c-comes-later', ['client-a'], NOW + 10)
    for (const [sub, grantedAt] of [
      ['a-redeems-late', NOW - 10],
      ['c-comes-later', NOW + 10],
    ] as const) {
      const event = { type: 'signed_in', at: NOW + 5_000, grantedAt, clientId: 'client-a', number: 2 } as const
      await directory.record({ person: summary(sub, ['client-a'], 2), events: [event], receipts: [] })
      await directory.record({ person: summary(sub, ['client-a'], 2), events: [event], receipts: [] })
    }
    at(NOW + 20)
    await runDurableObjectAlarm(directory)
    await runDurableObjectAlarm(directory)
    expect(await isLive('a-redeems-late')).toBe(false)
    expect(await isLive('c-comes-later')).toBe(true)
    expect(await receiptOf(directory)).toMatchObject({ state: 'done', people: { total: 2, done: 2 }, grants: 2 })
  })
})

/** A person's object whose storage fails: the plainest way for it not to answer. */
async function rename(sub: string, from: string, to: string): Promise<void> {
  await runInDurableObject(personNamed(sub), (_, { storage }) =>
    storage.sql.exec(`ALTER TABLE ${from} RENAME TO ${to}`).toArray(),
  )
}
