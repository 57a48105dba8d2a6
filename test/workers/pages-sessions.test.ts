// Sessions of the pages: what a cookie is worth is decided where its session is kept, and as who the person is by now.
import { createExecutionContext, env, runInDurableObject } from 'cloudflare:test'
import { Hono } from 'hono/tiny'
import { describe, expect, test, vi } from 'vitest'
import { app } from '../../src/app.ts'
import type { Identity } from '../../src/caller.ts'
import { beginPagesSession } from '../../src/routes/pages-session.ts'
import { services } from '../../src/services.ts'

const BASE_URL = 'http://localhost:8788'
const SAME_SITE = { origin: BASE_URL, 'sec-fetch-site': 'same-origin' }
const now = (): number => Math.floor(Date.now() / 1000)

let people = 0

/** Somebody with a person's object of their own, in a deployment where the group `admins` administers. */
async function somebody(groups: readonly string[] = []) {
  const base = await services(env)
  const directory = env.DIRECTORY.getByName(`pages ${people}`)
  const named = { emails: [], groups: [{ name: 'admins', issuers: ['https://idp.example'] }] }
  const settings = { ...base.settings, administrators: { ...base.settings.administrators, named } }
  const mine = { ...base, settings, directory: () => directory }
  const floor = app(mine)
  const sub = `${(people += 1)}`.padStart(43, 'p')
  const identity: Identity = { issuer: 'https://idp.example', subject: sub, name: 'Dana', groups }
  const door = new Hono().get('/', async (c) => {
    await beginPagesSession(c, mine, sub, identity)
    return c.body(null)
  })

  async function signIn(): Promise<string> {
    const answer = await door.request(`${BASE_URL}/`)
    return (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  }
  const get = async (path: string, cookie: string, headers: object = {}): Promise<Response> =>
    await floor.request(BASE_URL + path, { headers: { cookie, ...headers } }, env, createExecutionContext())
  async function post(path: string, cookie: string, fields: Record<string, string> = {}): Promise<Response> {
    const csrf = /name="csrf" value="([^"]+)"/.exec(await (await get('/account', cookie)).text())?.[1] ?? ''
    const body = new URLSearchParams({ csrf, ...fields }).toString()
    const headers = { cookie, ...SAME_SITE, 'content-type': 'application/x-www-form-urlencoded' }
    return await floor.request(BASE_URL + path, { method: 'POST', headers, body }, env, createExecutionContext())
  }
  /** 200, or what it is when the person has to sign in: sent there, which nobody answers here. */
  const opens = async (cookie: string, path = '/account'): Promise<boolean> => (await get(path, cookie)).status === 200
  async function listen(cookie: string) {
    const { webSocket } = await get('/admin/live', cookie, { upgrade: 'websocket', origin: BASE_URL })
    if (!webSocket) throw new Error('nobody may listen')
    const feed = { closed: undefined as number | undefined }
    webSocket.addEventListener('close', ({ code }) => void (feed.closed = code))
    webSocket.accept()
    return feed
  }
  return { sub, identity, directory, session: mine.session(sub), signIn, get, post, opens, listen }
}

type Somebody = Awaited<ReturnType<typeof somebody>>

/** What the identity provider says the next time: a client of theirs signs in, and their groups are others. */
async function groupsBecome({ session, identity }: Somebody, groups: readonly string[]): Promise<void> {
  await session.signIn({
    identity: { ...identity, groups },
    tokens: { accessToken: 'idp access', idToken: 'said who it is' },
    grant: { clientId: 'client-a', clientName: 'Client', resource: `${BASE_URL}/mcp`, scopes: ['mcp'] },
    redirectUri: 'http://127.0.0.1:33418/callback',
    codeChallenge: 'a challenge',
  })
}

async function ordered({ session, identity }: Somebody, action: 'revoke' | 'block' | 'unblock'): Promise<void> {
  const order = { id: `${action} ${people}`, at: now(), by: 'a'.repeat(43), why: 'a test', action, target: { what: 'person' } }
  await session.carryOut({ ...order, target: { what: 'person' } }, identity)
}

describe('a copied cookie', () => {
  test('is worth nothing after its owner has signed out, and another browser of hers stays signed in', async () => {
    const dana = await somebody()
    const [copied, other] = [await dana.signIn(), await dana.signIn()]
    expect([await dana.opens(copied), await dana.opens(other)]).toEqual([true, true])
    expect((await dana.post('/account/sign-out', copied)).status).toBe(303)
    expect([await dana.opens(copied), await dana.opens(other)]).toEqual([false, true])
  })

  test('is worth nothing after its owner has disconnected everything in another browser, which stays signed in', async () => {
    const dana = await somebody()
    const [thief, owner] = [await dana.signIn(), await dana.signIn()]
    expect(await (await dana.get('/account', owner)).text()).toContain('signed out of these pages in 1 other browser')
    expect((await dana.post('/account/disconnect', owner, { what: 'person' })).status).toBe(303)
    expect([await dana.opens(thief), await dana.opens(owner)]).toEqual([false, true])
  })

  test.for(['revoke', 'block'] as const)('is worth nothing after an administrator ordered: %s', async (action) => {
    const dana = await somebody()
    const cookie = await dana.signIn()
    await ordered(dana, action)
    expect(await dana.opens(cookie)).toBe(false)
    await ordered(dana, 'unblock')
    expect(await dana.opens(cookie)).toBe(false)
  })

  test('is worth nothing after its owner signed in in twenty more browsers', async () => {
    const dana = await somebody()
    const first = await dana.signIn()
    const later: string[] = []
    for (let n = 0; n < 20; n += 1) later.push(await dana.signIn())
    expect([await dana.opens(first), await dana.opens(later[0] ?? ''), await dana.opens(later[19] ?? '')]).toEqual([
      false,
      true,
      true,
    ])
    const kept = await runInDurableObject(dana.session, (_, { storage }) =>
      storage.sql.exec('SELECT * FROM pages_sessions').toArray(),
    )
    expect(kept).toHaveLength(20)
  })

  test('that was made while its person was blocked is worth nothing when they are let in again', async () => {
    const dana = await somebody()
    await dana.signIn()
    await ordered(dana, 'block')
    const cookie = await dana.signIn()
    expect((await dana.get('/account', cookie)).status).toBe(403)
    await ordered(dana, 'unblock')
    expect(await dana.opens(cookie)).toBe(false)
  })
})

describe('who is administrator', () => {
  test('is decided by the groups the identity provider named last, not by those of the sign-in to the pages', async () => {
    const dana = await somebody(['admins'])
    const cookie = await dana.signIn()
    expect((await dana.get('/admin/connect', cookie)).status).toBe(200)
    await groupsBecome(dana, ['sales'])
    expect([(await dana.get('/admin/connect', cookie)).status, await dana.opens(cookie)]).toEqual([403, true])
    expect((await dana.get('/admin/api/overview', cookie)).status).toBe(403)
    await groupsBecome(dana, ['admins'])
    expect((await dana.get('/admin/connect', cookie)).status).toBe(200)
  })

  test('has a cookie of the same size in no group and in a thousand', async () => {
    const many = Array.from({ length: 1_000 }, () => crypto.randomUUID())
    const [none, thousand] = [await somebody(), await somebody([...many, 'admins'])]
    const cookie = await thousand.signIn()
    expect(cookie.length).toBeLessThan(600)
    expect(cookie.length).toBe((await none.signIn()).length)
    expect((await thousand.get('/admin/connect', cookie)).status).toBe(200)
  })
})

describe('the live feed', () => {
  test('ends with the sign-out of its own browser', async () => {
    const dana = await somebody(['admins'])
    const cookie = await dana.signIn()
    const feed = await dana.listen(cookie)
    await dana.post('/account/sign-out', cookie)
    await vi.waitFor(() => expect(feed.closed).toBe(1008), 10_000)
    expect((await dana.get('/admin/live', cookie, { upgrade: 'websocket', origin: BASE_URL })).status).toBe(403)
  })

  test('ends when its session makes room for the sign-in in the twenty-first browser', async () => {
    const dana = await somebody(['admins'])
    const first = await dana.signIn()
    const feed = await dana.listen(first)
    for (let n = 0; n < 19; n += 1) await dana.signIn()
    expect(feed.closed).toBeUndefined()
    await dana.signIn()
    await vi.waitFor(() => expect(feed.closed).toBe(1008), 10_000)
    expect((await dana.get('/admin/live', first, { upgrade: 'websocket', origin: BASE_URL })).status).toBe(403)
  })

  test('ends when the person leaves the group of the administrators', async () => {
    const dana = await somebody(['admins'])
    const feed = await dana.listen(await dana.signIn())
    // As her object reports it, a moment after it has heard.
    const report = { sub: dana.sub, blocked: false, liveGrants: 0, clientIds: [], resources: [], links: [], lastSeenAt: now() }
    const told = async (groups: readonly string[], number: number): Promise<void> =>
      await dana.directory.record({
        person: { ...report, identity: { ...dana.identity, groups }, number },
        events: [],
        receipts: [],
      })
    await told(['admins'], 1)
    expect(feed.closed).toBeUndefined()
    await told(['sales'], 2)
    await vi.waitFor(() => expect(feed.closed).toBe(1008), 10_000)
  })

  test('is told by the person’s object that the groups are others', async () => {
    const dana = await somebody(['admins'])
    await dana.signIn()
    await groupsBecome(dana, ['sales'])
    // The object reports to the Directory of the deployment.
    const known = async () => (await env.DIRECTORY.getByName('directory').person(dana.sub))?.groups
    await expect.poll(known).toEqual(['sales'])
  })
})

describe('what an administrator did is noted under what nobody can choose to be called', () => {
  test.for(['carol@example.com', 'person'])('although they are called %s', async (name) => {
    const victim = await somebody()
    const cookie = await victim.signIn()
    const administrator = 'a'.repeat(43)
    const order = { id: `poser ${people}`, at: now(), by: administrator, byName: name, why: 'a test', action: 'revoke' } as const
    const receipt = await victim.session.carryOut({ ...order, target: { what: 'person' } }, victim.identity)
    expect(receipt).toMatchObject({ by: administrator, byName: name })
    const logged = async () =>
      await env.DIRECTORY.getByName('directory').securityEvents({ sub: victim.sub, type: 'person_ended' })
    await expect.poll(logged).toMatchObject([{ actor: administrator, actorName: name, reason: 'a test' }])
    // Nor is the victim taken for who did it: their cookies end.
    expect(await victim.opens(cookie)).toBe(false)
  })
})
