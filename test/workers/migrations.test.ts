// Objects written by an earlier release: their tables are brought up to date, and nothing in them is lost.
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { DIRECTORY_MIGRATIONS } from '../../src/directory/migrations.ts'
import { migrate } from '../../src/platform/migrations.ts'
import { eachBeginsAt } from './clock.ts'
import directoryOfFirst from './fixtures/directory-1.json' with { type: 'json' }
import sessionOfFirst from './fixtures/session-1.json' with { type: 'json' }
import { caller, isLive, NOW, presented } from './person.ts'

interface Written {
  readonly tables: readonly { readonly name: string; readonly create: string; readonly rows: readonly object[] }[]
  readonly indexes: readonly string[]
}

const CLIENT = 'pub_HhYkYvbhKjoE9C4jQhgc1UBE-UX77XhJ0ZYoPRt5T0M'
const GRANT = { jti: 'yRZFZhY9z0v9EiHiazmqsw', grantId: 'MBLIzwR8pcBRFQ55eRL4og', clientId: 'client-a' }

const directory = () => env.DIRECTORY.getByName('directory of version 1')
const session = () => env.USER_SESSION.getByName('person of version 1')

eachBeginsAt(() => NOW + 60)

const ofItsOwn = { type: 'table', mine: "name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'" } as const

/** Puts the storage of an object back to what the release wrote, and lets the object wake up to that. */
async function wakeWith(stub: DurableObjectStub, { tables, indexes }: Written): Promise<void> {
  await runInDurableObject(stub, (_, { storage: { sql } }) => {
    for (const name of namesIn(sql)) sql.exec(`DROP TABLE "${name}"`)
    for (const { name, create, rows } of tables) {
      sql.exec(create)
      for (const row of rows) {
        const columns = Object.keys(row).map((column) => `"${column}"`)
        const values: SqlStorageValue[] = Object.values(row)
        sql.exec(`INSERT INTO "${name}" (${columns.join(', ')}) VALUES (${values.map(() => '?').join(', ')})`, ...values)
      }
    }
    for (const index of indexes) sql.exec(index)
  })
  await evictDurableObject(stub)
}

function namesIn(sql: SqlStorage): readonly string[] {
  const tables = sql.exec<{ name: string }>(`SELECT name FROM sqlite_master WHERE type = '${ofItsOwn.type}' AND ${ofItsOwn.mine}`)
  return tables.toArray().map(({ name }) => name)
}

/** Every table with its columns, in any order: a column that was added stands at the end. */
async function shapeOf(stub: DurableObjectStub): Promise<Readonly<Record<string, readonly string[]>>> {
  return await runInDurableObject(stub, (_, { storage: { sql } }) =>
    Object.fromEntries(
      namesIn(sql)
        .toSorted()
        .map((name) => {
          const columns = sql.exec<{ name: string }>('SELECT name FROM pragma_table_info(?)', name).toArray()
          return [name, columns.map((column) => column.name).toSorted()]
        }),
    ),
  )
}

/** Every index as it was made: one that is made otherwise today would keep its old form under the same name. */
async function indexesOf(stub: DurableObjectStub): Promise<readonly unknown[]> {
  const query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
  return await runInDurableObject(stub, (_, { storage: { sql } }) => sql.exec(query).toArray())
}

async function versionOf(stub: DurableObjectStub): Promise<unknown> {
  return await runInDurableObject(
    stub,
    (_, { storage: { sql } }) => sql.exec('SELECT version FROM schema_version').one()['version'],
  )
}

describe('a directory of the first release', () => {
  test('has all it knew: people, clients, blocks, receipts and events', async () => {
    await wakeWith(directory(), directoryOfFirst)
    expect((await directory().people('', undefined)).people.map(({ email, liveGrants }) => [email, liveGrants])).toEqual([
      ['alice@example.com', 1],
    ])
    expect(await directory().client(CLIENT)).toMatchObject({ id: CLIENT, name: 'Cursor', isBlocked: true })
    const { receipts } = await directory().receipts(undefined)
    expect(receipts.map(({ id, by, byName, why, grants }) => [id, by, byName, why, grants])).toEqual([
      ['order block', 'carol@example.com', undefined, 'too old', 0],
      ['order 1', 'an administrator', undefined, 'a test', 1],
    ])
    const events = await directory().securityEvents({})
    expect(events.map(({ type }) => type)).toEqual(['client_blocked', 'grant_ended', 'signed_in', 'signed_in'])
  })

  test('goes on writing: a block is taken back, with the name of who did', async () => {
    await wakeWith(directory(), directoryOfFirst)
    const order = {
      at: NOW + 60,
      by: 'subject-9',
      byName: 'Carol',
      why: 'updated',
      target: { what: 'client', id: CLIENT },
    } as const
    await directory().unblockClient({ ...order, id: 'order unblock', action: 'unblock' })
    const { receipts } = await directory().receipts(undefined)
    expect(receipts[0]).toMatchObject({ id: 'order unblock', by: 'subject-9', byName: 'Carol' })
  })

  test('has the tables and indexes a new one has, and knows its version', async () => {
    const fresh = env.DIRECTORY.getByName('directory of today')
    await fresh.people('', undefined)
    await wakeWith(directory(), directoryOfFirst)
    await directory().people('', undefined)
    expect(await shapeOf(directory())).toEqual(await shapeOf(fresh))
    expect(await indexesOf(directory())).toEqual(await indexesOf(fresh))
    expect(await versionOf(directory())).toBe(await versionOf(fresh))
  })

  test('that a later release wrote still opens when that is rolled back', async () => {
    await wakeWith(directory(), directoryOfFirst)
    await directory().people('', undefined)
    await runInDurableObject(directory(), (_, { storage: { sql } }) => {
      sql.exec('UPDATE schema_version SET version = 99')
      sql.exec('ALTER TABLE receipts ADD COLUMN signed_by TEXT')
    })
    await evictDurableObject(directory())
    expect((await directory().receipts(undefined)).receipts).toHaveLength(2)
    expect(await versionOf(directory())).toBe(99)
  })
})

test('indexes that a later release needs are made by its migration', async () => {
  const fresh = env.DIRECTORY.getByName('directory of version 5')
  await fresh.people('', undefined)
  const dropped = ['campaign_people_failing', 'provisioned_users_by_age', 'security_events_by_client']
  await runInDurableObject(fresh, (_, { storage: { sql } }) => {
    for (const name of dropped) sql.exec(`DROP INDEX ${name}`)
    sql.exec('UPDATE schema_version SET version = 5')
  })
  await runInDurableObject(fresh, (_, { storage }) => migrate(storage, DIRECTORY_MIGRATIONS))
  const names = await runInDurableObject(fresh, (_, { storage: { sql } }) =>
    sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'index'").toArray(),
  )
  expect(names.map(({ name }) => name)).toEqual(expect.arrayContaining(dropped))
  expect(await versionOf(fresh)).toBe(DIRECTORY_MIGRATIONS.at(-1)?.version)
})

describe('a person’s object of the first release', () => {
  test('keeps them signed in: the grant lives, is renewed, and ends when it is revoked', async () => {
    await wakeWith(session(), sessionOfFirst)
    expect(await session().admit(caller(GRANT))).toMatchObject({ admitted: true })
    expect(await session().refresh(presented(GRANT, 1))).toMatchObject({ granted: true })
    expect(await isLive(session(), GRANT)).toBe(true)
    await session().revokeGrant(GRANT.grantId, 'client_revoked')
    expect(await isLive(session(), GRANT)).toBe(false)
  })

  test('keeps their sessions and what was not delivered yet', async () => {
    await wakeWith(session(), sessionOfFirst)
    expect(await isLive(session(), GRANT)).toBe(true)
    const kept = await runInDurableObject(session(), (_, { storage: { sql } }) => [
      sql.exec('SELECT id, downstream_id FROM mcp_sessions').one(),
      sql.exec('SELECT stream, up_id, data FROM events').one(),
    ])
    expect(kept).toEqual([
      { id: 'session-of-version-1', downstream_id: 'theirs' },
      { stream: 'streamofv1', up_id: '5', data: '{"jsonrpc":"2.0","id":1,"result":{}}' },
    ])
  })
})
