// The sealing keys of a deployment: one is in use, the others stay, and of two administrators at once the second is refused.
import { createExecutionContext, env, runInDurableObject } from 'cloudflare:test'
import { describe, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import { sealed } from '../../src/oauth/tokens/browser-state.ts'
import { services } from '../../src/services.ts'
import type { AdminAction } from '../../src/session/contract/receipt.ts'
import { makeSealingKey } from '../world/sealing-key.ts'
import { at, eachBeginsAt } from './clock.ts'

const NOW = 1_800_000_000
eachBeginsAt(() => NOW)

const KEY = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' } as const
const made = (replaces: string | null) => ({ key: KEY, wrapped: { passphrase: 'wrapped', recovery: 'wrapped too' }, replaces })
let orders = 0
const order = (id: string, by = 'carol'): AdminAction => ({
  id: `order ${(orders += 1)}`,
  at: NOW,
  by,
  byName: `${by}@example.com`,
  why: 'first set-up',
  action: 'create',
  target: { what: 'sealing_key', id },
})
let names = 0
const freshDirectory = () => env.DIRECTORY.getByName(`sealing ${names++}`)

describe('a sealing key', () => {
  test('is kept with who made it, a receipt and an event', async () => {
    const directory = freshDirectory()
    expect(await directory.sealingKeys()).toEqual([])
    const receipt = await directory.keepSealingKey(made(null), order('first'))
    expect(receipt).toMatchObject({ action: 'create', target: { what: 'sealing_key', id: 'first' }, state: 'done' })
    expect(await directory.sealingKeys()).toEqual([
      {
        fingerprint: 'first',
        key: KEY,
        wrapped: { passphrase: 'wrapped', recovery: 'wrapped too' },
        createdAt: NOW,
        by: 'carol',
        byName: 'carol@example.com',
      },
    ])
    expect((await directory.receipts(undefined)).receipts).toMatchObject([{ id: receipt?.id }])
    expect(await directory.securityEvents({})).toMatchObject([
      { type: 'sealing_key_created', actor: 'carol', reason: 'first set-up' },
    ])
  })

  test('of the second of two administrators who make the first one at once is refused, and leaves nothing', async () => {
    const directory = freshDirectory()
    const [first, second] = await Promise.all([
      directory.keepSealingKey(made(null), order('of carol')),
      directory.keepSealingKey(made(null), order('of dave', 'dave')),
    ])
    expect([first?.by, second]).toEqual(['carol', undefined])
    expect((await directory.sealingKeys()).map(({ fingerprint }) => fingerprint)).toEqual(['of carol'])
    expect((await directory.receipts(undefined)).receipts).toHaveLength(1)
    expect(await directory.securityEvents({})).toHaveLength(1)
  })

  test('that is replaced stays, and only the one that was looked at is replaced', async () => {
    const directory = freshDirectory()
    await directory.keepSealingKey(made(null), order('first'))
    expect(await directory.keepSealingKey(made('another'), order('second'))).toBeUndefined()
    expect(await directory.keepSealingKey(made('first'), order('second'))).toBeDefined()
    expect(await directory.keepSealingKey(made('second'), order('first'))).toBeUndefined()
    const keys = await directory.sealingKeys()
    expect(keys.map(({ fingerprint, replacedAt }) => [fingerprint, replacedAt])).toEqual([
      ['second', undefined],
      ['first', NOW],
    ])
    expect((await directory.securityEvents({})).map(({ type }) => type)).toEqual(['sealing_key_replaced', 'sealing_key_created'])
  })
})

describe('who makes a sealing key has signed in a moment ago', () => {
  test('a session older than half an hour, which may be stolen, puts none in place, and the page sends them to sign in', async () => {
    const { page, put } = await portal()
    at(NOW + 599)
    expect(await page()).toContain('id="key-maker"')
    at(NOW + 600)
    const asked = await page()
    expect(asked).toContain('href="/admin/sealing-key/sign-in"')
    expect(asked).not.toContain('id="key-maker"')
    at(NOW + 1_800)
    const late = await put(null)
    expect([late.status, await late.json()]).toMatchObject([403, { error: 'sign_in_again' }])
    // Whoever began has had time to print the kit.
    at(NOW + 1_799)
    expect((await put(null)).status).toBe(201)
  })

  test('signing in again leads back to the page, also where somebody is signed in', async () => {
    const { ask } = await portal()
    const away = await ask('/admin/sealing-key/sign-in')
    expect([away.status, new URL(away.headers.get('location') ?? '').origin]).toEqual([303, 'https://idp.example'])
  })

  test('one that takes the place of another is on the first page of every administrator, for a week', async () => {
    const { ask, put } = await portal()
    const overview = async (): Promise<string> => await (await ask('/admin')).text()
    const first = await put(null)
    expect(await overview()).not.toContain('id="key-replaced"')
    expect((await put((await first.json<{ target: { id: string } }>()).target.id)).status).toBe(201)
    expect(await overview()).toMatch(/id="key-replaced"[\s\S]*carol@example.com/)
    at(NOW + 7 * 86_400)
    expect(await overview()).not.toContain('id="key-replaced"')
  })
})

test('attack 130: a key that was put under the fingerprint of another in storage is given to nobody, and nothing is sealed to it', async () => {
  const { ask, post, put, sub, directory } = await portal()
  const receipt = await (await put(null)).json<{ target: { id: string } }>()
  const fingerprint = receipt.target.id
  const record = async () =>
    await post(`/admin/api/recordings/${sub}`, { bodies: true, minutes: 5, fingerprint, reason: 'a bug' })
  expect((await record()).status).toBe(201)
  const { key } = await makeSealingKey()
  await runInDurableObject(directory, (_, { storage }) => {
    storage.sql.exec('UPDATE sealing_keys SET jwk = ?', JSON.stringify(key))
  })
  for (const answer of [await record(), await ask('/admin/api/sealing-key')])
    expect([answer.status, await answer.json()]).toMatchObject([
      409,
      { error: 'sealing_key_changed', error_description: expect.stringContaining(`under the fingerprint ${fingerprint}`) },
    ])
  // The cure is at hand.
  expect((await put(fingerprint)).status).toBe(201)
  expect((await ask('/admin/api/sealing-key')).status).toBe(200)
})

/** Carol’s browser at a deployment of its own. */
async function portal() {
  const base = await services(env)
  const directory = freshDirectory()
  const named = { emails: [{ name: 'carol@example.com', issuers: ['https://idp.example'] }], groups: [] }
  const settings = { ...base.settings, administrators: { ...base.settings.administrators, named } }
  const floor = app({ ...base, settings, directory: () => directory })
  const identity = { issuer: 'https://idp.example', subject: 'carol', email: 'carol@example.com', groups: [] }
  const visitor = { sub: 'c'.repeat(43), csrf: 'a token', session: `session ${names}`, signedInAt: NOW }
  await base.session(visitor.sub).visit(identity, { id: visitor.session, until: NOW + 30 * 86_400 })
  const cookie = `mcp_pages=${await sealed(base.keys, 'pages+jwe', visitor, NOW, 30 * 86_400)}`
  const ask = async (path: string, init: { method?: string; headers?: Readonly<Record<string, string>>; body?: string } = {}) =>
    await floor.request(settings.baseUrl + path, { ...init, headers: { cookie, ...init.headers } }, env, createExecutionContext())
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json', 'x-csrf-token': 'a token', 'sec-fetch-site': 'same-origin' }
    return await ask(path, { method: 'POST', headers, body: JSON.stringify(body) })
  }
  return {
    ask,
    post,
    directory,
    sub: visitor.sub,
    page: async () => await (await ask('/admin/sealing-key')).text(),
    put: async (replaces: string | null) => {
      const { key, wrapped } = await makeSealingKey()
      return await post('/admin/api/sealing-key', { key, wrapped, replaces, reason: 'a test' })
    },
  }
}
