// A person's object and the tokens of other issuers: one grant however often it is exchanged, one use of each assertion, and no way back.
import { evictDurableObject } from 'cloudflare:test'
import { describe, expect, test } from 'vitest'
import type { Exchange, ExchangeOutcome } from '../../src/session/access/exchange.ts'
import { eachBeginsAt } from './clock.ts'
import {
  anew,
  at,
  caller,
  granted,
  IDENTITY,
  isLive,
  nobody,
  NOW,
  RESOURCE,
  rowsOf,
  signIn,
  writesOf,
  type Session,
  ordered,
} from './person.ts'
import { signalOrder } from './told.ts'

eachBeginsAt(() => NOW)

const BY = { actor: 'carol@example.com', reason: 'a test' }

interface Asked {
  readonly issuedAt?: number
  readonly identity?: Partial<typeof IDENTITY>
  readonly saysGroups?: boolean
  readonly clientId?: string
  readonly lifetime?: number
  readonly once?: string
  readonly expiresAt?: number
}

function asking({
  issuedAt = NOW,
  identity = {},
  saysGroups = true,
  clientId = 'build',
  lifetime = 900,
  ...rest
}: Asked): Exchange {
  const { once, expiresAt = NOW + 300 } = rest
  return {
    statement: { identity: { ...IDENTITY, ...identity }, saysGroups, issuedAt, expiresAt },
    grant: { clientId, clientName: 'Build', resource: RESOURCE, scopes: ['mcp'] },
    lifetime,
    ...(once !== undefined && { once }),
  }
}

const exchange = async (session: Session, asked: Asked = {}): Promise<ExchangeOutcome> => session.exchange(asking(asked))
const refusal = (outcome: ExchangeOutcome): string => (outcome.granted ? 'granted' : outcome.refusal)

async function grantOf(
  session: Session,
  asked: Asked = {},
): Promise<{ grantId: string; clientId: string; jti: string; endsAt: number }> {
  const outcome = await exchange(session, asked)
  if (!outcome.granted) throw new Error(`refused: ${outcome.refusal}`)
  return { ...outcome.facts, jti: '' }
}

describe('a client that exchanges', () => {
  test('again and again has one grant, which ends with the last token', async () => {
    const session = nobody()
    const first = await grantOf(session)
    for (let n = 0; n < 300; n += 1) expect((await grantOf(session)).grantId).toBe(first.grantId)
    at(NOW + 600)
    const last = await grantOf(session)
    expect([last.grantId, last.endsAt]).toEqual([first.grantId, NOW + 1_500])
    expect((await rowsOf(session))['grants']).toHaveLength(1)
    at(NOW + 1_499)
    expect(await session.admit(caller(last))).toMatchObject({ admitted: true })
    at(NOW + 1_501)
    expect(await session.admit(caller(last))).toEqual({ admitted: false, reason: 'session_expired' })
  })

  test('twice in a second writes nothing the second time', async () => {
    const session = nobody()
    await grantOf(session)
    const before = await writesOf(session)
    for (let n = 0; n < 50; n += 1) await grantOf(session)
    expect(await writesOf(session)).toBe(before)
  })

  test('for less time than before cuts nothing short, and its token ends when it says', async () => {
    const session = nobody()
    await grantOf(session, { lifetime: 3_600 })
    const short = await grantOf(session, { lifetime: 900 })
    expect(short.endsAt).toBe(NOW + 900)
    expect((await session.describe())?.grants).toMatchObject([{ endsAt: NOW + 3_600 }])
  })

  test('has a grant beside those of other clients, and makes room among its own kind before a person is signed out', async () => {
    const session = nobody()
    const signedIn = await granted(session, { clientId: 'desktop' })
    const first = await grantOf(session, { clientId: 'build-0' })
    for (let n = 1; n < 100; n += 1) await grantOf(session, { clientId: `build-${n}` })
    expect(await isLive(session, first)).toBe(false)
    expect(await isLive(session, signedIn)).toBe(true)
  })

  test('after its grant was ended gets another one, and the old token stays dead', async () => {
    const session = nobody()
    const first = await grantOf(session)
    await session.revokeGrant(first.grantId, 'client_revoked')
    const second = await grantOf(session)
    expect(second.grantId).not.toBe(first.grantId)
    expect(await session.admit(caller(first))).toMatchObject({ admitted: false })
  })
})

describe('a token that was signed before', () => {
  test.for<[string, (session: Session, grantId: string) => Promise<unknown>]>([
    ['everything was ended', async (session) => ordered(session, 'revoke')],
    ['its grant was ended', async (session, id) => ordered(session, 'revoke', { what: 'grant', id })],
    ['its client was ended', async (session) => ordered(session, 'revoke', { what: 'client', id: 'build' })],
    ['the person signed out at the provider', async (session) => session.obey(signalOrder())],
    ['everybody was ended', async (session) => session.end({ what: 'everything' }, BY, { id: 'all', grantedUntil: NOW })],
  ])('%s opens nothing again, also after a restart; a newer one does', async ([, end]) => {
    const session = nobody()
    const { grantId } = await grantOf(session, { issuedAt: NOW - 10 })
    await end(session, grantId)
    at(NOW + 5)
    expect(refusal(await exchange(session, { issuedAt: NOW - 10 }))).toBe('revoked')
    // By a clock that is ahead it was signed after the revocation.
    expect(refusal(await exchange(session, { issuedAt: NOW + 55 }))).toBe('revoked')
    at(NOW + 50)
    await evictDurableObject(session)
    expect(refusal(await exchange(anew(session), { issuedAt: NOW + 61 }))).toBe('revoked')
    at(NOW + 100)
    expect(refusal(await exchange(anew(session), { issuedAt: NOW + 60 }))).toBe('revoked')
    expect(refusal(await exchange(anew(session), { issuedAt: NOW + 61 }))).toBe('granted')
  })

  test('one client of a person was disconnected is good for another', async () => {
    const session = nobody()
    const desktop = await granted(session, { clientId: 'desktop' })
    await ordered(session, 'revoke', { what: 'grant', id: desktop.grantId })
    expect(refusal(await exchange(session, { issuedAt: NOW - 10 }))).toBe('granted')
  })

  test('its client gave it back is good again: nobody but the client wanted that', async () => {
    const session = nobody()
    const { grantId } = await grantOf(session)
    await session.revokeGrant(grantId, 'client_revoked')
    expect(refusal(await exchange(session))).toBe('granted')
  })
})

const refusalsTold = async (session: Session): Promise<number> =>
  JSON.stringify((await rowsOf(session))['outbox']).split('sign_in_refused').length - 1

test('a blocked person gets nothing, and administrators hear of it, but not of every attempt', async () => {
  const session = nobody()
  await ordered(session, 'block')
  at(NOW + 60)
  for (let n = 0; n < 20; n += 1) expect(refusal(await exchange(session, { issuedAt: NOW + 60 }))).toBe('blocked')
  expect(await refusalsTold(session)).toBe(1)
  at(NOW + 400)
  await exchange(session, { issuedAt: NOW + 400 })
  expect(await refusalsTold(session)).toBe(2)
  await ordered(session, 'unblock')
  expect(refusal(await exchange(session, { issuedAt: NOW + 61 }))).toBe('granted')
})

describe('an assertion', () => {
  test('is used once, by whichever of twenty comes first, also after a restart', async () => {
    const session = nobody()
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => exchange(session, { once: 'a' })))
    expect(outcomes.filter(({ granted: isGranted }) => isGranted)).toHaveLength(1)
    await evictDurableObject(session)
    expect(refusal(await exchange(anew(session), { once: 'a' }))).toBe('reused')
    expect(refusal(await exchange(anew(session), { once: 'b' }))).toBe('granted')
  })

  test('is not used up by an attempt that is refused for another reason', async () => {
    const session = nobody()
    await ordered(session, 'block')
    at(NOW + 61)
    const asked = { once: 'a', issuedAt: NOW + 61 }
    expect(refusal(await exchange(session, asked))).toBe('blocked')
    await ordered(session, 'unblock')
    expect(refusal(await exchange(session, asked))).toBe('granted')
  })

  test('is remembered until it has expired by every clock, and so many at a time', { timeout: 30_000 }, async () => {
    const session = nobody()
    for (let n = 0; n < 1_000; n += 1) await exchange(session, { once: `a ${n}` })
    expect(refusal(await exchange(session, { once: 'one more' }))).toBe('crowded')
    at(NOW + 359)
    expect(refusal(await exchange(session, { once: 'a 7', issuedAt: NOW + 300 }))).toBe('reused')
    at(NOW + 361)
    expect(refusal(await exchange(session, { once: 'one more', issuedAt: NOW + 300, expiresAt: NOW + 600 }))).toBe('granted')
    expect((await rowsOf(session))['used_assertions']).toHaveLength(1)
  })
})

const profile = async (session: Session): Promise<unknown> => (await session.describe())?.identity

describe('what a token says about the person', () => {
  test('is taken over, and what it leaves out stays as it was', async () => {
    const session = nobody()
    await signIn(session)
    at(NOW + 60)
    const { issuer, subject } = IDENTITY
    const bare = {
      statement: { ...asking({}).statement, identity: { issuer, subject, groups: [] }, saysGroups: false, issuedAt: NOW + 60 },
    }
    await session.exchange({ ...asking({}), ...bare })
    expect(await profile(session)).toEqual(IDENTITY)
    at(NOW + 61)
    await exchange(session, { identity: { groups: ['sales'] }, issuedAt: NOW + 61 })
    expect(await profile(session)).toMatchObject({ groups: ['sales'], email: IDENTITY.email })
  })

  test('an address that is not verified takes the one before away', async () => {
    const session = nobody()
    await signIn(session)
    at(NOW + 60)
    const asked = asking({ issuedAt: NOW + 61 })
    const identity = { ...asked.statement.identity, email: undefined }
    await session.exchange({ ...asked, statement: { ...asked.statement, identity, losesEmail: true } })
    expect(await profile(session)).not.toHaveProperty('email', IDENTITY.email)
  })

  test('is nothing new when it was said before the person was last seen: groups that are gone do not come back', async () => {
    const session = nobody()
    await signIn(session)
    await exchange(session, { identity: { groups: ['engineering', 'administrators'] }, issuedAt: NOW - 1 })
    expect(await profile(session)).toMatchObject({ groups: ['engineering'] })
  })
})
