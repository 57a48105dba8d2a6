// Who a client is, asked by somebody who asks all the time.
import { expect, test } from 'vitest'
import { type ClientRecord, UNSAID } from '../../../../src/clients/client-record.ts'
import { STRANGERS_ONLY } from '../../../../src/clients/public-address.ts'
import { keyRing } from '../../../../src/issuer/keys.ts'
import { ClientFinder } from '../../../../src/oauth/client-auth/client-finder.ts'
import { newClientId } from '../../../../src/oauth/client-auth/clients.ts'

const keys = await keyRing({ secret: Uint8Array.from({ length: 32 }, (_, index) => index * 7) })

const REGISTERED: Omit<ClientRecord, 'id'> = {
  name: 'Cursor',
  redirectUris: ['http://127.0.0.1/cb'],
  authMethod: 'none',
  grantTypes: [],
  ...UNSAID,
  registeredAt: 1,
}

/** What every finder here is given. */
const ALWAYS = { keys, policy: STRANGERS_ONLY, redirectSchemes: [], entered: [], fetchesPerMinute: 10 }

test('a flood about one client is answered from memory, and asks the Directory no more than 120 times a minute', async () => {
  const [known, unknown] = [await newClientId(keys.current, 'none'), await newClientId(keys.current, 'none')]
  const record: ClientRecord = { ...REGISTERED, id: known }
  let asked = 0
  let now = 1_800_000_000
  const finder = new ClientFinder({
    ...ALWAYS,
    now: () => now,
    directory: () => ({
      client: async (id) => {
        asked += 1
        return id === known ? record : undefined
      },
      keepDocument: async () => ({ registered: true }),
    }),
  })
  const find = async (id: string): Promise<ClientRecord | undefined> => await finder.find(id, async () => 'a source')

  for (let n = 0; n < 500; n += 1) expect(await find(known)).toBe(record)
  expect(asked).toBe(120)
  for (let n = 0; n < 120; n += 1) expect(await find(unknown)).toBeUndefined()
  await expect(find(unknown)).rejects.toMatchObject({ code: 'too_many_requests', retryAfter: 60 })
  now += 60
  expect([await find(known), await find(unknown)]).toEqual([record, undefined])
})

test('addresses that are invented one after the other ask the Directory four times for each document a network may have fetched', async () => {
  let asked = 0
  const finder = new ClientFinder({
    ...ALWAYS,
    now: () => 1_800_000_000,
    directory: () => ({
      client: async (id) => {
        asked += 1
        return { ...REGISTERED, id, freshUntil: 1_900_000_000 }
      },
      keepDocument: async () => ({ registered: true }),
    }),
  })
  const find = async (n: number, from: string): Promise<unknown> =>
    await finder.find(`https://client-${n}.apps.dev/id`, async () => from).catch(({ code }: { code: string }) => code)
  const flood = await Promise.all(Array.from({ length: 200 }, async (_, n) => await find(n, 'one network')))
  expect(flood.filter((answer) => answer === 'too_many_requests')).toHaveLength(160)
  expect(asked).toBe(40)
  // What is known goes on, from there too, and so does everybody else.
  expect(await find(0, 'one network')).toMatchObject({ name: 'Cursor' })
  expect(await find(201, 'another network')).toMatchObject({ name: 'Cursor' })
})
