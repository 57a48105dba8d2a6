// The Directory keeps clients that people use, forgets the others, and stays small and awake whatever anonymous callers do.
import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, test } from 'vitest'
import { type ClientRecord, UNSAID } from '../../src/clients/client-record.ts'
import { NEVER_USED_LIFETIME, NEVER_USED_LIMIT, USED_LIFETIME } from '../../src/directory/clients.ts'
import { at, eachBeginsAt } from './clock.ts'
import { letInBy } from './let-in.ts'

const NOW = 1_800_000_000
const DAY = 86_400

eachBeginsAt(() => NOW)

function client(id: string, registeredAt = NOW): ClientRecord {
  return {
    id,
    name: 'Cursor "üñí" \u202e',
    redirectUris: ['cursor://anysphere.cursor-mcp/oauth/callback', 'http://localhost:8787/callback'],
    authMethod: 'none',
    grantTypes: ['authorization_code', 'refresh_token'],
    uri: 'https://cursor.com',
    applicationType: 'web',
    softwareId: 'cursor',
    softwareVersion: '1.0',
    registeredAt,
  }
}

let names = 0
const freshDirectory = () => env.DIRECTORY.getByName(`test ${names++}`)

type DirectoryStub = ReturnType<typeof freshDirectory>

async function rowsOf(directory: DirectoryStub): Promise<number> {
  return runInDurableObject(
    directory,
    (_, { storage }) => storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM clients').one().n,
  )
}

/** A /64 of a /56 of a /48. */
const network = (...parts: readonly number[]): string => parts.map((part) => part.toString(16).padStart(16, '0')).join(' ')

const register = (directory: DirectoryStub, count: number, source: (n: number) => string, when = NOW) =>
  Promise.all(
    Array.from({ length: count }, (_, n) => directory.register(client(`pub_${when}_${source(n)}_${n}`, when), source(n))),
  )

describe('a registered client', () => {
  test('comes back as it was registered', async () => {
    const directory = freshDirectory()
    expect(await directory.register(client('pub_a'), 'here')).toEqual({ registered: true })
    expect(await directory.client('pub_a')).toEqual(client('pub_a'))
  })

  test('comes back with only what it has', async () => {
    const directory = freshDirectory()
    const bare = {
      ...client('pub_a'),
      name: undefined,
      ...UNSAID,
    }
    await directory.register(bare, 'here')
    expect(await directory.client('pub_a')).toEqual(bare)
  })

  test('is unknown under any other id', async () => {
    const directory = freshDirectory()
    await directory.register(client('pub_a'), 'here')
    expect(await directory.client('pub_b')).toBeUndefined()
    expect(await directory.client("' OR 1=1 --")).toBeUndefined()
  })

  test('survives a restart of the object', async () => {
    const directory = freshDirectory()
    await directory.register(client('pub_a'), 'here')
    await evictDurableObject(directory)
    expect(await directory.client('pub_a')).toEqual(client('pub_a'))
  })

  test('that nobody used is gone after a day', async () => {
    const directory = freshDirectory()
    await directory.register(client('pub_a'), 'here')
    at(NOW + NEVER_USED_LIFETIME - 1)
    expect(await directory.client('pub_a')).toBeDefined()
    at(NOW + NEVER_USED_LIFETIME)
    expect(await directory.client('pub_a')).toBeUndefined()
  })

  test('that was used is gone 400 days after its last use', async () => {
    const directory = freshDirectory()
    await directory.register(client('pub_a'), 'here')
    await letInBy(directory, 'pub_a')
    at(NOW + 300 * DAY)
    await letInBy(directory, 'pub_a')
    at(NOW + 300 * DAY + USED_LIFETIME - 1)
    expect(await directory.client('pub_a')).toBeDefined()
    at(NOW + 300 * DAY + USED_LIFETIME)
    expect(await directory.client('pub_a')).toBeUndefined()
  })

  test('leaves no trace of where it came from once it is used', async () => {
    const directory = freshDirectory()
    await directory.register(client('pub_a'), 'a hashed address')
    await letInBy(directory, 'pub_a')
    const source = await runInDurableObject(
      directory,
      (_, { storage }) => storage.sql.exec('SELECT source FROM clients').one()['source'],
    )
    expect(source).toBe('')
  })

  test('that is unknown can be marked as used without harm', async () => {
    const directory = freshDirectory()
    await letInBy(directory, 'pub_nobody')
    expect(await rowsOf(directory)).toBe(0)
  })
})

describe('the daily job', () => {
  test('deletes who expired, keeps who is used, and ends when nobody is left', async () => {
    const directory = freshDirectory()
    await directory.register(client('pub_used'), 'here')
    await directory.register(client('pub_idle'), 'here')
    await letInBy(directory, 'pub_used')
    at(NOW + DAY)
    expect(await runDurableObjectAlarm(directory)).toBe(true)
    expect(await rowsOf(directory)).toBe(1)
    expect(await directory.client('pub_used')).toBeDefined()

    at(NOW + USED_LIFETIME + DAY)
    expect(await runDurableObjectAlarm(directory)).toBe(true)
    expect(await rowsOf(directory)).toBe(0)
    expect(await runDurableObjectAlarm(directory)).toBe(false)
  })

  test('begins anew with the next registration, also after a restart', async () => {
    const directory = freshDirectory()
    await directory.register(client('pub_a'), 'here')
    at(NOW + DAY)
    await runDurableObjectAlarm(directory)
    await evictDurableObject(directory)
    await directory.register(client('pub_b', NOW + DAY), 'here')
    at(NOW + 2 * DAY)
    expect(await runDurableObjectAlarm(directory)).toBe(true)
    expect(await rowsOf(directory)).toBe(0)
  })
})

describe('attack 18: registration flood', () => {
  test('one address registers 60 clients a minute, and is told how long to wait', async () => {
    const directory = freshDirectory()
    await register(directory, 30, () => 'flood', NOW - 20)
    const outcomes = await register(directory, 100, () => 'flood')
    expect(outcomes.filter(({ registered }) => registered)).toHaveLength(30)
    expect(outcomes.at(-1)).toEqual({ registered: false, retryAfter: 40 })
    expect(await rowsOf(directory)).toBe(60)
  })

  test('another address registers meanwhile, and the first again after the minute', async () => {
    const directory = freshDirectory()
    await register(directory, 100, () => 'flood')
    expect(await directory.register(client('pub_other'), 'elsewhere')).toEqual({ registered: true })
    expect(await directory.register(client('pub_later', NOW + 60), 'flood')).toEqual({ registered: true })
  })

  test('a thousand addresses together register 600 clients a minute', async () => {
    const directory = freshDirectory()
    const outcomes = await register(directory, 1000, (n) => `bot ${n}`)
    expect(outcomes.filter(({ registered }) => registered)).toHaveLength(600)
    expect(await directory.register(client('pub_late'), 'elsewhere')).toEqual({ registered: false, retryAfter: 60 })
  })

  test('the last quarter of the minute is for networks that have not come in it', async () => {
    const directory = freshDirectory()
    // Four subscribers, each with every /56 of a /48.
    const flood = await register(directory, 500, (n) => network(n % 4, 100 + n, n))
    expect(flood.filter(({ registered }) => registered)).toHaveLength(450)
    expect(await directory.register(client('pub_more'), network(1, 1, 1))).toEqual({
      registered: false,
      retryAfter: 60,
    })
    expect(await directory.register(client('pub_new'), network(9, 1, 1))).toEqual({ registered: true })
  })

  test('letting the object restart does not refill the minute', async () => {
    const directory = freshDirectory()
    await register(directory, 60, () => 'flood')
    await evictDurableObject(directory)
    expect(await directory.register(client('pub_again'), 'flood')).toEqual({ registered: false, retryAfter: 60 })
  })

  test('storage is bounded: the oldest unused clients make room, one in use never does', async () => {
    const directory = freshDirectory()
    await directory.register(client('pub_used', NOW - 100), 'here')
    await letInBy(directory, 'pub_used')
    await runInDurableObject(directory, (_, { storage }) =>
      storage.sql.exec(
        `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
         INSERT INTO clients SELECT 'pub_' || i, NULL, 'https://a.example/', 'none', 'authorization_code', NULL, NULL, NULL, NULL, 'bot', ?, NULL FROM n`,
        NEVER_USED_LIMIT - 1,
        NOW - 90,
      ),
    )
    // Only a start counts what is there.
    await evictDurableObject(directory)
    expect(await rowsOf(directory)).toBe(NEVER_USED_LIMIT + 1)

    await register(directory, 5, () => 'newer')
    expect(await rowsOf(directory)).toBe(NEVER_USED_LIMIT + 1)
    expect(await directory.client('pub_used')).toBeDefined()
    expect(await directory.client('pub_4')).toBeUndefined()
    expect(await directory.client('pub_5')).toBeDefined()
    expect(await directory.client(`pub_${NOW}_newer_4`)).toBeDefined()
  })
})
