// Attacks on somebody else's session or stream, each named after the case it answers.
import { beforeEach, describe, expect, test } from 'vitest'
import { BrokerClient } from '../../world/broker-client.ts'
import { stepsOf } from '../../world/event-stream.ts'
import { fixture } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { ScriptedServer } from '../../world/scripted-server.ts'
import { startWorld } from '../../world/world.ts'

const the = fixture(async (closing) => {
  const server = await closing(ScriptedServer.start())
  const world = await closing(startWorld({ overrides: { DOWNSTREAM_MCP_URL: server.url, EVENT_LOG_EVENTS: '50' } }))
  const resource = { changes: { resource: world.mcpUrl } }
  // Two people, and a second client of the first.
  const one = await BrokerClient.register(world.brokerUrl)
  const other = await BrokerClient.register(world.brokerUrl)
  const alice = (await one.signIn('alice', resource)).accessToken
  const aliceElsewhere = (await other.signIn('alice', resource)).accessToken
  const bob = (await one.signIn('bob', resource)).accessToken
  return { server, world, alice, aliceElsewhere, bob }
})

beforeEach(() => {
  the.server.onCall((call) => call.answer({ from: call.session?.id }))
})

/** A client of somebody who has got hold of a session id. */
function thief(accessToken: string, { sessionId, version }: LegacyClient): LegacyClient {
  const client = new LegacyClient(the.world.mcpUrl, accessToken)
  client.sessionId = sessionId
  expect(client.version).toBe(version)
  return client
}

async function counting(client: LegacyClient, steps: number) {
  const called = the.server.nextStream()
  const stream = await client.stream('count')
  const { call, feed } = await called
  for (let step = 1; step <= steps; step += 1) feed.notify({ step })
  if (steps > 0) await stream.message(`"step":${steps}`)
  return { stream, call, feed }
}

describe('30 the session id of another user', () => {
  test.for<[string, () => string]>([
    ['another person', () => the.bob],
    ['another client of the same person', () => the.aliceElsewhere],
  ])('is worth nothing to %s', async ([, theirs]) => {
    const victim = await LegacyClient.open(the.world.mcpUrl, the.alice)
    const { id } = the.server.session
    const { stream, feed } = await counting(victim, 1)
    const standing = await victim.get()
    the.server.requests.forget()
    const stolen = thief(theirs(), victim)
    const answers = [await stolen.call('who'), (await stolen.get()).response, await stolen.delete()]
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404])
    expect(await answers[0]?.json()).toMatchObject({ error: { data: { code: 'session_not_found' } } })
    expect(the.server.requests.all).toEqual([])
    expect(the.world.logs.some(({ message }) => message.includes('mcp_session.unknown'))).toBe(true)

    expect([the.server.sessions.has(id), standing.endedAt, stream.endedAt]).toEqual([true, undefined, undefined])
    feed.notify({ step: 2 })
    await stream.message('"step":2')
    the.server.onCall((call) => call.answer({ from: call.session?.id }))
    expect(await (await victim.call('who')).json()).toMatchObject({ result: { from: id } })
    standing.leave()
    stream.leave()
  })
})

describe('31 stream steal by Last-Event-ID', () => {
  test.for<[string, (victim: LegacyClient) => Promise<LegacyClient> | LegacyClient]>([
    ['another person, without a session', () => new LegacyClient(the.world.mcpUrl, the.bob)],
    ['another person, in a session of theirs', () => LegacyClient.open(the.world.mcpUrl, the.bob)],
    ['another person, who knows the session id too', (victim) => thief(the.bob, victim)],
    ['another client of the same person', () => LegacyClient.open(the.world.mcpUrl, the.aliceElsewhere)],
    ['another session of the same client', () => LegacyClient.open(the.world.mcpUrl, the.alice)],
    ['the same client, outside of its session', () => new LegacyClient(the.world.mcpUrl, the.alice)],
  ])('an event id is worth nothing to %s', async ([, asThief]) => {
    const victim = await LegacyClient.open(the.world.mcpUrl, the.alice)
    const { stream, call, feed } = await counting(victim, 3)
    const standing = await victim.get()
    await expect.poll(() => the.server.sessions.get(call.session?.id ?? '')?.standing.isRead).toBe(true)
    call.session?.standing.notify({ step: 100 })
    await standing.message('"step":100')
    const stolen = await asThief(victim)
    for (const id of [stream.events.find((event) => event.id !== undefined)?.id, stream.lastId, standing.lastId]) {
      const taken = await stolen.get(id)
      await taken.over
      expect([taken.status, taken.messages, stepsOf(taken)]).toEqual([404, [], []])
    }
    feed.notify({ step: 4 })
    call.session?.standing.notify({ step: 101 })
    await Promise.all([stream.message('"step":4'), standing.message('"step":101')])
    expect([stepsOf(stream), stepsOf(standing)]).toEqual([
      [1, 2, 3, 4],
      [100, 101],
    ])
    stream.leave()
    standing.leave()
  })

  test('an event id of a call without a session is worth nothing to another client of the same person', async () => {
    const { stream } = await counting(new LegacyClient(the.world.mcpUrl, the.alice), 3)
    for (const accessToken of [the.aliceElsewhere, the.bob]) {
      const taken = await new LegacyClient(the.world.mcpUrl, accessToken).get(stream.lastId)
      expect(taken.status).toBe(404)
    }
    stream.leave()
  })

  test.for(['0', 'x.1', '....', `${'a'.repeat(12)}.1`, `${'a'.repeat(12)}.99999999999999999999`, "' OR 1=1 --.1"])(
    'an id that was never given leads nowhere: "%s"',
    async (id) => {
      const victim = await LegacyClient.open(the.world.mcpUrl, the.alice)
      const taken = await victim.get(id)
      expect(taken.status).toBe(404)
    },
  )

  test('a number from another stream of the same session replays nothing of that stream', async () => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.alice)
    // Two people, and a second client of the first.
    const one = await counting(client, 3)
    const two = await counting(client, 0)
    two.feed.notify({ other: true })
    await two.stream.message('"other":true')
    one.stream.leave()
    await one.stream.over
    const start = one.stream.events.find(({ id }) => id !== undefined)?.id ?? ''
    const rest = await client.get(start)
    await rest.message('"step":3')
    expect(JSON.stringify(rest.events)).not.toContain('other')
    rest.leave()
    two.stream.leave()
  })

  test('an event that is gone is answered 404 and not with a silent gap', async () => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.alice)
    const { stream, feed } = await counting(client, 2)
    stream.leave()
    await stream.over
    for (let step = 3; step <= 120; step += 1) feed.notify({ step })
    await expect.poll(async () => (await client.get(stream.lastId)).status, { timeout: 5000 }).toBe(404)
    const gone = await client.get(stream.lastId)
    expect(await gone.over).toBe('ended')
    expect(gone.messages).toEqual([])
  })

  test('a client that reads too slowly for the log is told, and what it gets has no gap', async () => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.alice)
    const { stream, call, feed } = await counting(client, 1)
    for (let step = 2; step <= 400; step += 1) feed.notify({ step })
    feed.respond(call.message.id, {})
    feed.end()
    await stream.over
    const steps = stepsOf(stream)
    expect(steps).toEqual(Array.from({ length: steps.length }, (_, index) => index + 1))
    expect(stream.closeReason).toBe(steps.length < 400 ? 'limit_exceeded' : undefined)
  })
})

interface Counted {
  readonly result: { readonly count: number; readonly person: string }
}

describe('33 a shared upstream session', () => {
  test('two people who call at the same time each have a session, and a count, of their own', async () => {
    const counts = new Map<string, number>()
    the.server.onCall((call) => {
      const id = call.session?.id ?? ''
      counts.set(id, (counts.get(id) ?? 0) + 1)
      call.answer({ count: counts.get(id), person: call.headers['x-user-email'] })
    })
    const [a, b] = [await LegacyClient.open(the.world.mcpUrl, the.alice), await LegacyClient.open(the.world.mcpUrl, the.bob)]
    const answers = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => (await (index % 3 === 0 ? b : a).call('count')).json<Counted>()),
    )
    const seen = (person: string) =>
      answers
        .filter(({ result }) => result.person === person)
        .map(({ result }) => result.count)
        .toSorted((x, y) => x - y)
    expect(seen('alice@example.com')).toEqual(Array.from({ length: 40 }, (_, index) => index + 1))
    expect(seen('bob@example.com')).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    expect(counts.size).toBe(2)
  })
})
