// What a person's object looks after by itself: the provider is asked although no client asks, an outage has an end, idleness too.
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { IdpTokens } from '../../src/caller.ts'
import { LEASH_HEADER } from '../../src/session/contract/leash-terms.ts'
import { eachBeginsAt } from './clock.ts'
import { at, caller, granted, isLive, nobody, NOW, presented, rowsOf, writesOf, type Session, ordered } from './person.ts'

const HOUR = 3_600
const DAY = 86_400

eachBeginsAt(() => NOW)
afterEach(() => void vi.restoreAllMocks())

const asking = (refreshToken: string): { tokens: IdpTokens } => ({ tokens: { accessToken: 'idp access', refreshToken } })

describe('the identity provider is asked', () => {
  test('once an hour, and the person stays as long as it knows them', async () => {
    const session = nobody()
    const grant = await granted(session, asking('renewed'))
    for (const hour of [1, 2, 3]) {
      await runDurableObjectAlarm(session)
      at(NOW + hour * HOUR)
      expect(await runDurableObjectAlarm(session)).toBe(true)
      expect(await checkedAt(session)).toBe(NOW + hour * HOUR)
    }
    expect(await session.admit(caller(grant))).toMatchObject({ admitted: true })
  })

  test('within the last tenth of the hour, so that not everybody is asked about at once', async () => {
    const times: number[] = []
    for (let n = 0; n < 20; n += 1) {
      const session = nobody()
      await granted(session, asking('renewed'))
      times.push(((await jobOf(session, 'recheck')) ?? 0) - NOW * 1000)
    }
    for (const time of times) {
      expect(time).toBeGreaterThanOrEqual(0.9 * HOUR * 1000)
      expect(time).toBeLessThanOrEqual(HOUR * 1000)
    }
    expect(new Set(times).size).toBeGreaterThan(10)
  })

  test('and everything ends when it has dropped them', async () => {
    const session = nobody()
    const one = await granted(session, asking('ended'))
    const other = await granted(session, { ...asking('ended'), clientId: 'client-b' })
    const said = vi.spyOn(console, 'info')
    at(NOW + HOUR)
    await runDurableObjectAlarm(session)
    for (const grant of [one, other])
      expect(await session.admit(caller(grant))).toEqual({ admitted: false, reason: 'credential_revoked' })
    expect(said.mock.calls.flat().join('\n')).toContain('"why":"idp_session_ended"')
    expect(await jobOf(session, 'recheck')).toBeUndefined()
  })

  test('never, when an ID token said who the person is and no refresh token came with it', async () => {
    const session = nobody()
    await granted(session)
    expect(await jobOf(session, 'recheck')).toBeUndefined()
  })

  test('with the access token as long as that lives, when nothing else came', async () => {
    const session = nobody()
    const checked = await granted(session, { tokens: { accessToken: 'idp access' } })
    expect(await jobOf(session, 'recheck')).toBeDefined()
    const lapsing = nobody()
    const grant = await granted(lapsing, { tokens: { accessToken: 'idp access', expiresAt: NOW + HOUR - 1 } })
    at(NOW + HOUR)
    await runDurableObjectAlarm(lapsing)
    expect(await jobOf(lapsing, 'recheck')).toBeUndefined()
    for (const [one, of] of [
      [session, checked],
      [lapsing, grant],
    ] as const)
      expect(await one.admit(caller(of))).toMatchObject({ admitted: true })
  })

  test('not sooner for a client that has just refreshed, and not at all once nothing is left', async () => {
    const session = nobody()
    const grant = await granted(session, asking('renewed'))
    at(NOW + HOUR - 600)
    await session.refresh(presented(grant, 1))
    at(NOW + HOUR)
    await runDurableObjectAlarm(session)
    expect(await checkedAt(session)).toBe(NOW + HOUR - 600)
    await ordered(session, 'revoke')
    at(NOW + 2 * HOUR)
    await runDurableObjectAlarm(session)
    expect(await jobOf(session, 'recheck')).toBeUndefined()
  })
})

describe('25. while the identity provider is down', () => {
  test('sessions go on for four hours, then auth_unavailable, with a moment to come again', async () => {
    const session = nobody()
    const grant = await granted(session, asking('down'))
    await outage(session, NOW + 4 * HOUR)
    expect(await session.admit(caller(grant))).toMatchObject({ admitted: true })
    await outage(session, NOW + 4 * HOUR + 1)
    expect(await session.admit(caller(grant))).toMatchObject({ admitted: false, reason: 'auth_unavailable', retryAfter: 5 })
  })

  test('an open stream goes on as long, and is then ended as auth_unavailable, while the session stays', async () => {
    const session = nobody()
    const { grantId, ...grant } = await granted(session, asking('down'))
    const stream = { streamId: 's1', grantId, kind: 'request', label: 'tools/call', openedAt: NOW }
    const { webSocket } = await session.fetch('https://session/leash', {
      headers: { upgrade: 'websocket', [LEASH_HEADER]: JSON.stringify(stream) },
    })
    const heard: unknown[] = []
    webSocket?.addEventListener('message', ({ data }) => {
      heard.push(data)
      webSocket.close(1000, 'ended')
    })
    webSocket?.accept()
    await outage(session, NOW + 4 * HOUR)
    expect(heard).toEqual([])
    await outage(session, NOW + 4 * HOUR + 1)
    await vi.waitFor(() => expect(heard).toEqual(['auth_unavailable']), 10_000)
    expect((await session.describe())?.streams).toEqual([])
    expect(await isLive(session, { grantId, ...grant })).toBe(true)
  })

  test('an outage is remembered by an object that was evicted meanwhile', async () => {
    const session = nobody()
    const grant = await granted(session, asking('down'))
    await outage(session, NOW + 5 * HOUR)
    await evictDurableObject(session)
    expect(await session.admit(caller(grant))).toMatchObject({ reason: 'auth_unavailable' })
  })

  test('it is asked again after half a minute, then ever more rarely, and a request that waits hurries it', async () => {
    const session = nobody()
    const grant = await granted(session, asking('down'))
    const said = vi.spyOn(console, 'warn')
    at(NOW + HOUR)
    await runDurableObjectAlarm(session)
    expect(await jobOf(session, 'recheck')).toBe((NOW + HOUR + 30) * 1000)
    at(NOW + HOUR + 30)
    await runDurableObjectAlarm(session)
    expect(await jobOf(session, 'recheck')).toBe((NOW + HOUR + 90) * 1000)
    await outage(session, NOW + 5 * HOUR)
    said.mockClear()
    at(NOW + 5 * HOUR + 10)
    for (let n = 0; n < 20; n += 1) await session.admit(caller(grant))
    await vi.waitUntil(() => said.mock.calls.length > 0, 10_000)
    expect(said.mock.calls.flat().filter((line) => String(line).includes('identity.failed'))).toHaveLength(1)
  })

  test('everything goes on as soon as it has confirmed the person', async () => {
    const session = nobody()
    const grant = await granted(session, asking('down'))
    await outage(session, NOW + 5 * HOUR)
    expect(await session.admit(caller(grant))).toMatchObject({ reason: 'auth_unavailable' })
    // Somebody who signs in is confirmed too.
    await granted(session, { ...asking('renewed'), clientId: 'client-b' })
    expect(await session.admit(caller(grant))).toMatchObject({ admitted: true })
  })

  test('a request that is refused for it writes nothing', async () => {
    const session = nobody()
    const grant = await granted(session, asking('down'))
    await outage(session, NOW + 5 * HOUR)
    await session.admit(caller(grant))
    const before = await writesOf(session)
    for (let n = 0; n < 50; n += 1) await session.admit(caller(grant))
    expect(await writesOf(session)).toBe(before)
  })
})

describe('a grant that nobody uses', () => {
  test('ends after thirty days as session_expired, and its use starts the time again', async () => {
    const session = nobody()
    const used = await granted(session)
    const idle = await granted(session, { clientId: 'client-b' })
    at(NOW + 20 * DAY)
    expect(await session.admit(caller(used))).toMatchObject({ admitted: true })
    at(NOW + 30 * DAY)
    // Over to the second, although the job comes a moment later.
    expect(await session.admit(caller(idle))).toEqual({ admitted: false, reason: 'session_expired' })
    expect(await session.refresh(presented(idle, 1))).toEqual({ granted: false, refusal: 'grant_ended' })
    at(NOW + 30 * DAY + 1)
    const said = vi.spyOn(console, 'info')
    await runDurableObjectAlarm(session)
    expect(said.mock.calls.flat().join('\n')).toContain(`"grant":"${idle.grantId}","client":"client-b","why":"session_expired"`)
    expect(await session.admit(caller(idle))).toEqual({ admitted: false, reason: 'session_expired' })
    expect(await session.admit(caller(used))).toMatchObject({ admitted: true })
  })

  test('is told from one that was used by what was written after an answer, which survives an eviction', async () => {
    const session = nobody()
    const grant = await granted(session)
    at(NOW + 20 * DAY)
    const before = await writesOf(session)
    await session.admit(caller(grant))
    const first = await writesOf(session)
    for (let n = 0; n < 50; n += 1) await session.admit(caller(grant))
    expect(await writesOf(session)).toBe(first)
    await vi.waitUntil(async () => (await rowsOf(session))['grant_uses']?.length === 1, 8_000)
    expect(await writesOf(session)).toBeGreaterThan(before)
    await evictDurableObject(session)
    at(NOW + 31 * DAY)
    await runDurableObjectAlarm(session)
    expect(await session.admit(caller(grant))).toMatchObject({ admitted: true })
  })
})

async function outage(session: Session, until: number): Promise<void> {
  at(NOW + HOUR)
  await runDurableObjectAlarm(session)
  at(until)
  await runDurableObjectAlarm(session)
}

/** Milliseconds; undefined when it is not planned. */
async function jobOf(session: Session, id: string): Promise<number | undefined> {
  const jobs = Object.values(await rowsOf(session)).flat()
  const found = jobs.find((row) => row['id'] === id && 'capability' in row)
  return found === undefined ? undefined : Number(found['time'])
}

async function checkedAt(session: Session): Promise<unknown> {
  return (await rowsOf(session))['idp_session']?.[0]?.['checked_at']
}
