// Revoke means silence: access is taken back while everything streams. Each test is named after the case it answers.
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import { BrokerClient, callTool, statusWith, tokensOf, type Code, type Tokens } from '../../world/broker-client.ts'
import type { EventStream } from '../../world/event-stream.ts'
import type { Feed } from '../../world/feed.ts'
import { fixture } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { ScriptedServer, type OnCall } from '../../world/scripted-server.ts'
import { openSubscription } from '../../world/subscription.ts'
import { startWorld } from '../../world/world.ts'

const the = fixture(async (closing) => {
  const server = await closing(ScriptedServer.start({ resumable: true }))
  const many = { RATE_LIMIT_REQUESTS: '100000', MAX_STREAMS: '500', MAX_MCP_SESSIONS: '200' }
  const world = await closing(startWorld({ overrides: { DOWNSTREAM_MCP_URL: server.url, ...many } }))
  const client = await BrokerClient.register(world.brokerUrl)
  return { server, world, client }
})

beforeEach(() => {
  the.server.requests.forget()
})

const resource = () => ({ changes: { resource: the.world.mcpUrl } })

interface Fire {
  readonly standing: readonly EventStream[]
  readonly calls: readonly EventStream[]
  readonly subscriptions: readonly EventStream[]
  readonly stop: () => void
}

/** So many streams of each kind, every one of them with events all the time. */
async function underFire({ accessToken }: Tokens, each: number, perSecond: number): Promise<Fire> {
  const feeds: Feed[] = []
  the.server.onCall((call) => void feeds.push(call.stream()))
  const one = async () => {
    const session = await LegacyClient.open(the.world.mcpUrl, accessToken)
    const [standing, call, subscription] = await Promise.all([
      session.get(),
      session.stream('count'),
      openSubscription(the.world.mcpUrl, accessToken),
    ])
    return { standing, call, subscription }
  }
  const open = await Promise.all(Array.from({ length: each }, one))
  the.server.onCall((call) => call.answer({}))
  for (const { standing } of the.server.sessions.values()) feeds.push(standing)
  let step = 0
  const fire = setInterval(() => {
    step += 1
    for (const feed of feeds) feed.notify({ step })
  }, 1000 / perSecond)
  return {
    standing: open.map(({ standing }) => standing),
    calls: open.map(({ call }) => call),
    subscriptions: open.map(({ subscription }) => subscription),
    stop: () => clearInterval(fire),
  }
}

/** Milliseconds from the moment of the revocation to the end of each stream, slowest last. */
async function silence(streams: readonly EventStream[], since: number): Promise<readonly number[]> {
  await Promise.all(streams.map(async ({ over }) => await over))
  return streams.map(({ endedAt = Infinity }) => endedAt - since).toSorted((a, b) => a - b)
}

const p99 = (sorted: readonly number[]) => sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Infinity

type Revoke = () => Promise<{ readonly status: number }>

/** Ways of taking a grant back, prepared so far that one request is left. */
const WAYS: Readonly<Record<string, (code: Code, tokens: Tokens) => Promise<Revoke>>> = {
  'its client revokes the token':
    async (_, { refreshToken }) =>
    async () =>
      await the.client.revoke(refreshToken),
  'an old refresh token comes again': async (_, { refreshToken }) => {
    const next = tokensOf(await the.client.refresh(refreshToken))
    await the.client.refresh(next.refreshToken)
    return async () => await the.client.refresh(refreshToken)
  },
  'its authorization code comes again, from somebody else':
    async ({ code }) =>
    async () =>
      await the.client.redeem({ code, verifier: 'x'.repeat(43) }),
}

/** Its status and the code of its refusal, or how it broke. */
async function told(answering: Promise<Response>): Promise<readonly [number, string]> {
  const answer = await answering
  const text = await answer.text().catch(() => 'cut off')
  return [answer.status, text.includes('credential_revoked') ? 'credential_revoked' : text]
}

describe('34 revoke with everything open', () => {
  test.for<[way: string, streams: number, perSecond: number, status: number]>([
    ['its client revokes the token', 33, 10, 200],
    ['an old refresh token comes again', 10, 50, 400],
    ['its authorization code comes again, from somebody else', 3, 50, 400],
  ])(
    '%s: 3 × %i streams fall silent within a second and say why, here and at the downstream',
    async ([way, each, perSecond, status]) => {
      const code = await the.client.code('alice', resource())
      const tokens = tokensOf(await the.client.redeem(code))
      const { standing, calls, subscriptions, stop } = await underFire(tokens, each, perSecond)
      const all = [...standing, ...calls, ...subscriptions]
      await Promise.all(all.map(async (stream) => await stream.message('"step":', 10_000)))
      const revoke = await WAYS[way]?.(code, tokens)
      await sleep(300)
      const since = Date.now()
      expect((await revoke?.())?.status).toBe(status)
      const ended = await silence(all, since)
      stop()
      expect(p99(ended)).toBeLessThan(1000)
      expect([...new Set(all.map(({ closeReason }) => closeReason))]).toEqual(['credential_revoked'])
      for (const { messages } of subscriptions) {
        expect(JSON.parse(messages.at(-1)?.data ?? '')).toMatchObject({ id: 'listening', result: { resultType: 'complete' } })
      }
      await Promise.all(the.server.requests.open.map(async ({ closed }) => await closed))
      const atDownstream = the.server.requests.all.filter(({ body, method }) => method === 'GET' || body.includes('tools/call'))
      expect(Math.max(...atDownstream.map(({ closedAt = Infinity }) => closedAt)) - since).toBeLessThan(1500)
      expect(await statusWith(the.world.mcpUrl, tokens.accessToken)).toBe(401)
      // The downstream need not keep sessions nobody may use again.
      await expect.poll(() => the.server.sessions.size).toBe(0)
    },
  )

  test.for<[string, OnCall]>([
    ['for their answer', () => undefined],
    [
      'in the middle of a JSON answer',
      ({ res }) => void res.writeHead(200, { 'content-type': 'application/json' }).write('{"a":'),
    ],
  ])('calls of both eras that wait %s are cut off', async ([, onCall]) => {
    the.server.onCall(onCall)
    const { accessToken, refreshToken } = await the.client.signIn('alice', resource())
    const session = await LegacyClient.open(the.world.mcpUrl, accessToken)
    const answers = [told(session.call('x')), told(callTool(the.world.mcpUrl, accessToken))]
    await expect.poll(() => the.server.requests.open.length).toBe(2)
    // A modern request is tied to the object after a second.
    await sleep(1200)
    const waiting = the.server.requests.open
    await the.client.revoke(refreshToken)
    await Promise.all(waiting.map(async ({ closed }) => await closed))
    expect(waiting.map(({ aborted }) => aborted)).toEqual([true, true])
    for (const answer of await Promise.all(answers))
      expect([
        [401, 'credential_revoked'],
        [200, 'cut off'],
      ]).toContainEqual(answer)
  })
})

describe('35 reconnect after revoke, during a restart', () => {
  test('what was revoked stays closed when the runtime is killed at once', async () => {
    const tokens = await the.client.signIn('alice', resource())
    const { standing, calls, stop } = await underFire(tokens, 2, 50)
    await Promise.all([...standing, ...calls].map(async (stream) => await stream.message('"step":')))
    await the.client.revoke(tokens.refreshToken)
    await the.world.killRuntime()
    await the.world.restartRuntime()
    the.server.requests.forget()
    const again = await Promise.all(
      [...standing, ...calls].map(async ({ lastId }) => await new LegacyClient(the.world.mcpUrl, tokens.accessToken).get(lastId)),
    )
    expect(again.map(({ status }) => status)).toEqual([401, 401, 401, 401])
    await sleep(500)
    stop()
    expect(the.server.requests.all.filter(({ method }) => method === 'GET')).toEqual([])
  })

  test('a kill in the middle of a revocation leaves a grant that is dead, or a revocation that can be repeated', async () => {
    const outcomes: string[] = []
    const rounds: { tokens: Tokens; lastId: string | undefined; status: number }[] = []
    for (let round = 0; round < 8; round += 1) {
      const tokens = await the.client.signIn('alice', resource())
      const { standing, calls, stop } = await underFire(tokens, 2, 50)
      await Promise.all([...standing, ...calls].map(async (stream) => await stream.message('"step":')))
      const revoking = the.client.revoke(tokens.refreshToken).then(
        () => 'answered',
        () => 'cut off',
      )
      await sleep(round * 3)
      await the.world.killRuntime()
      const answer = await revoking
      await the.world.restartRuntime()
      stop()
      const status = await statusWith(the.world.mcpUrl, tokens.accessToken)
      outcomes.push(`${answer} ${status}`)
      rounds.push({ tokens, lastId: standing[0]?.lastId, status })
    }
    expect(outcomes.filter((outcome) => !['answered 401', 'cut off 401', 'cut off 200'].includes(outcome))).toEqual([])
    // Each waits for leases of a router that is no more, so they wait together.
    const again = rounds.filter(({ status }) => status === 200)
    await Promise.all(again.map(async ({ tokens }) => await the.client.revoke(tokens.refreshToken)))
    for (const { tokens, lastId } of rounds) {
      expect(await statusWith(the.world.mcpUrl, tokens.accessToken)).toBe(401)
      expect((await new LegacyClient(the.world.mcpUrl, tokens.accessToken).get(lastId)).status).toBe(401)
    }
    await expect.poll(() => the.server.requests.open.length).toBe(0)
  })
})
