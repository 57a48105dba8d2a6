// One person's object: what an admission costs, what survives a restart, how a session ends, and what lies on the disk.
import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { keyRing } from '../../src/issuer/keys.ts'
import { fromHex, seal } from '../../src/platform/crypto.ts'
import { eachBeginsAt } from './clock.ts'
import {
  anew,
  at,
  caller,
  factsOf,
  granted,
  IDENTITY,
  isLive,
  nobody,
  NOW,
  presented,
  redeem,
  rowsOf,
  signIn,
  writesOf,
  ordered,
} from './person.ts'

const DAY = 86_400

eachBeginsAt(() => NOW)
afterEach(() => void vi.restoreAllMocks())

describe('an admission', () => {
  test('writes nothing, but for the first use of a refresh generation', async () => {
    const session = nobody()
    const grant = await granted(session)
    const before = await writesOf(session)
    await session.admit(caller(grant, 1))
    const first = await writesOf(session)
    expect(first).toBeGreaterThan(before)
    for (let n = 0; n < 100; n += 1) expect(await session.admit(caller(grant, 1))).toMatchObject({ admitted: true })
    expect(await writesOf(session)).toBe(first)
  })

  test.for<[string, (now: ReturnType<typeof caller>) => object]>([
    ['another client', () => ({ clientId: 'client-b' })],
    ['another resource', () => ({ resource: 'http://localhost:8788/other' })],
    ['another grant', () => ({ grantId: 'another' })],
    ['a token that is over', () => ({ expiresAt: NOW })],
  ])('is refused to %s, and costs nothing', async ([, change]) => {
    const session = nobody()
    const grant = await granted(session)
    const before = await writesOf(session)
    const asked = caller(grant)
    expect(await session.admit({ ...asked, ...change(asked) })).toEqual({ admitted: false, reason: 'credential_revoked' })
    expect(await writesOf(session)).toBe(before)
    expect(await session.admit(asked)).toMatchObject({ rate: { remaining: 599 } })
  })
})

describe('a restart', () => {
  test.for<[string, (session: ReturnType<typeof nobody>) => Promise<void>]>([
    ['an eviction', (session) => evictDurableObject(session)],
    ['an abort', () => abortAllDurableObjects()],
  ])('by %s loses nothing that was promised', async ([, restart]) => {
    let session = nobody()
    const used = await granted(session)
    const revoked = await granted(session, { clientId: 'client-b' })
    const open = await signIn(session, { clientId: 'client-c' })
    const answer = await session.refresh(presented(used, 1))
    await session.revokeGrant(revoked.grantId, 'client_revoked')
    await restart(session)
    session = anew(session)

    expect(await session.admit(caller(used, 2))).toMatchObject({ admitted: true, identity: IDENTITY })
    expect(await session.refresh(presented(used, 1))).toEqual(answer)
    expect(await session.admit(caller(revoked))).toEqual({ admitted: false, reason: 'credential_revoked' })
    expect(await redeem(session, used)).toMatchObject({ granted: false })
    expect(factsOf(await redeem(session, open)).generation).toBe(1)
  })

  test('does not refill a bucket that is more than half empty', async () => {
    const session = nobody()
    const grant = await granted(session)
    for (let n = 0; n < 400; n += 1) await session.admit(caller(grant))
    at(NOW + 5)
    expect(await runDurableObjectAlarm(session)).toBe(true)
    await evictDurableObject(session)
    // 200 were left and 10 a second come back.
    expect(await session.admit(caller(grant))).toMatchObject({ rate: { limit: 600, remaining: 249 } })
  })
})

describe('a session', () => {
  test('ends by alarm after ninety days, and its rows go with it', async () => {
    const session = nobody()
    const grant = await granted(session)
    for (const day of [25, 50, 75]) {
      at(NOW + day * DAY)
      expect(await session.admit(caller(grant))).toMatchObject({ admitted: true })
    }
    at(NOW + 90 * DAY - 1)
    expect(await session.admit(caller(grant, 1, NOW + 91 * DAY))).toMatchObject({ admitted: true })
    // What was asked for last is written when it has been quiet for a moment.
    await vi.waitFor(async () => expect((await rowsOf(session))['recent_requests']).toHaveLength(1), { timeout: 5_000 })
    at(NOW + 90 * DAY)
    expect(await session.admit(caller(grant, 1, NOW + 91 * DAY))).toEqual({ admitted: false, reason: 'session_expired' })
    at(NOW + 90 * DAY + 1)
    const said = vi.spyOn(console, 'info')
    expect(await runDurableObjectAlarm(session)).toBe(true)
    expect(said.mock.calls.flat().join('\n')).toContain('"why":"session_expired"')
    // Once the Directory has heard of it.
    at(NOW + 90 * DAY + 62)
    expect(await runDurableObjectAlarm(session)).toBe(true)
    const { grants, codes, profile, idp_session, recent_requests } = await rowsOf(session)
    const left = { grants, codes, profile, idp_session, recent_requests }
    expect(left).toEqual({ grants: [], codes: [], profile: [], idp_session: [], recent_requests: [] })
  })

  test('may begin again in the moment it was purged', async () => {
    const session = nobody()
    await granted(session)
    at(NOW + 90 * DAY + 1)
    await runDurableObjectAlarm(session)
    const grant = await granted(session)
    expect(await session.admit(caller(grant))).toMatchObject({ admitted: true, identity: IDENTITY })
  })

  test('holds a hundred grants; the oldest makes room', { timeout: 30_000 }, async () => {
    const session = nobody()
    const oldest = await granted(session)
    at(NOW + 1)
    const second = await granted(session)
    at(NOW + 2)
    for (let n = 0; n < 98; n += 1) await granted(session)
    expect(await isLive(session, oldest)).toBe(true)
    await granted(session)
    expect(await isLive(session, oldest)).toBe(false)
    expect(await isLive(session, second)).toBe(true)
  })

  test('is not crowded out by sign-ins that were never finished', async () => {
    const session = nobody()
    const grant = await granted(session)
    for (let n = 1; n <= 120; n += 1) {
      at(NOW + n * 300)
      await signIn(session)
    }
    expect(await isLive(session, grant)).toBe(true)
    expect((await rowsOf(session))['grants']?.length).toBeLessThan(5)
  })

  test('keeps a bounded memory of what ended', { timeout: 30_000 }, async () => {
    const session = nobody()
    for (let n = 0; n < 250; n += 1) {
      at(NOW + n)
      await granted(session)
    }
    const rows = (await rowsOf(session))['grants'] ?? []
    expect(rows.filter((row) => row['revoked_at'] === null)).toHaveLength(100)
    expect(rows.length).toBeLessThanOrEqual(201)
  })

  test('does not begin when everything was revoked while it was being opened', async () => {
    const session = nobody()
    const [grant] = await Promise.all([signIn(session), ordered(session, 'revoke')])
    expect(await redeem(session, grant)).toMatchObject({ granted: false })
  })
})

describe('tokens of the identity provider', () => {
  const tokens = { accessToken: 'idp-access-canary', refreshToken: 'idp-refresh-canary', idToken: 'idp-id-canary' }

  test('are unreadable in every row', async () => {
    const session = nobody()
    await granted(session, { tokens })
    const rows = JSON.stringify(await rowsOf(session))
    expect(rows).toContain('alice@example.com')
    expect(rows).not.toContain('canary')
  })

  test.for<[string, string, boolean]>([
    ['the previous key', '202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f', true],
    ['a key that is gone', '404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f', false],
  ])('that were sealed with %s', async ([, secret, isReadable]) => {
    const session = nobody()
    const grant = await granted(session)
    const { current } = await keyRing({ secret: fromHex(secret) })
    await runInDurableObject(session, async ({ lifecycle }, { storage }) => {
      const sealed = await seal(current.vault, JSON.stringify({ accessToken: 'a', refreshToken: 'ended' }), lifecycle.name)
      storage.sql.exec('UPDATE idp_session SET sealed = ?', sealed)
    })
    const said = vi.spyOn(console, 'error')
    await evictDurableObject(session)
    // Only who can read the refresh token can learn from the provider that the session is over.
    expect(await session.refresh(presented(grant, 1))).toMatchObject({ granted: !isReadable })
    expect(said.mock.calls.flat().join('\n').includes('idp_session.unreadable')).toBe(!isReadable)
  })
})
