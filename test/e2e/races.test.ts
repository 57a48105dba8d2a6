// Things that happen at the same time, in the real runtime: exactly one wins, and what was revoked stays revoked.
import { describe, expect, test } from 'vitest'
import { type Answer, BrokerClient, countForLong, errorOf, statusWith, type Tokens, tokensOf } from '../world/broker-client.ts'
import { fixture } from '../world/fixture.ts'
import { startWorld } from '../world/world.ts'

const ROUNDS = 200
/** Of what is decided in one row of one object: who was first is the only chance in it. */
const FEWER_ROUNDS = 50

const the = fixture(async (closing) => {
  const world = await closing(startWorld({ overrides: { RATE_LIMIT_REQUESTS: '1000000' } }))
  const client = await BrokerClient.register(world.brokerUrl)
  return { world, client }
})

const together = async <T>(count: number, run: () => Promise<T>): Promise<readonly T[]> =>
  await Promise.all(Array.from({ length: count }, run))

test('one code, twenty redemptions: one success, and its tokens work', async () => {
  for (let round = 0; round < 10; round += 1) {
    const code = await the.client.code('alice')
    const answers = await together(20, () => the.client.redeem(code))
    const granted = answers.filter(({ status }) => status === 200)
    expect(granted).toHaveLength(1)
    const { accessToken, refreshToken } = tokensOf(granted[0] ?? never())
    expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(200)
    expect((await the.client.refresh(refreshToken)).status).toBe(200)
  }
})

test('one refresh token, twenty refreshes: twenty answers identical to the byte, and one call to the identity provider in ten seconds', async () => {
  let { refreshToken } = await the.client.signIn('alice')
  the.world.idp.control.forgetCalls()
  const since = Date.now()
  for (let round = 0; round < 10; round += 1) {
    const answers = await together(20, () => the.client.refresh(refreshToken))
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(the.world.idp.control.calls.token).toBeLessThanOrEqual(1 + (Date.now() - since) / 10_000)
    const next = tokensOf(answers[0] ?? never())
    expect(await statusWith(the.world.mcpUrl, next.accessToken)).toBe(200)
    refreshToken = next.refreshToken
  }
})

test('two clients of one person refresh at once: the identity provider is asked once and both go on', async () => {
  const other = await BrokerClient.register(the.world.brokerUrl)
  const [mine, theirs] = [await the.client.signIn('alice'), await other.signIn('alice')]
  the.world.idp.control.forgetCalls()
  const answers = await Promise.all([the.client.refresh(mine.refreshToken), other.refresh(theirs.refreshToken)])
  expect(answers.map(({ status }) => status)).toEqual([200, 200])
  expect(the.world.idp.control.calls.token).toBe(1)
})

describe(`10. revoke racing refresh, ${ROUNDS} rounds:`, () => {
  // The identity provider may have taken the request or not, and its answer may be on the way or not, when access is taken back.
  test('a refresh that is held at the identity provider gives nothing once its grant was revoked', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const tokens = await the.client.signIn('alice')
      const hold = the.world.idp.control.hold('token', round % 2 === 0 ? 'request' : 'answer')
      const refreshing = the.client.refresh(tokens.refreshToken)
      await hold.arrived
      const revoked = await the.client.revoke(round % 4 < 2 ? tokens.refreshToken : tokens.accessToken)
      hold.release()
      const answer = await refreshing
      expect(revoked.status).toBe(200)
      expect([answer.status, errorOf(answer)]).toEqual([400, 'invalid_grant'])
      expect(await usableOf(tokens)).toEqual([])
    }
  })

  test('refresh and revocation sent at once: whoever comes first, nothing is usable', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const tokens = await the.client.signIn('alice')
      const both = [() => the.client.refresh(tokens.refreshToken), () => the.client.revoke(tokens.refreshToken)]
      const [answer] = await inOrder(round, both)
      expect(await usableOf(tokens, answer)).toEqual([])
    }
  })

  test('refresh of the newest and return of the oldest token at once: the family is dead', async () => {
    for (let round = 0; round < FEWER_ROUNDS; round += 1) {
      const first = await the.client.signIn('alice')
      const second = tokensOf(await the.client.refresh(first.refreshToken))
      const third = tokensOf(await the.client.refresh(second.refreshToken))
      const [answer] = await inOrder(round, [
        () => the.client.refresh(third.refreshToken),
        () => the.client.refresh(first.refreshToken),
      ])
      expect(await usableOf(third, answer)).toEqual([])
    }
  })

  test('redemption and theft of one code at once: the code is worth nothing to either', async () => {
    for (let round = 0; round < FEWER_ROUNDS; round += 1) {
      const code = await the.client.code('alice')
      const theft = { code_verifier: 't'.repeat(43) }
      const [answer, stolen] = await inOrder(round, [() => the.client.redeem(code), () => the.client.redeem(code, theft)])
      expect(stolen?.status).toBe(400)
      expect(await usableOf(undefined, answer)).toEqual([])
    }
  })
})

test('a person the identity provider no longer knows loses every client and every stream with the first refresh', async () => {
  const other = await BrokerClient.register(the.world.brokerUrl)
  const [mine, theirs] = [await the.client.signIn('bob'), await other.signIn('bob')]
  const stream = await countForLong(the.world.mcpUrl, theirs.accessToken)
  the.world.idp.control.dropPerson('bob')
  const answers = await together(5, () => the.client.refresh(mine.refreshToken))
  the.world.idp.control.restorePerson('bob')
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]))
  expect(await stream.endsWithin(1_000)).toBe(true)
  expect(await usableOf(mine)).toEqual([])
  expect(await statusWith(the.world.mcpUrl, theirs.accessToken)).toBe(401)
})

/** Sends both at once, in turns the one or the other first; answers in the order they were given. */
async function inOrder(round: number, [first, second]: readonly (() => Promise<Answer>)[]): Promise<readonly Answer[]> {
  if (!first || !second) return never()
  if (round % 2 === 0) return await Promise.all([first(), second()])
  const [later, earlier] = await Promise.all([second(), first()])
  return [earlier, later]
}

/** What still opens anything, now or by refreshing: of the tokens a client had, and of those an answer may have brought it. */
async function usableOf(tokens: Tokens | undefined, answer?: Answer): Promise<readonly string[]> {
  const brought = answer?.status === 200 ? [tokensOf(answer)] : []
  const usable: string[] = []
  for (const { accessToken, refreshToken } of [...(tokens ? [tokens] : []), ...brought]) {
    if ((await statusWith(the.world.mcpUrl, accessToken)) !== 401) usable.push('an access token')
    if ((await the.client.refresh(refreshToken)).status !== 400) usable.push('a refresh token')
  }
  return usable
}

function never(): never {
  throw new Error('there is no such answer')
}
