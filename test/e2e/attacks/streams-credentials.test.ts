// Streams and the life of tokens: what is refreshed goes on, what is revoked is over at once. Named after the cases they answer.
import { describe, expect, test } from 'vitest'
import { BrokerClient, statusWith, tokensOf } from '../../world/broker-client.ts'
import { stepsOf } from '../../world/event-stream.ts'
import { fixture } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { ScriptedServer } from '../../world/scripted-server.ts'
import { openSubscription } from '../../world/subscription.ts'
import { startWorld } from '../../world/world.ts'

const the = fixture(async (closing) => {
  const server = await closing(ScriptedServer.start())
  const world = await closing(startWorld({ overrides: { DOWNSTREAM_MCP_URL: server.url, RATE_LIMIT_REQUESTS: '100000' } }))
  const client = await BrokerClient.register(world.brokerUrl)
  return { server, world, client }
})

const signedIn = async () => await the.client.signIn('alice', { changes: { resource: the.world.mcpUrl } })
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

describe('36 session bound to token bytes', () => {
  test('twenty refreshes during one stream of each kind drop none and lose nothing', async () => {
    let tokens = await signedIn()
    const session = await LegacyClient.open(the.world.mcpUrl, tokens.accessToken)
    const called = the.server.nextStream()
    const call = await session.stream('count')
    const { feed } = await called
    const subscribed = the.server.nextStream()
    const subscription = await openSubscription(the.world.mcpUrl, tokens.accessToken)
    const { feed: news } = await subscribed
    const standing = await session.get()
    await expect.poll(() => the.server.session.standing.isRead).toBe(true)
    the.server.onCall((asked) => asked.answer({ from: asked.session?.id }))
    for (let step = 1; step <= 20; step += 1) {
      tokens = tokensOf(await the.client.refresh(tokens.refreshToken))
      // The session belongs to the grant: every token of it may be used there.
      session.accessToken = tokens.accessToken
      expect(await (await session.call('who')).json()).toMatchObject({ result: { from: the.server.session.id } })
      for (const each of [feed, news, the.server.session.standing]) each.notify({ step })
      await Promise.all([call, subscription, standing].map(async (stream) => await stream.message(`"step":${step}}`)))
    }
    expect([stepsOf(call), stepsOf(subscription), stepsOf(standing)]).toEqual([upTo(20), upTo(20), upTo(20)])
    expect([call.endedAt, subscription.endedAt, standing.endedAt]).toEqual([undefined, undefined, undefined])
    await the.client.revoke(tokens.refreshToken)
    expect(await Promise.all([call.over, subscription.over, standing.over])).toEqual(['ended', 'ended', 'ended'])
  })
})

describe('52 cache staleness', () => {
  test('after a revocation has returned, none of fifty calls at once gets through', async () => {
    the.server.onCall((asked) => asked.answer({}))
    const { accessToken, refreshToken } = await signedIn()
    const session = await LegacyClient.open(the.world.mcpUrl, accessToken)
    // Warms what there is to be remembered: the verified token, the identity JWT.
    for (let n = 0; n < 10; n += 1)
      expect([await statusWith(the.world.mcpUrl, accessToken), (await session.call('x')).status]).toEqual([200, 200])
    await the.client.revoke(refreshToken)
    the.server.requests.forget()
    const calls = Array.from({ length: 50 }, async (_, index) =>
      index % 2 === 0 ? await statusWith(the.world.mcpUrl, accessToken) : (await session.call('x')).status,
    )
    expect(new Set(await Promise.all(calls))).toEqual(new Set([401]))
    expect(the.server.requests.all.filter(({ method }) => method === 'POST')).toEqual([])
  })

  test('of a hundred calls it meets on their way, none is answered', async () => {
    the.server.onCall(() => undefined)
    const { accessToken, refreshToken } = await signedIn()
    const session = await LegacyClient.open(the.world.mcpUrl, accessToken)
    the.server.requests.forget()
    const calls = Array.from({ length: 100 }, async (_, index) =>
      index % 2 === 0 ? await statusWith(the.world.mcpUrl, accessToken) : (await session.call('x')).status,
    )
    await the.server.requests.find(({ method }) => method === 'POST')
    await the.client.revoke(refreshToken)
    const revokedAt = Date.now()
    expect(new Set(await Promise.all(calls))).toEqual(new Set([401]))
    // A modern call is tied to the person's object when it is a second old.
    expect(Date.now() - revokedAt).toBeLessThan(2500)
    await Promise.all(the.server.requests.open.map(async ({ closed }) => await closed))
    expect(the.server.requests.all.filter(({ method, aborted }) => method === 'POST' && !aborted)).toEqual([])
  })
})
