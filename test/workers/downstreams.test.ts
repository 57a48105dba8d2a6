// A server that is for some people only, and has limits of its own: one person's object, with that server and another one.
import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Caller, Identity } from '../../src/caller.ts'
import { ORDER_HEADER, refusalIn } from '../../src/mcp/dispatch/dispatch-header.ts'
import { consequencesOf } from '../../src/routes/admin/consequences.ts'
import { services } from '../../src/services.ts'
import { LEASH_HEADER } from '../../src/session/contract/leash-terms.ts'
import { eachBeginsAt } from './clock.ts'
import {
  at,
  caller,
  CHALLENGE,
  IDENTITY,
  nobody,
  NOW,
  presented,
  redeem,
  REDIRECT_URI,
  RESOURCE,
  rowsOf,
  type Session,
} from './person.ts'

const TICKETS = 'http://localhost:8788/servers/tickets/mcp'
const REPORTS = 'http://localhost:8788/servers/reports/mcp'
const OF_SUPPORT = ['engineering', 'support']
const DENIED = { admitted: false, reason: 'access_denied' }

eachBeginsAt(() => NOW)
afterEach(() => void vi.restoreAllMocks())

async function comesBack(session: Session, identity: Partial<Identity>, resource = TICKETS) {
  return await session.signIn({
    identity: { ...IDENTITY, ...identity },
    tokens: { accessToken: 'idp access' },
    grant: { clientId: 'client-a', clientName: 'Client', resource, scopes: ['mcp'] },
    redirectUri: REDIRECT_URI,
    codeChallenge: CHALLENGE,
  })
}

/** A grant for the server with the list, and what its tokens say. */
async function connected(session: Session, identity: Partial<Identity> = { groups: OF_SUPPORT }, resource = TICKETS) {
  const issued = await comesBack(session, identity, resource)
  if (typeof issued === 'string') throw new Error(`this person is ${issued}`)
  const grant = { jti: issued.jti, grantId: issued.grantId, clientId: 'client-a' }
  await redeem(session, grant)
  return { grant, asking: { ...caller(grant), resource } }
}

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' }
const CALL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'search' } }

/** A message as the router hands it over, said to be so many. */
async function posted(session: Session, asking: Caller, target: string, message: object, count = 1): Promise<Response> {
  const order = { caller: asking, client: 'streamable-http', kind: 'request', requestIds: ['1'] }
  const passing = { 'content-type': 'application/json' }
  const headers = { [ORDER_HEADER]: JSON.stringify({ ...order, count, target, requestId: 'r', label: '', headers: passing }) }
  return await session.fetch('https://session/mcp', { method: 'POST', headers, body: JSON.stringify(message) })
}

/** The router's end of a leash, and what the object says over it. */
async function leash(session: Session, grantId: string) {
  const stream = { streamId: crypto.randomUUID(), grantId, kind: 'request', label: 'tools/call', openedAt: NOW }
  const headers = { upgrade: 'websocket', [LEASH_HEADER]: JSON.stringify(stream) }
  const { status, webSocket } = await session.fetch('https://session/leash', { headers })
  const heard: string[] = []
  webSocket?.accept()
  webSocket?.addEventListener('message', ({ data }) => {
    heard.push(String(data))
    webSocket.close(1000)
  })
  return { status, heard, webSocket }
}

describe('a server with a list of people', () => {
  test.for<[string, Partial<Identity>]>([
    ['is in one of the groups', { groups: OF_SUPPORT }],
    ['has an e-mail address on the list', { email: 'carol@example.com', groups: [] }],
    ['has it in other letters', { email: 'CAROL@example.COM', groups: [] }],
  ])('is open to somebody who %s', async ([, identity]) => {
    const session = nobody()
    const { asking } = await connected(session, identity)
    expect(await session.admit(asking)).toMatchObject({ admitted: true })
  })

  test.for<[string, Partial<Identity>]>([
    ['is in none of the groups', {}],
    ['is in a group of the name in other letters', { groups: ['Support'] }],
    ['has no address, and no group', { email: undefined, groups: [] }],
    ['has an address that only ends like one on the list', { email: 'xcarol@example.com', groups: [] }],
  ])('is closed to somebody who %s, from the sign-in on', async ([, identity]) => {
    const session = nobody()
    expect(await comesBack(session, identity)).toBe('not_allowed')
    expect((await rowsOf(session))['grants']).toEqual([])
    expect(await comesBack(session, identity, RESOURCE)).toMatchObject({ jti: expect.any(String) })
  })

  test('a sign-in that was refused is told to administrators, and forgotten after a day', async () => {
    const session = nobody()
    await comesBack(session, {})
    const said = { event: expect.stringMatching(/"sign_in_refused".*"resource":"\S+tickets\/mcp","reason":"not_allowed"/) }
    expect((await rowsOf(session))['outbox']).toMatchObject([said])
    await runDurableObjectAlarm(session)
    at(NOW + 86_402)
    await runDurableObjectAlarm(session)
    expect((await rowsOf(session))['profile']).toEqual([])
  })

  test('what revoking somebody would do is said without a word to any router', async () => {
    const session = nobody()
    const { grant } = await connected(session)
    const open = await leash(session, grant.grantId)
    const base = { ...(await services(env)), session: () => session }
    const meant = { action: 'revoke', target: { what: 'person', sub: 'p'.repeat(43) } } as const
    const { effects = [] } = (await consequencesOf(base, meant)) ?? {}
    expect(effects[1]).toMatch(/^1 open stream is closed at once: tools\/call/)
    expect(open.heard).toEqual([])
    open.webSocket?.close(1000)
  })

  test('whoever has left the group is refused, and what is open ends; the grant and the other server stay', async () => {
    const session = nobody()
    const { grant, asking } = await connected(session)
    const elsewhere = await connected(session, { groups: OF_SUPPORT }, RESOURCE)
    const [open, other] = [await leash(session, grant.grantId), await leash(session, elsewhere.grant.grantId)]
    expect([open.status, other.status]).toEqual([101, 101])

    await connected(session, {}, RESOURCE)

    expect(open.heard).toEqual(['policy_changed'])
    expect(other.heard).toEqual([])
    expect(await session.admit(asking)).toEqual(DENIED)
    expect(
      await session.openGet({
        caller: asking,
        target: 'http://127.0.0.1:9/tickets',
        mcpSession: undefined,
        lastEventId: undefined,
      }),
    ).toMatchObject({ kind: 'refused', refused: DENIED })
    expect((await leash(session, grant.grantId)).status).toBe(410)
    expect(await session.admit(elsewhere.asking)).toMatchObject({ admitted: true })
    expect(await session.refresh(presented(grant, 1))).toMatchObject({ granted: true })
    other.webSocket?.close(1000)
  })

  test('whoever comes back into the group goes on without a new sign-in there', async () => {
    const session = nobody()
    const { asking } = await connected(session)
    await connected(session, {}, RESOURCE)
    expect(await session.admit(asking)).toEqual(DENIED)
    await connected(session, { groups: OF_SUPPORT }, RESOURCE)
    expect(await session.admit(asking)).toMatchObject({ admitted: true, identity: { groups: OF_SUPPORT } })
  })

  test('a refused sign-in says what is new about somebody who is connected', async () => {
    const session = nobody()
    const { asking } = await connected(session)
    expect(await comesBack(session, {})).toBe('not_allowed')
    expect(await session.admit(asking)).toEqual(DENIED)
  })

  test('an object that wakes with other rules ends what is open under the old ones', async () => {
    const session = nobody()
    const { grant, asking } = await connected(session)
    const open = await leash(session, grant.grantId)
    // A deployment with another list, seen from the person: they are in none of its groups.
    await runInDurableObject(session, (_, { storage }) => void storage.sql.exec("UPDATE profile SET groups = 'engineering'"))
    // What it counted is told before it sleeps, and it looks at the time for that.
    at(NOW + 10)
    await evictDurableObject(session)
    expect(await session.admit(asking)).toEqual(DENIED)
    await vi.waitFor(() => expect(open.heard).toEqual(['policy_changed']), 10_000)
  })

  test('a machine is let in where an administrator gave it the server', async () => {
    const session = nobody()
    const identity = { issuer: 'http://localhost:8788', subject: 'machine', name: 'report', groups: [] }
    const grants = [{ id: 'grant-of-machine', resource: TICKETS, scopes: ['mcp'] }]
    const asked = { identity, clientId: 'machine', clientName: 'report', grants, createdAt: NOW, endsAt: NOW + 86_400 }
    await session.enrol(asked, { actor: 'an administrator' })
    const asking = { ...caller({ jti: '', grantId: 'grant-of-machine', clientId: 'machine' }), resource: TICKETS }
    expect(await session.admit(asking)).toMatchObject({ admitted: true })
  })
})

describe('a server with limits of its own', () => {
  test('counts what one person sends it, and leaves the rest of their allowance alone', async () => {
    const session = nobody()
    const { asking } = await connected(session)
    const elsewhere = await connected(session, { groups: OF_SUPPORT }, RESOURCE)
    for (let left = 19; left >= 0; left -= 1)
      expect(await session.admit(asking)).toMatchObject({ admitted: true, rate: { limit: 20, remaining: left } })
    expect(await session.admit(asking)).toMatchObject({
      admitted: false,
      reason: 'limit_exceeded',
      retryAfter: 1,
      rate: { limit: 20, remaining: 0 },
    })
    // What was refused there was not taken from here.
    expect(await session.admit(elsewhere.asking)).toMatchObject({ admitted: true, rate: { limit: 600, remaining: 579 } })
    at(NOW + 1)
    expect(await session.admit(asking)).toMatchObject({ admitted: true, rate: { limit: 20, remaining: 0 } })
  })

  test('counts each message of a batch: one that is larger than the limit never passes, and takes nothing', async () => {
    const session = nobody()
    const { asking } = await connected(session)
    const batch = (size: number, target = 'http://127.0.0.1:9/tickets') => posted(session, asking, target, PING, size)
    expect(refusalIn(await batch(5_000))).toMatchObject({ code: 'limit_exceeded' })
    expect(refusalIn(await batch(15))).toBeUndefined()
    const refused = await batch(6)
    expect(refusalIn(refused)).toMatchObject({ code: 'limit_exceeded' })
    expect([refused.headers.get('retry-after'), refused.headers.get('ratelimit-remaining')]).toEqual(['1', '5'])
    expect(refusalIn(await batch(5))).toBeUndefined()
    expect(await session.admit(asking)).toMatchObject({ reason: 'limit_exceeded' })
  })

  test('counts what the broker asks it by itself, whatever is invented behind its address', async () => {
    const session = nobody()
    const { asking } = await connected(session, {}, REPORTS)
    const called = async (query: string) => {
      const answer = await posted(session, asking, `http://127.0.0.1:9/reports?x=${query}`, CALL)
      return refusalIn(answer)?.code
    }
    expect([await called('1'), await called('2'), await called('3')]).toEqual([
      'tool_not_allowed',
      'tool_not_allowed',
      'limit_exceeded',
    ])
    // Of the person's own allowance, too; and the router charges for what it asks.
    const elsewhere = await connected(session, {}, RESOURCE)
    expect(await session.charge(RESOURCE)).toBeUndefined()
    expect(await session.charge(REPORTS)).toMatchObject({ reason: 'limit_exceeded', retryAfter: 12 })
    expect(await session.admit(elsewhere.asking)).toMatchObject({ rate: { limit: 600, remaining: 593 } })
  })

  test('is not filled again by letting the object sleep', async () => {
    const session = nobody()
    const { asking } = await connected(session)
    for (let n = 0; n < 20; n += 1) await session.admit(asking)
    at(NOW + 5)
    await runDurableObjectAlarm(session)
    await evictDurableObject(session)
    for (let n = 0; n < 5; n += 1) expect(await session.admit(asking)).toMatchObject({ admitted: true })
    expect(await session.admit(asking)).toMatchObject({ reason: 'limit_exceeded' })
  })

  test('has so many streams of one person open, and not one more; those of another server do not count', async () => {
    const session = nobody()
    const { grant } = await connected(session)
    const again = await connected(session)
    const elsewhere = await connected(session, { groups: OF_SUPPORT }, RESOURCE)
    const [first, second] = [await leash(session, grant.grantId), await leash(session, again.grant.grantId)]
    expect([first.status, second.status, (await leash(session, grant.grantId)).status]).toEqual([101, 101, 429])
    expect((await leash(session, elsewhere.grant.grantId)).status).toBe(101)
    first.webSocket?.close(1000)
    await vi.waitFor(async () => expect((await leash(session, grant.grantId)).status).toBe(101), 10_000)
  })
})
