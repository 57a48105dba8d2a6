// How many clients there can be, what makes one last, and that none of them hides from an administrator.
import { env, evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { expect, test } from 'vitest'
import { NEVER_USED_LIFETIME, USED_LIMIT } from '../../src/directory/clients.ts'
import { consequencesOf } from '../../src/routes/admin/consequences.ts'
import { services } from '../../src/services.ts'
import { letInBy } from './let-in.ts'
import { at, NOW } from './person.ts'
import { UNSAID } from '../../src/clients/client-record.ts'
import { summary } from './crowd.ts'

let names = 0
const freshDirectory = () => env.DIRECTORY.getByName(`bounds ${(names += 1)}`)
type Directory = ReturnType<typeof freshDirectory>

const record = { redirectUris: ['http://127.0.0.1:1/'], authMethod: 'none', grantTypes: ['authorization_code'] } as const
const register = async (directory: Directory, id: string, name?: string, source = id): Promise<void> => {
  const outcome = await directory.register(
    { ...record, ...UNSAID, id, name, registeredAt: Math.floor(Date.now() / 1000) },
    source,
  )
  if (!outcome.registered) throw new Error('too many')
}
const rows = async (directory: Directory): Promise<number> =>
  await runInDurableObject(
    directory,
    (_, { storage }) => storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM clients').one().n,
  )

test('a client with which people were only refused is gone after a day', async () => {
  at(NOW)
  const directory = freshDirectory()
  await register(directory, 'pub_refused')
  const person = summary('refused', [])
  const event = { type: 'sign_in_refused', at: NOW, number: 1, clientId: 'pub_refused', reason: 'not_allowed' } as const
  await directory.record({ person, events: [event], receipts: [] })
  at(NOW + NEVER_USED_LIFETIME)
  expect(await directory.client('pub_refused')).toBeUndefined()
})

test(
  'beyond so many used clients the one longest ago makes room, and none that somebody is connected with',
  { timeout: 60_000 },
  async () => {
    at(NOW)
    const directory = freshDirectory()
    await register(directory, 'pub_new')
    await runInDurableObject(directory, (_, { storage: { sql } }) => {
      sql.exec(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${USED_LIMIT})
       INSERT INTO clients SELECT 'used ' || i, NULL, 'http://127.0.0.1:1/', 'none', 'authorization_code', NULL, NULL, NULL, NULL, '', 1, ${NOW} - ${USED_LIMIT} + i - 10 FROM n`,
      )
      sql.exec("INSERT INTO person_clients VALUES ('used 1', 'somebody')")
    })
    // What there is, is counted when the object starts.
    await evictDurableObject(directory)
    await letInBy(directory, 'pub_new')
    const there = async (client: string) => (await directory.listedClient(client)) !== undefined
    expect([await there('used 1'), await there('used 2'), await there('used 3'), await there('pub_new')]).toEqual([
      true,
      false,
      true,
      true,
    ])
    expect(await rows(directory)).toBe(USED_LIMIT)
  },
)

test('a client is found to be blocked behind fifty-one that are called like its id', async () => {
  at(NOW)
  const directory = freshDirectory()
  await register(directory, 'pub_z', 'Nice')
  for (let n = 0; n < 51; n += 1) await register(directory, `pub_a${n}`, 'pub_z')
  const base = await services(env)
  const question = await consequencesOf(
    { ...base, directory: () => directory },
    { action: 'block', target: { what: 'client', id: 'pub_z' } },
  )
  expect(question?.question).toBe('Block Nice?')
  const none = { action: 'block', target: { what: 'client', id: 'pub_nobody' } } as const
  expect(await consequencesOf({ ...base, directory: () => directory }, none)).toBeUndefined()
})
