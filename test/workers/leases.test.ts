// Leases at the person's object: who gets one, what takes it back, and how long it waits for a router that says nothing.
import { abortAllDurableObjects } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { headerJson } from '../../src/platform/header-json.ts'
import { LEASE_HEADER, type LeaseAnswer, type LeaseReport } from '../../src/session/contract/lease.ts'
import { anew, at, caller, granted, IDENTITY, nobody, NOW, ordered, RESOURCE, type Session } from './person.ts'
import { signalOrder } from './told.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
  at(NOW)
})
afterEach(() => {
  vi.useRealTimers()
})

interface Asked extends LeaseAnswer {
  readonly status: number
  readonly socket: WebSocket | null
  /** Resolves when the object wants it back. */
  readonly dropped: Promise<void>
  readonly report: (report: LeaseReport) => void
}

const NOTHING_USED: LeaseReport = { used: 0, recent: [] }

async function lease(
  session: Session,
  asking: ReturnType<typeof caller>,
  label: string | undefined = 'tools/call echo',
): Promise<Asked> {
  const headers = { upgrade: 'websocket', [LEASE_HEADER]: headerJson({ caller: asking, ...(label !== '' && { label }) }) }
  const answer = await session.fetch('https://session/lease', { headers })
  const socket = answer.webSocket
  const told: LeaseAnswer = JSON.parse(answer.headers.get(LEASE_HEADER) ?? '')
  const dropped = new Promise<void>((resolve) => {
    socket?.addEventListener('message', ({ data }) => data === 'drop' && resolve())
  })
  socket?.accept()
  return { ...told, status: answer.status, socket, dropped, report: (report) => socket?.send(JSON.stringify(report)) }
}

describe('a lease', () => {
  test('comes with the admission, for ten seconds and a quarter of the allowance', async () => {
    const session = nobody()
    const grant = await granted(session)
    const asked = await lease(session, caller(grant))
    expect(asked).toMatchObject({
      status: 101,
      admission: { admitted: true, identity: IDENTITY, rate: { limit: 600, remaining: 599 } },
      terms: { lasts: 10_000, requests: 149, perSecond: 10 },
    })
    // Who asks meanwhile finds the rest.
    expect(await session.admit(caller(grant))).toMatchObject({ rate: { remaining: 449 } })
  })

  test('never lasts beyond the token, and is not worth it for a moment', async () => {
    const session = nobody()
    const grant = await granted(session)
    expect((await lease(session, caller(grant, 1, NOW + 5))).terms).toMatchObject({ lasts: 4_000 })
    expect(await lease(session, caller(grant, 1, NOW + 2))).toMatchObject({ status: 204, admission: { admitted: true } })
  })

  test('that is renewed costs no request of the allowance, and is nobody’s request', async () => {
    const session = nobody()
    const grant = await granted(session)
    expect(await lease(session, caller(grant), '')).toMatchObject({ status: 101, admission: { rate: { remaining: 600 } } })
    expect((await session.describe())?.requests).toEqual([])
  })

  test('is refused with the reason where the request is', async () => {
    const session = nobody()
    const grant = await granted(session)
    await session.revokeGrant(grant.grantId, 'client_revoked')
    expect(await lease(session, caller(grant))).toMatchObject({
      status: 204,
      socket: null,
      admission: { admitted: false, reason: 'credential_revoked' },
    })
  })

  test('of who is recorded says so, and is taken back when that is over', async () => {
    const session = nobody()
    const grant = await granted(session)
    await session.record({ minutes: 1 }, { actor: 'admin' })
    const recorded = await lease(session, caller(grant))
    expect(recorded).toMatchObject({ status: 101, admission: { recording: { bodies: false } } })
    const heard = new Promise((resolve) => recorded.socket?.addEventListener('message', ({ data }) => resolve(data)))
    const stopped = session.stopRecording({ actor: 'admin' })
    expect(await heard).toBe('drop')
    recorded.report({ used: 0, recent: [] })
    expect(await stopped).toBe(true)
    expect((await lease(session, caller(grant))).admission).not.toHaveProperty('recording')
  })

  test('is given to nobody while somebody looks', async () => {
    const session = nobody()
    const grant = await granted(session)
    await session.watch()
    expect((await lease(session, caller(grant))).status).toBe(204)
  })

  test('is not given where so little is left that each request has to be counted', async () => {
    const session = nobody()
    const grant = await granted(session)
    for (let n = 0; n < 590; n += 1) await session.admit(caller(grant))
    expect((await lease(session, caller(grant))).status).toBe(204)
  })
})

describe('what a router did with a lease', () => {
  test('is told when it gives it back: requests, and what is left of the allowance', async () => {
    const session = nobody()
    const grant = await granted(session)
    const { report } = await lease(session, caller(grant))
    report({ used: 40, recent: [{ at: NOW, label: 'tools/call count' }] })
    await expect
      .poll(async () => (await session.describe())?.requests.map(({ label }) => label))
      .toEqual(['tools/call count', 'tools/call echo'])
    // 600 less this one, the one that asked for the lease, and the forty.
    expect(await session.admit(caller(grant))).toMatchObject({ rate: { remaining: 558 } })
  })

  test('counts in full where the router says nothing', async () => {
    const session = nobody()
    const grant = await granted(session)
    const { socket } = await lease(session, caller(grant, 1, NOW + 4))
    socket?.close()
    at(NOW + 4)
    expect(await session.admit(caller(grant))).toMatchObject({ rate: { remaining: 450 } })
  })
})

describe('is taken back', () => {
  test.for<[string, (session: Session, grantId: string) => Promise<unknown>]>([
    ['when its grant is revoked', (session, grantId) => session.revokeGrant(grantId, 'client_revoked')],
    ['when the person is blocked', (session) => ordered(session, 'block', { what: 'person' })],
    ['when everything of the person ends', (session) => ordered(session, 'revoke', { what: 'person' })],
    ['when a client is taken from the person', (session) => ordered(session, 'revoke', { what: 'client', id: 'client-a' })],
    ['when a server is taken from the person', (session) => ordered(session, 'revoke', { what: 'resource', id: RESOURCE })],
    [
      'when everybody’s access is taken back',
      (session) => session.end({ what: 'everything' }, { actor: 'admin' }, { id: 'all' }),
    ],
    ['when the identity provider says that they signed out', (session) => session.obey(signalOrder())],
    [
      'when the refresh token comes back after it was used',
      async (session, grantId) => {
        for (const generation of [1, 2]) await session.refresh({ grantId, clientId: 'client-a', generation })
        await session.admit(caller({ grantId, clientId: 'client-a', jti: '' }, 3))
        await session.refresh({ grantId, clientId: 'client-a', generation: 1 })
      },
    ],
    ['when a recording begins', (session) => session.record({ minutes: 1 }, { actor: 'admin' })],
    ['when they sign in with other groups', (session) => signInAs(session, ['sales'])],
  ])('%s, and not before the router has said so is that over', async ([, change]) => {
    const session = nobody()
    const grant = await granted(session)
    const { dropped, report } = await lease(session, caller(grant))
    let isOver = false
    const changing = change(session, grant.grantId).then(() => (isOver = true))
    await dropped
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(isOver).toBe(false)
    report(NOTHING_USED)
    await changing
    expect(isOver).toBe(true)
  })

  test('for a router that has heard of it and does not answer the time is waited for, and the receipt says so', async () => {
    const session = nobody()
    const grant = await granted(session)
    const { dropped } = await lease(session, caller(grant, 1, NOW + 3))
    const begun = performance.now()
    const receipt = await ordered(session, 'revoke', { what: 'grant', id: grant.grantId })
    await dropped
    expect(performance.now() - begun).toBeGreaterThan(1_900)
    expect(receipt).toMatchObject({ grants: 1, streams: 0, unanswered: 1, state: 'done' })
  })

  test('a broken socket is no answer', async () => {
    const session = nobody()
    const grant = await granted(session)
    const { socket } = await lease(session, caller(grant, 1, NOW + 3))
    socket?.close()
    const begun = performance.now()
    await session.revokeGrant(grant.grantId, 'client_revoked')
    expect(performance.now() - begun).toBeGreaterThan(1_900)
  })

  test('an object that was restarted knows what is out, and waits as long', async () => {
    const session = nobody()
    const grant = await granted(session)
    await lease(session, caller(grant, 1, NOW + 3))
    await abortAllDurableObjects()
    const begun = performance.now()
    await anew(session).revokeGrant(grant.grantId, 'client_revoked')
    expect(performance.now() - begun).toBeGreaterThan(1_900)
  })

  test('what does not concern it leaves it alone', async () => {
    const session = nobody()
    const [one, other] = [await granted(session), await granted(session, { clientId: 'client-b' })]
    const { dropped } = await lease(session, caller(one))
    await session.revokeGrant(other.grantId, 'client_revoked')
    const heard = await Promise.race([dropped.then(() => true), new Promise((resolve) => setTimeout(() => resolve(false), 50))])
    expect(heard).toBe(false)
  })
})

async function signInAs(session: Session, groups: readonly string[]): Promise<void> {
  await session.signIn({
    identity: { ...IDENTITY, groups },
    tokens: { accessToken: 'idp access', idToken: 'said who it is' },
    grant: { clientId: 'client-c', clientName: 'Client', resource: RESOURCE, scopes: ['mcp'] },
    redirectUri: 'http://127.0.0.1:33418/callback',
    codeChallenge: '7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM',
  })
}
