// Downstreams that forget what they had promised to remember, and readers that are slower than a revocation.
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { BrokerClient } from '../../world/broker-client.ts'
import { stepsOf } from '../../world/event-stream.ts'
import { fixture, perTest } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { ScriptedServer } from '../../world/scripted-server.ts'
import { startWorld } from '../../world/world.ts'

const MEGABYTE = 1024 * 1024

const the = fixture(async (closing) => {
  const server = await closing(ScriptedServer.start({ resumable: true }))
  const world = await closing(
    startWorld({ overrides: { DOWNSTREAM_MCP_URL: server.url, EVENT_LOG_BYTES: String(64 * MEGABYTE) } }),
  )
  const client = await BrokerClient.register(world.brokerUrl)
  return { server, world, client }
})

const its = perTest(async () => {
  const tokens = await the.client.signIn('alice', { changes: { resource: the.world.mcpUrl } })
  const refreshToken = tokens.refreshToken
  const legacy = await LegacyClient.open(the.world.mcpUrl, tokens.accessToken)
  return { legacy, refreshToken }
})

describe('a call whose downstream breaks off and has forgotten', () => {
  test.for<[string, () => void]>([
    ['the session', () => the.server.forgetSessions()],
    ['the event it would resume from', () => the.server.forgetEvents()],
  ])('%s is answered with an error', async ([, forget]) => {
    const called = the.server.nextStream()
    const stream = await its.legacy.stream('count')
    const { feed } = await called
    feed.notify({ step: 1 })
    await stream.message('"step":1')
    forget()
    the.server.requests.forget()
    feed.cut()
    await stream.message('"downstream_broken"')
    expect(await stream.over).toBe('ended')
    // Asking again without the cursor would open another stream and wait there for an answer that never comes.
    expect(the.server.requests.all.map(({ method }) => method)).toEqual(['GET'])
  })
})

test('a standing stream goes on where the downstream has forgotten its events, in the same session', async () => {
  const stream = await its.legacy.get()
  const { id, standing } = the.server.session
  await expect.poll(() => standing.isRead).toBe(true)
  standing.notify({ step: 1 })
  await stream.message('"step":1')
  stream.leave()
  await stream.over
  standing.cut()
  the.server.forgetEvents()
  const rest = await its.legacy.get(stream.lastId)
  expect(rest.status).toBe(200)
  await expect.poll(() => standing.isRead).toBe(true)
  standing.notify({ step: 2 })
  await rest.message('"step":2')
  expect([the.server.session.id, stepsOf(stream, rest)]).toEqual([id, [1, 2]])
  rest.leave()
})

test('a client that is still reading what was logged long ago reads no further once access is revoked', async () => {
  // Without a session: the log of one goes with it.
  const sessionless = new LegacyClient(the.world.mcpUrl, its.legacy.accessToken)
  const called = the.server.nextStream()
  const stream = await sessionless.stream('count')
  const { call, feed } = await called
  feed.notify({ step: 0 })
  await stream.message('"step":0')
  stream.leave()
  for (let step = 1; step <= 24; step += 1) feed.notify({ step, text: 'x'.repeat(MEGABYTE) })
  feed.respond(call.message.id, {})
  feed.end()
  await expect.poll(() => feed.isRead).toBe(false)
  await sleep(1_000)
  const slow = await fetch(the.world.mcpUrl, { headers: { ...sessionless.headers(), 'last-event-id': stream.lastId ?? '' } })
  expect(slow.status).toBe(200)
  await sleep(300)
  await the.client.revoke(its.refreshToken)
  const text = await slow.text()
  expect(text.length).toBeLessThan(20 * MEGABYTE)
  expect(text.trimEnd().split('\n').at(-1)).toBe(': closed: credential_revoked')
})
