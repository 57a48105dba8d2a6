// What a large deployment asks of the Directory reads rows by an index, however many there are: `npm run scale` has the times at a million people.
import { env, evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { expect, test } from 'vitest'
import { BulkActionRows } from '../../src/directory/bulk-action-rows.ts'
import { People } from '../../src/directory/people.ts'
import { ProvisionedUsers } from '../../src/directory/provisioned-users.ts'
import type { PersonSummary } from '../../src/session/store/outbox.ts'
import { countingRows } from './rows-read.ts'

const MANY = 20_000
const ISSUER = 'https://idp.example'
const NUMBERS = `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${MANY} - 1)`

test('a search for what many names begin with reads a bounded part of them, and comes by everybody once', async () => {
  const directory = await seeded(
    'scale search',
    `${NUMBERS} INSERT INTO people SELECT printf('sub-%06d', (i * 7919) % ${MANY}), '${ISSUER}', 'subject ' || i, printf('person%06d@example.com', i),
      'Person ' || i, '', 0, 1, 1, 1, 1 FROM n`,
  )
  const rows = await countingRows(directory)
  for (const search of ['p', 'person', 'person0', 'PERSON']) {
    await directory.people(search, undefined)
    expect(rows()).toBeLessThan(12_000)
  }
  const { people, next } = await directory.people('person', undefined)
  expect(people).toHaveLength(50)
  const [first] = (await directory.people('person', next)).people
  expect(first?.sub).toBe('sub-000050')
  // What few begin with is found by the indexes, in the same order.
  const few = (await directory.people('person00001', undefined)).people
  expect(few).toHaveLength(10)
  expect(few.map(({ sub }) => sub)).toEqual(few.map(({ sub }) => sub).toSorted())
})

test('how many people an action on everybody concerns is known without sorting them', async () => {
  const directory = await seeded(
    'scale counts',
    `${NUMBERS} INSERT INTO people SELECT printf('sub-%06d', i), '${ISSUER}', 'subject ' || i, NULL, NULL, '', 0, i % 2, 1, 1, 1 FROM n;
     ${NUMBERS} INSERT INTO person_resources SELECT 'https://a.example/mcp', printf('sub-%06d', i) FROM n WHERE i % 2 = 1;
     INSERT INTO person_links VALUES ('https://a.example/mcp', 'sub-000001'), ('https://a.example/mcp', 'sub-000002'), ('https://b.example/mcp', 'sub-000002')`,
  )
  // Odd ones are connected; of the two with a link one is not.
  expect(await directory.usersOf('https://a.example/mcp')).toBe(MANY / 2 + 1)
  const rows = await countingRows(directory)
  await runInDurableObject(directory, (_, { storage }) => {
    const people = new People(storage)
    people.counts()
    rows()
    expect(people.countConnected(undefined)).toBe(MANY / 2 + 1)
    expect(rows()).toBeLessThan(50)
  })
})

test('events of a client that has none, and of one among many, are found by an index', async () => {
  const directory = await seeded(
    'scale events',
    `${NUMBERS} INSERT INTO security_events (id, at, type, sub, client_id) SELECT 'sub.' || i, i, 'signed_in', 'sub', 'client ' || (i % 1000) FROM n`,
  )
  const rows = await countingRows(directory)
  expect(await directory.securityEvents({ clientId: 'nobody' })).toEqual([])
  expect(await directory.securityEvents({ clientId: 'client 7' })).toHaveLength(MANY / 1_000)
  expect(await directory.securityEvents({ clientId: 'nobody', type: 'signed_in' })).toEqual([])
  expect(rows()).toBeLessThan(500)
})

test('a page of a company’s users is read in the order in which they came, and nobody is sorted', async () => {
  const directory = await seeded(
    'scale scim',
    `${NUMBERS} INSERT INTO provisioned_users SELECT printf('id-%06d', (i * 7919) % ${MANY}), '${ISSUER}', 'user' || i, NULL, NULL, 1, 0, '{}', 1, i, i FROM n`,
  )
  await runInDurableObject(directory, (_, { storage }) => {
    const plan = storage.sql
      .exec<{ detail: string }>(
        `EXPLAIN QUERY PLAN SELECT * FROM provisioned_users WHERE issuer = ? AND deleted = 0 ORDER BY created_at, id LIMIT 100 OFFSET 0`,
        ISSUER,
      )
      .toArray()
    expect(plan.map(({ detail }) => detail).join()).not.toContain('TEMP B-TREE')
    const { total, users } = new ProvisionedUsers(storage).page(ISSUER, {}, { from: MANY - 2, most: 100 })
    expect([total, users.map(({ userName }) => userName)]).toEqual([MANY, [`user${MANY - 2}`, `user${MANY - 1}`]])
  })
})

test('how an action on a large group stands is said after each batch without going through all who are still to be asked', async () => {
  const directory = await seeded(
    'scale group',
    `${NUMBERS} INSERT INTO campaign_people (campaign, sub, attempts, due, error, late) SELECT 'the action', 'sub ' || i, i < 3, 9e12, '', 0 FROM n`,
  )
  const rows = await countingRows(directory)
  await runInDurableObject(directory, (_, { storage }) => {
    expect(new BulkActionRows(storage).progress('the action')).toEqual({ isWaiting: true, failing: 3 })
    expect(new BulkActionRows(storage).progress('another one')).toEqual({ isWaiting: false, failing: 0 })
  })
  expect(rows()).toBeLessThan(50)
})

test('the people of a client are counted once, and whoever comes or goes afterwards is reckoned in', async () => {
  const directory = await seeded(
    'scale clients',
    `${NUMBERS} INSERT INTO person_clients SELECT 'client', printf('sub-%06d', i) FROM n`,
  )
  await runInDurableObject(directory, (_, { storage }) => {
    storage.sql.exec(
      `INSERT INTO clients SELECT 'client', NULL, 'http://127.0.0.1:1/', 'none', 'authorization_code', NULL, NULL, NULL, NULL, '', 1, 2`,
    )
  })
  const connected = async () => (await directory.clients('', undefined)).clients.map(({ people }) => people)
  expect(await connected()).toEqual([MANY])
  const rows = await countingRows(directory)
  expect(await connected()).toEqual([MANY])
  expect(rows()).toBeLessThan(50)
  for (const [number, clientIds, count] of [
    [1, ['client', 'client'], MANY + 1],
    [2, ['client'], MANY + 1],
    [3, [], MANY],
  ] as const) {
    await directory.record({ person: summary({ sub: 'new', number, clientIds }), events: [], receipts: [] })
    expect(await connected()).toEqual([count])
  }
})

test('a group that nobody was said to be in is known for one without going through everybody again', async () => {
  const directory = await seeded(
    'scale new groups',
    `${NUMBERS} INSERT INTO people SELECT printf('sub-%06d', i), '${ISSUER}', 'subject ' || i, NULL, NULL, 'staff' || char(10) || 'team-' || (i % 500), 0, 1, 1, 1, 1 FROM n`,
  )
  const rows = await countingRows(directory)
  await runInDurableObject(directory, (_, { storage }) => {
    const people = new People(storage)
    expect(people.inGroup(ISSUER, ['new', ''])).toEqual([])
    rows()
    expect(people.inGroup(ISSUER, ['newer', 'newest'])).toEqual([])
    expect(people.inGroup('https://another.example', ['staff'])).toEqual([])
    expect(rows()).toBeLessThan(50)
    expect(people.inGroup(ISSUER, ['team-7'])).toHaveLength(MANY / 500)
    people.record(summary({ sub: 'late', identity: { issuer: ISSUER, subject: 'late', groups: ['newer'] } }))
    expect(people.inGroup(ISSUER, ['newer'])).toEqual(['late'])
  })
})

function summary(changes: Partial<PersonSummary>): PersonSummary {
  const identity = { issuer: ISSUER, subject: 'new', groups: [] }
  const nothing = { blocked: false, liveGrants: 1, clientIds: [], resources: [], links: [], lastSeenAt: 1, number: 1 }
  return { sub: 'new', identity, ...nothing, ...changes }
}

test('far too many events go in pieces, so that no request waits for all of them', { timeout: 60_000 }, async () => {
  const most = 200_000
  const directory = await seeded(
    'scale trim',
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${most + 6_999 - 1})
     INSERT INTO security_events (id, at, type, sub, client_id) SELECT 'sub.' || i, i, 'signed_in', 'sub ' || (i % 1000), 'client' FROM n`,
  )
  const count = async () =>
    await runInDurableObject(
      directory,
      (_, { storage }) => storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM security_events').one().n,
    )
  // The seven-thousandth; it is of an administrator, and so it is of those that are kept apart.
  await directory.noteRefusedAdministrator('sub', 'Somebody')
  expect(await count()).toBe(most + 5_000)
  await expect.poll(count, { timeout: 30_000 }).toBeLessThanOrEqual(most + 1)
  expect(await count()).toBe(most + 1)
})

async function seeded(name: string, statements: string) {
  const directory = env.DIRECTORY.getByName(name)
  await directory.counts()
  await runInDurableObject(directory, (_, { storage }) => storage.sql.exec(statements).toArray())
  // Counted when it was empty: another life of the object counts what is there.
  await evictDurableObject(directory)
  return directory
}
