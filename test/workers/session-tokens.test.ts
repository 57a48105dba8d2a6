// Codes and refresh tokens at the person's object: which are taken, which are refused, and what a stolen one costs.
import { describe, expect, test } from 'vitest'
import { eachBeginsAt } from './clock.ts'
import {
  at,
  caller,
  CHALLENGE,
  factsOf,
  granted,
  isLive,
  nobody,
  NOW,
  presented,
  redeem,
  REDIRECT_URI,
  rowsOf,
  signIn,
  writesOf,
} from './person.ts'

const HOUR = 3600

eachBeginsAt(() => NOW)

describe('an authorization code', () => {
  test('opens generation 1, with or without the redirect URI said again', async () => {
    const session = nobody()
    const first = await signIn(session)
    expect(factsOf(await redeem(session, first))).toMatchObject({ grantId: first.grantId, generation: 1, issuedAt: NOW })
    const second = await signIn(session)
    const { jti, grantId } = second
    const outcome = await session.redeem({ jti, grantId, redirectUri: undefined, codeChallenge: CHALLENGE })
    expect(outcome.granted).toBe(true)
  })

  test('that is redeemed again at once by its owner is a lost answer: refused, and nothing ends', async () => {
    const session = nobody()
    const grant = await granted(session)
    at(NOW + 10)
    expect(await redeem(session, grant)).toEqual({ granted: false, refusal: 'code_invalid' })
    expect(await isLive(session, grant)).toBe(true)
  })

  test.for<[string, number, string | undefined]>([
    ['later', NOW + 11, CHALLENGE],
    ['by somebody with another verifier', NOW, 'of another verifier'],
    ['by somebody without a verifier', NOW, undefined],
  ])('that is redeemed again %s was stolen: the grant ends', async ([, when, codeChallenge]) => {
    const session = nobody()
    const grant = await granted(session)
    at(when)
    const { jti, grantId } = grant
    const again = session.redeem({ jti, grantId, redirectUri: REDIRECT_URI, codeChallenge })
    expect(await again).toEqual({ granted: false, refusal: 'code_replayed' })
    expect(await isLive(session, grant)).toBe(false)
  })

  test.for<[string, object, string]>([
    ['another verifier', { codeChallenge: 'of another verifier' }, 'wrong_verifier'],
    ['no verifier', { codeChallenge: undefined }, 'wrong_verifier'],
    ['another redirect URI', { redirectUri: 'http://127.0.0.1:33418/other' }, 'wrong_redirect_uri'],
    ['another resource', { resource: 'http://localhost:8788/other' }, 'wrong_resource'],
    ['the same redirect URI in other words', { redirectUri: `${REDIRECT_URI}/` }, 'wrong_redirect_uri'],
  ])('that comes with %s is burnt', async ([, change, refusal]) => {
    const session = nobody()
    const grant = await signIn(session)
    const good = { jti: grant.jti, grantId: grant.grantId, redirectUri: REDIRECT_URI, codeChallenge: CHALLENGE }
    expect(await session.redeem({ ...good, ...change })).toEqual({ granted: false, refusal })
    expect(await session.redeem(good)).toMatchObject({ granted: false })
    expect(await isLive(session, grant)).toBe(false)
  })

  test('is too late after five minutes', async () => {
    const session = nobody()
    const grant = await signIn(session)
    at(NOW + 300)
    expect(await redeem(session, grant)).toEqual({ granted: false, refusal: 'code_invalid' })
  })
})

describe('a refresh token', () => {
  test('of the current generation is rotated, once for twenty who come together', async () => {
    const session = nobody()
    // With a provider to ask, so that all of them are on their way at the same time.
    const grant = await granted(session, { tokens: tokens('kept') })
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => session.refresh(presented(grant, 1))))
    expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBe(1)
    expect(outcomes.map((outcome) => factsOf(outcome).generation)[0]).toBe(2)
  })

  test('that comes again within a minute gets the same answer, even if that has been used meanwhile', async () => {
    const session = nobody()
    const grant = await granted(session)
    const first = await session.refresh(presented(grant, 1))
    await session.admit(caller(grant, 2))
    at(NOW + 60)
    expect(await session.refresh(presented(grant, 1))).toEqual(first)
  })

  test('whose answer was lost gets the generation again after hours, with tokens that are fresh', async () => {
    const session = nobody()
    const grant = await granted(session)
    await session.refresh(presented(grant, 1))
    await session.admit(caller(grant, 1))
    at(NOW + 5 * HOUR)
    expect(factsOf(await session.refresh(presented(grant, 1)))).toMatchObject({ generation: 2, issuedAt: NOW + 5 * HOUR })
    expect(await isLive(session, grant)).toBe(true)
  })

  test.for<[string, (use: Awaited<ReturnType<typeof onGenerationTwo>>) => Promise<unknown>, number]>([
    [
      'after a minute, when an access token of the next one was used',
      ({ session, grant }) => session.admit(caller(grant, 2)),
      61,
    ],
    ['after a minute, when the next one was rotated itself', ({ session, grant }) => session.refresh(presented(grant, 2)), 61],
    ['at once, when the next one was rotated itself', ({ session, grant }) => session.refresh(presented(grant, 2)), 0],
  ])('that comes again %s was stolen: the grant ends', async ([, use, later]) => {
    const world = await onGenerationTwo()
    await use(world)
    at(NOW + later)
    const { session, grant } = world
    expect(await session.refresh(presented(grant, 1))).toEqual({ granted: false, refusal: 'refresh_reused' })
    expect(await session.refresh(presented(grant, 3))).toEqual({ granted: false, refusal: 'grant_ended' })
    expect(await session.admit(caller(grant, 2))).toEqual({ admitted: false, reason: 'credential_revoked' })
    expect((await rowsOf(session))['grants']?.[0]).toMatchObject({ revoked_why: 'refresh_token_reused' })
  })

  test.for<[string, { generation?: number; clientId?: string }, string]>([
    ['of a generation that does not exist yet', { generation: 3 }, 'refresh_invalid'],
    ['of another client', { clientId: 'client-b' }, 'grant_ended'],
  ])('%s changes nothing', async ([, change, refusal]) => {
    const { session, grant } = await onGenerationTwo()
    expect(await session.refresh({ ...presented(grant, 2), ...change })).toEqual({ granted: false, refusal })
    expect(factsOf(await session.refresh(presented(grant, 2))).generation).toBe(3)
  })
})

describe('a client that does not stop refreshing', () => {
  test('is told to wait after thirty rotations in a minute; nothing is written for that, and its token stays good', async () => {
    const session = nobody()
    const grant = await granted(session)
    const other = await granted(session, { clientId: 'client-b' })
    for (let generation = 1; generation <= 30; generation += 1)
      expect(factsOf(await session.refresh(presented(grant, generation))).generation).toBe(generation + 1)
    at(NOW + 20)
    const before = await writesOf(session)
    const tooOften = { granted: false, refusal: 'too_often', retryAfter: 40 }
    expect(await session.refresh(presented(grant, 31))).toEqual(tooOften)
    expect(await Promise.all(Array.from({ length: 20 }, () => session.refresh(presented(grant, 31))))).toEqual(
      Array.from({ length: 20 }, () => tooOften),
    )
    expect(await writesOf(session)).toBe(before)
    expect(factsOf(await session.refresh(presented(grant, 30))).generation).toBe(31)
    expect(factsOf(await session.refresh(presented(other, 1))).generation).toBe(2)
    at(NOW + 60)
    expect(factsOf(await session.refresh(presented(grant, 31))).generation).toBe(32)
  })

  test('has the identity provider asked once in ten seconds, whichever of the grants of the person it is', async () => {
    const session = nobody()
    const kept = { tokens: tokens('renewed twice') }
    const [one, two] = [await granted(session, kept), await granted(session, kept)]
    for (const [generation, when] of [NOW, NOW, NOW + 9, NOW + 10, NOW + 19].entries()) {
      at(when)
      factsOf(await session.refresh(presented(one, generation + 1)))
      factsOf(await session.refresh(presented(two, generation + 1)))
    }
    at(NOW + 20)
    expect(await session.refresh(presented(one, 6))).toEqual({ granted: false, refusal: 'grant_ended' })
    expect(await isLive(session, two)).toBe(false)
  })

  test('is asked about at once after another sign-in, however young the last answer is', async () => {
    const session = nobody()
    const grant = await granted(session, { tokens: tokens('kept') })
    factsOf(await session.refresh(presented(grant, 1)))
    await signIn(session, { tokens: tokens('ended') })
    expect(await session.refresh(presented(grant, 2))).toEqual({ granted: false, refusal: 'grant_ended' })
  })
})

describe('the identity provider, asked at a rotation,', () => {
  test('ends everything the person has by saying that the session is over', async () => {
    const session = nobody()
    const other = await granted(session, { clientId: 'client-b' })
    const grant = await granted(session, { tokens: tokens('ended') })
    expect(await session.refresh(presented(grant, 1))).toEqual({ granted: false, refusal: 'grant_ended' })
    expect(await isLive(session, other)).toBe(false)
    expect((await rowsOf(session))['idp_session']).toEqual([])
  })

  test('may be down for four hours before anybody notices', async () => {
    const session = nobody()
    const grant = await granted(session, { tokens: tokens('down') })
    at(NOW + 4 * HOUR)
    expect(factsOf(await session.refresh(presented(grant, 1))).generation).toBe(2)
    at(NOW + 4 * HOUR + 1)
    expect(await session.refresh(presented(grant, 2))).toEqual({ granted: false, refusal: 'idp_unavailable' })
    expect(await isLive(session, grant)).toBe(true)
  })
})

async function onGenerationTwo() {
  const session = nobody()
  const grant = await granted(session)
  factsOf(await session.refresh(presented(grant, 1)))
  return { session, grant }
}

const tokens = (refreshToken: string) => ({ accessToken: 'idp access', refreshToken, expiresAt: NOW + 600 })
