// Actions on many people: everybody is asked, a crash half-way loses and repeats nothing, and whoever does not answer is asked again.
import { abortAllDurableObjects, env, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Order, Receipt } from '../../src/directory/receipts.ts'
import type { PersonSummary } from '../../src/session/outbox.ts'
import { at, NOW, RESOURCE } from './person.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
  at(NOW)
})
afterEach(() => {
  vi.useRealTimers()
})

let names = 0
const freshDirectory = () => env.DIRECTORY.getByName(`campaigns ${names++}`)
type DirectoryStub = ReturnType<typeof freshDirectory>
const anew = ({ id }: DirectoryStub): DirectoryStub => env.DIRECTORY.get(id)
const personNamed = (sub: string) => env.USER_SESSION.getByName(sub)

const EVERYONE: Order = {
  id: 'everyone',
  at: NOW,
  by: 'carol@example.com',
  why: 'a drill',
  action: 'revoke',
  target: { what: 'everyone' },
}

function summary(sub: string, clientIds: readonly string[], number = 1): PersonSummary {
  const identity = { issuer: 'https://idp.example', subject: sub, email: `${sub}@example.com`, groups: [] }
  return { sub, identity, blocked: false, liveGrants: clientIds.length, clientIds, lastSeenAt: NOW, number }
}

/** A person with a grant for each client, in their own object and in the index. */
async function connect(
  directory: DirectoryStub,
  sub: string,
  clientIds: readonly string[] = ['client-a'],
  since = NOW - 60,
): Promise<void> {
  const before = Math.floor(Date.now() / 1000)
  at(since)
  for (const clientId of clientIds) {
    await personNamed(sub).enrol(
      {
        identity: summary(sub, clientIds).identity,
        clientId,
        clientName: clientId,
        grants: [{ id: `${sub} ${clientId}`, resource: RESOURCE, scopes: ['mcp'] }],
        createdAt: since,
        endsAt: NOW + 86_400,
      },
      { actor: 'a test' },
    )
  }
  at(before)
  await directory.record({ person: summary(sub, clientIds), events: [] })
}

const isLive = async (sub: string, clientId = 'client-a'): Promise<boolean> =>
  await personNamed(sub).isActive({ grantId: `${sub} ${clientId}`, clientId, generation: 1 }, 'access')

async function receiptOf(directory: DirectoryStub, id = 'everyone'): Promise<Receipt> {
  const found = await directory.receipt(id)
  if (!found) throw new Error('there is no such receipt')
  return found.receipt
}

/** Lets the Directory go on until nothing is due. */
async function goOn(
  directory: DirectoryStub,
  until: (receipt: Receipt) => boolean = ({ state }) => state === 'done',
  id = 'everyone',
) {
  for (let alarms = 0; alarms < 1_000; alarms += 1) {
    const receipt = await receiptOf(directory, id)
    if (until(receipt)) return receipt
    // As long as everything is due at the frozen moment it rings at once.
    if (!(await runDurableObjectAlarm(directory))) break
  }
  throw new Error(`it stopped at ${JSON.stringify(await receiptOf(directory, id))}`)
}

describe('revoking everyone', () => {
  test('of 2,000 people, with an abort half-way, ends every grant and counts each once', { timeout: 180_000 }, async () => {
    let directory = freshDirectory()
    const subs = Array.from({ length: 2_000 }, (_, n) => `crowd-${n}`)
    for (let n = 0; n < subs.length; n += 100) await Promise.all(subs.slice(n, n + 100).map((sub) => connect(directory, sub)))
    at(NOW)
    expect(await directory.begin(EVERYONE)).toMatchObject({ state: 'running', people: { total: 2_000, done: 0, failing: 0 } })

    await goOn(directory, ({ people }) => people.done >= 900)
    const alarm = runDurableObjectAlarm(directory).catch(() => undefined)
    await abortAllDurableObjects()
    await alarm
    directory = anew(directory)
    const half = await receiptOf(directory)
    expect(half).toMatchObject({ state: 'running', acknowledgedAt: null })
    expect(half.people.done).toBeLessThan(2_000)

    expect(await goOn(directory)).toMatchObject({
      ...EVERYONE,
      people: { total: 2_000, done: 2_000, failing: 0 },
      grants: 2_000,
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
    for (const sub of ['quick', 'quicker']) await directory.record({ person: { ...summary(sub, [], 2) }, events: [] })
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
    for (const [sub, when] of [
      ['a-redeems-late', NOW + 5],
      ['c-comes-later', NOW + 10],
    ] as const) {
      const event = { type: 'signed_in', at: when, clientId: 'client-a', number: 2 } as const
      await directory.record({ person: summary(sub, ['client-a'], 2), events: [event] })
      await directory.record({ person: summary(sub, ['client-a'], 2), events: [event] })
    }
    at(NOW + 20)
    await runDurableObjectAlarm(directory)
    await runDurableObjectAlarm(directory)
    expect(await isLive('a-redeems-late')).toBe(false)
    expect(await isLive('c-comes-later')).toBe(true)
    expect(await receiptOf(directory)).toMatchObject({ state: 'done', people: { total: 2, done: 2 }, grants: 2 })
  })
})

describe('what concerns one client', () => {
  test('leaves the others, and the people who do not use it', async () => {
    const directory = freshDirectory()
    await connect(directory, 'both', ['client-a', 'client-b'])
    await connect(directory, 'other', ['client-b'])
    await directory.begin({ ...EVERYONE, target: { what: 'client', id: 'client-a' } })
    expect(await goOn(directory)).toMatchObject({ people: { total: 1, done: 1 }, grants: 1 })
    expect([await isLive('both', 'client-a'), await isLive('both', 'client-b'), await isLive('other', 'client-b')]).toEqual([
      false,
      true,
      true,
    ])
  })

  test('blocked, it can not be connected, stays known however old, and ends even what is younger than the block', async () => {
    const directory = freshDirectory()
    const client = {
      name: 'App',
      redirectUris: ['http://localhost/cb'],
      authMethod: 'none',
      grantTypes: ['authorization_code'],
    } as const
    const missing = { uri: undefined, applicationType: undefined, softwareId: undefined, softwareVersion: undefined }
    await directory.register({ id: 'client-a', ...client, ...missing, registeredAt: NOW }, 'here')
    await connect(directory, 'user', ['client-a'], NOW + 5)
    const order = { ...EVERYONE, id: 'block', action: 'block', target: { what: 'client', id: 'client-a' } } as const
    expect(await directory.blockClient({ ...order, id: 'none', target: { what: 'client', id: 'nobody' } })).toBeUndefined()
    expect(await directory.blockClient(order)).toMatchObject({ action: 'block', people: { total: 1 } })
    at(NOW + 6)
    expect(await goOn(directory, undefined, 'block')).toMatchObject({ grants: 1 })
    expect(await isLive('user')).toBe(false)

    at(NOW + 500 * 86_400)
    await runDurableObjectAlarm(directory)
    expect(await directory.client('client-a')).toMatchObject({ isBlocked: true })
    const { clients } = await directory.clients('app', undefined)
    expect(clients).toMatchObject([{ id: 'client-a', blocked: { by: 'carol@example.com', why: 'a drill' } }])

    expect(await directory.unblockClient({ ...order, id: 'unblock', action: 'unblock' })).toMatchObject({ state: 'done' })
    expect(await directory.unblockClient({ ...order, id: 'again', action: 'unblock' })).toBeUndefined()
    const events = await directory.securityEvents({ clientId: 'client-a' })
    expect(events.map(({ type, actor }) => [type, actor])).toEqual([
      ['client_unblocked', 'carol@example.com'],
      ['client_blocked', 'carol@example.com'],
    ])
  })
})

/** A person's object whose storage fails: the plainest way for it not to answer. */
async function rename(sub: string, from: string, to: string): Promise<void> {
  await runInDurableObject(personNamed(sub), (_, { storage }) =>
    storage.sql.exec(`ALTER TABLE ${from} RENAME TO ${to}`).toArray(),
  )
}
