// What the Directory keeps of clients that have a document or keys: as much as of any other, and no longer.
import { env, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { expect, test } from 'vitest'
import { type ClientRecord, UNSAID } from '../../src/clients/client-record.ts'
import { NEVER_USED_LIFETIME, NEVER_USED_LIMIT } from '../../src/directory/clients.ts'
import { at, eachBeginsAt } from './clock.ts'
import { letInBy } from './let-in.ts'

const NOW = 1_800_000_000
eachBeginsAt(() => NOW)

let names = 0
const freshDirectory = () => env.DIRECTORY.getByName(`documents ${(names += 1)}`)

function described(id: string, changes: Partial<ClientRecord> = {}): ClientRecord {
  return {
    id,
    knownBy: 'document',
    name: 'Widget',
    redirectUris: ['https://documents.dev/cb'],
    authMethod: 'private_key_jwt',
    grantTypes: ['authorization_code', 'refresh_token'],
    ...UNSAID,
    keys: { jwksUri: 'https://documents.dev/jwks' },
    freshUntil: NOW + 600,
    registeredAt: NOW,
    ...changes,
  }
}

function countsOf(directory: ReturnType<typeof freshDirectory>): Promise<readonly number[]> {
  return runInDurableObject(directory, (_, { storage: { sql } }) =>
    ['clients', 'client_details'].map((table) => sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one().n),
  )
}

test('a document comes back as it was kept, and as it is kept later', async () => {
  const directory = freshDirectory()
  await directory.keepDocument(described('https://documents.dev/a'), 'here')
  expect(await directory.client('https://documents.dev/a')).toEqual(described('https://documents.dev/a'))
  const later = {
    name: 'Gadget',
    redirectUris: ['https://documents.dev/b'],
    keys: { jwks: '{"keys":[]}' },
    freshUntil: NOW + 900,
  }
  expect(await directory.keepDocument(described('https://documents.dev/a', later), 'here')).toEqual({ registered: true })
  expect(await directory.client('https://documents.dev/a')).toMatchObject(later)
  expect(await countsOf(directory)).toEqual([1, 1])
})

test('a document nobody has used is gone after a day, with its keys; a used one stays', async () => {
  const directory = freshDirectory()
  await directory.keepDocument(described('https://documents.dev/used'), 'here')
  await directory.keepDocument(described('https://documents.dev/unused'), 'here')
  await letInBy(directory, 'https://documents.dev/used')
  at(NOW + NEVER_USED_LIFETIME)
  expect(await directory.client('https://documents.dev/unused')).toBeUndefined()
  expect(await runDurableObjectAlarm(directory)).toBe(true)
  expect(await countsOf(directory)).toEqual([1, 1])
})

test('one that was forgotten and comes again is a new one, and counts as such', async () => {
  const directory = freshDirectory()
  await directory.keepDocument(described('https://documents.dev/a'), 'here')
  const tomorrow = NOW + NEVER_USED_LIFETIME
  at(tomorrow)
  await directory.keepDocument(described('https://documents.dev/a', { registeredAt: tomorrow }), 'here')
  expect(await directory.client('https://documents.dev/a')).toMatchObject({ registeredAt: tomorrow })
  expect(await countsOf(directory)).toEqual([1, 1])
})

test('attack 18: a flood of documents pushes out itself, keys and all, and nobody’s client', async () => {
  const directory = freshDirectory()
  await directory.keepDocument(described('https://documents.dev/used'), 'friend')
  await letInBy(directory, 'https://documents.dev/used')
  // Six hundred a minute from all addresses together: what comes faster is not kept at all.
  for (let minute = 1; minute <= 18; minute += 1) {
    const registeredAt = NOW + minute * 60
    at(registeredAt)
    const flood = Array.from({ length: 650 }, (_, n) => described(`https://flood.dev/${minute}/${n}`, { registeredAt }))
    await runInDurableObject(directory, async (object) => {
      for (const [n, client] of flood.entries()) await object.keepDocument(client, `source ${n}`)
    })
  }
  expect(await countsOf(directory)).toEqual([NEVER_USED_LIMIT + 1, NEVER_USED_LIMIT + 1])
  expect(await directory.client('https://documents.dev/used')).toBeDefined()
})
