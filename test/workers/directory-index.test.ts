// The index of people: what an object reports arrives once and stays the newest, and a page costs the same however many there are.
import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, test } from 'vitest'
import type { PersonSummary } from '../../src/session/store/outbox.ts'
import { eachBeginsAt } from './clock.ts'
import { countingRows } from './rows-read.ts'
import { at, granted, IDENTITY, nobody, NOW, ordered, redeem, signIn } from './person.ts'
import { signal } from './told.ts'
import { UNSAID } from '../../src/clients/client-record.ts'

eachBeginsAt(() => NOW)

let names = 0
const freshDirectory = () => env.DIRECTORY.getByName(`index ${names++}`)
type DirectoryStub = ReturnType<typeof freshDirectory>

function person(sub: string, changes: Partial<PersonSummary> = {}): PersonSummary {
  return {
    sub,
    identity: IDENTITY,
    blocked: false,
    liveGrants: 1,
    clientIds: ['client-a'],
    resources: ['https://a.example/mcp'],
    links: [],
    lastSeenAt: NOW,
    number: 1,
    ...changes,
  }
}

const sql = async (directory: DirectoryStub, query: string, ...bound: (string | number)[]): Promise<void> => {
  await runInDurableObject(directory, (_, { storage }) => storage.sql.exec(query, ...bound).toArray())
}

describe('what a person’s object reports', () => {
  test('counts once, however often it arrives', async () => {
    const directory = freshDirectory()
    const events = [
      { number: 1, type: 'signed_in', at: NOW, actor: 'person', clientId: 'client-a' },
      { number: 2, type: 'grant_ended', at: NOW + 1, actor: 'carol@example.com', reason: 'left' },
    ] as const
    for (let n = 0; n < 3; n += 1) await directory.record({ person: person('p', { number: 2 }), events, receipts: [] })
    await directory.record({ person: person('p', { number: 2 }), events: [events[1]], receipts: [] })
    expect(await directory.securityEvents({ sub: 'p' })).toMatchObject([
      { type: 'grant_ended', reason: 'left' },
      { type: 'signed_in' },
    ])
  })

  test('gives way to nothing older', async () => {
    const directory = freshDirectory()
    await directory.record({
      person: person('p', { number: 7, liveGrants: 0, clientIds: [], blocked: true }),
      events: [],
      receipts: [],
    })
    await directory.record({ person: person('p', { number: 3, liveGrants: 5 }), events: [], receipts: [] })
    expect(await directory.person('p')).toMatchObject({ liveGrants: 0, blocked: true })
    expect(await directory.clients('', undefined)).toMatchObject({ clients: [] })
  })

  test('is counted without counting everybody again, and as it would be', async () => {
    const directory = freshDirectory()
    const counts = async () => {
      const { people, connected } = await directory.counts()
      return [people, connected]
    }
    await directory.record({ person: person('p'), events: [], receipts: [] })
    expect(await counts()).toEqual([1, 1])
    await directory.record({ person: person('q', { liveGrants: 2 }), events: [], receipts: [] })
    await directory.record({ person: person('p', { number: 2, liveGrants: 0 }), events: [], receipts: [] })
    await directory.record({ person: person('p', { number: 1, liveGrants: 5 }), events: [], receipts: [] })
    expect(await counts()).toEqual([2, 1])
    await evictDurableObject(directory)
    expect(await counts()).toEqual([2, 1])
  })

  test('takes people off the clients they have left', async () => {
    const directory = freshDirectory()
    const register = (id: string) =>
      directory.register(
        {
          id,
          name: id,
          redirectUris: ['http://localhost/cb'],
          authMethod: 'none',
          grantTypes: [],
          ...UNSAID,
          registeredAt: NOW,
        },
        'here',
      )
    await register('client-a')
    await register('client-b')
    const people = async () => (await directory.clients('', undefined)).clients.map((client) => [client.id, client.people])
    await directory.record({ person: person('p', { clientIds: ['client-a', 'client-b'] }), events: [], receipts: [] })
    await directory.record({ person: person('q', { clientIds: ['client-b'] }), events: [], receipts: [] })
    expect(await people()).toEqual([
      ['client-a', 1],
      ['client-b', 2],
    ])
    await directory.record({ person: person('p', { number: 2, clientIds: ['client-a'] }), events: [], receipts: [] })
    expect(await people()).toEqual([
      ['client-a', 1],
      ['client-b', 1],
    ])
  })

  test('waits for a Directory that is away, and is lost by neither', async () => {
    const directory = env.DIRECTORY.getByName('directory')
    const session = nobody()
    await directory.people('', undefined)
    await sql(directory, 'ALTER TABLE people RENAME TO people_away')
    await granted(session)
    for (let n = 0; n < 3; n += 1) {
      await runDurableObjectAlarm(session)
      at(NOW + 10 * (n + 1))
    }
    expect(await waiting()).toBe(1)
    await sql(directory, 'ALTER TABLE people_away RENAME TO people')
    at(NOW + 600)
    await runDurableObjectAlarm(session)
    expect(await waiting()).toBe(0)
    const events = await directory.securityEvents({ type: 'signed_in' })
    expect(events).toMatchObject([{ type: 'signed_in', clientId: 'client-a', at: NOW }])

    async function waiting(): Promise<number> {
      return await runInDurableObject(
        session,
        (_, { storage }) => storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM outbox').one().n,
      )
    }
  })
})

const kept = async (id: string) => (await env.DIRECTORY.getByName('directory').receipt(id))?.receipt

describe('the receipt of an action on one person', () => {
  test('is kept by the person’s object until the Directory has it, however long that is away, and across a crash', async () => {
    const directory = env.DIRECTORY.getByName('directory')
    const session = nobody()
    await granted(session)
    await directory.people('', undefined)
    await sql(directory, 'ALTER TABLE receipts RENAME TO receipts_away')
    const receipt = await ordered(session, 'revoke')
    expect(receipt).toMatchObject({ state: 'done', grants: 1, people: { total: 1, done: 1, failing: 0 }, by: 'an administrator' })
    for (const later of [1, 60, 3_600]) {
      at(NOW + later)
      await runDurableObjectAlarm(session)
    }
    await evictDurableObject(session)
    await sql(directory, 'ALTER TABLE receipts_away RENAME TO receipts')
    at(NOW + 86_400)
    await runDurableObjectAlarm(session)
    expect(await kept(receipt.id)).toEqual(receipt)
  })

  test('is kept once, whoever brings it first', async () => {
    const directory = env.DIRECTORY.getByName('directory')
    const session = nobody()
    await granted(session)
    const receipt = await ordered(session, 'block')
    await directory.keepReceipt(receipt)
    await runDurableObjectAlarm(session)
    const { receipts } = await directory.receipts(undefined)
    expect(receipts.filter(({ id }) => id === receipt.id)).toEqual([receipt])
  })
})

const idToken = (sid: string) => `e30.${btoa(JSON.stringify({ sid })).replaceAll('=', '')}.`

const namedBySession = (session: string) =>
  signal({ names: { what: 'session', issuer: IDENTITY.issuer, session }, effect: 'recheck' })

test('every session at the provider is known by its own name, also when two sign-ins of one person cross', async () => {
  const directory = env.DIRECTORY.getByName('directory')
  const session = nobody()
  const first = await signIn(session, { tokens: { accessToken: 'one', idToken: idToken('sid-one') } })
  const second = await signIn(session, { clientId: 'client-b', tokens: { accessToken: 'two', idToken: idToken('sid-two') } })
  await evictDurableObject(session)
  for (const grant of [first, second]) expect(await redeem(session, grant)).toMatchObject({ granted: true })
  await runDurableObjectAlarm(session)
  for (const sid of ['sid-one', 'sid-two'])
    expect(await directory.signal(namedBySession(sid))).toMatchObject({
      outcome: 'done',
      receipts: [{ target: { sub: session.name } }],
    })
  expect(await directory.signal(namedBySession('sid-three'))).toEqual({ outcome: 'unknown' })
})

describe('100,000 people', () => {
  test('are paged through without a gap or a repetition', async () => {
    const directory = freshDirectory()
    await seed(directory, 1_234)
    const seen: string[] = []
    let after: string | undefined
    do {
      const { people, next } = await directory.people('', after)
      seen.push(...people.map(({ sub }) => sub))
      after = next
    } while (after !== undefined)
    expect(seen).toHaveLength(1_234)
    expect(new Set(seen).size).toBe(1_234)
  })

  test('are found by the beginning of an e-mail address or a name, in either case', async () => {
    const directory = freshDirectory()
    await seed(directory, 1_000)
    const found = async (search: string) => (await directory.people(search, undefined)).people.map(({ sub }) => sub)
    expect(await found('PERSON000042@')).toEqual(['sub-000042'])
    expect(await found('person 000042')).toEqual(['sub-000042'])
    expect(await found('nobody')).toEqual([])
    expect(await found("' OR 1=1 --")).toEqual([])
  })

  test('of whom one has exactly that address or subject begin with that one, and are all found once', async () => {
    const directory = freshDirectory()
    const named = async (sub: string, identity: object): Promise<void> => {
      const issuer = 'https://idp.example'
      const known = person(sub, { identity: { issuer, subject: `subject of ${sub}`, groups: [], ...identity } })
      await directory.record({ person: known, events: [], receipts: [] })
    }
    for (let n = 100; n < 160; n += 1) await named(`a-${n}`, { email: `al@example.com.evil${n}.example`, name: 'al@example.com' })
    await named('z-al', { email: 'Al@example.com' })
    await named('y-build', { subject: 'repo:acme/app' })
    const first = await directory.people('al@example.com', undefined)
    expect([first.people[0]?.sub, first.people[1]?.sub, first.people.length]).toEqual(['z-al', 'a-100', 51])
    const { people: others } = await directory.people('al@example.com', first.next)
    expect([others.map(({ sub }) => sub), new Set([...first.people, ...others].map(({ sub }) => sub)).size]).toEqual([
      Array.from({ length: 10 }, (_, n) => `a-${n + 150}`),
      61,
    ])
    expect((await directory.people('repo:acme/app', undefined)).people.map(({ sub }) => sub)).toEqual(['y-build'])
    expect((await directory.people('y-build', undefined)).people.map(({ sub }) => sub)).toEqual(['y-build'])
  })

  test('cost a page of people what 1,000 do', { timeout: 60_000 }, async () => {
    const [few, many] = [freshDirectory(), freshDirectory()]
    await seed(few, 1_000)
    await seed(many, 100_000)
    const [rowsOfFew, rowsOfMany] = [await countingRows(few), await countingRows(many)]
    for (const [search, after] of [
      ['', undefined],
      ['person0005', undefined],
      ['', `${NOW - 100}.sub-000300`],
    ] as const) {
      expect((await few.people(search, after)).people.length).toBeGreaterThan(0)
      expect((await many.people(search, after)).people).toHaveLength(50)
      const [small, large] = [rowsOfFew(), rowsOfMany()]
      expect(small).toBeGreaterThan(0)
      // A scan of the table would read a hundred thousand.
      expect(large).toBeLessThanOrEqual(2 * small)
    }
  })
})

async function seed(directory: DirectoryStub, count: number): Promise<void> {
  await directory.people('', undefined)
  await sql(
    directory,
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ? - 1)
     INSERT INTO people SELECT printf('sub-%06d', i), 'https://idp.example', printf('subject %d', i), printf('person%06d@example.com', i),
       printf('Person %06d', i), '', 0, 1, ?2 - i, ?2 - i / 3, 1 FROM n`,
    count,
    NOW,
  )
}
