// Downstreams that forget what they had promised to remember, and readers that are slower than a revocation.
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import { BrokerClient } from '../../world/broker-client.ts'
import { stepsOf } from '../../world/event-stream.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { ScriptedServer } from '../../world/scripted-server.ts'
import { startWorld, type World } from '../../world/world.ts'
import { forEveryTry } from '../../world/each-try.ts'

const MEGABYTE = 1024 * 1024

let server: ScriptedServer
let world: World
let client: BrokerClient
let legacy: LegacyClient
let refreshToken: string

forEveryTry(async () => {
  server = await ScriptedServer.start({ resumable: true })
  world = await startWorld({ overrides: { DOWNSTREAM_MCP_URL: server.url, EVENT_LOG_BYTES: String(64 * MEGABYTE) } })
  client = await BrokerClient.register(world.brokerUrl)
  return async () => {
    await world.close()
    await server.close()
  }
})

beforeEach(async () => {
  const tokens = await client.signIn('alice', { changes: { resource: world.mcpUrl } })
  refreshToken = tokens.refreshToken
  legacy = await LegacyClient.open(world.mcpUrl, tokens.accessToken)
})

describe('a call whose downstream breaks off and has forgotten', () => {
  test.for<[string, () => void]>([
    ['the session', () => server.forgetSessions()],
    ['the event it would resume from', () => server.forgetEvents()],
  ])('%s is answered with an error', async ([, forget]) => {
    const called = server.nextStream()
    const stream = await legacy.stream('count')
    const { feed } = await called
    feed.notify({ step: 1 })
    await stream.message('"step":1')
    forget()
    server.requests.forget()
    feed.cut()
    await stream.message('"downstream_broken"')
    expect(await stream.over).toBe('ended')
    // Asking again without the cursor would open another stream and wait there for an answer that never comes.
    expect(server.requests.all.map(({ method }) => method)).toEqual(['GET'])
  })
})

test('a standing stream goes on where the downstream has forgotten its events, in the same session', async () => {
  const stream = await legacy.get()
  const { id, standing } = server.session
  await expect.poll(() => standing.isRead).toBe(true)
  standing.notify({ step: 1 })
  await stream.message('"step":1')
  stream.leave()
  await stream.over
  standing.cut()
  server.forgetEvents()
  const rest = await legacy.get(stream.lastId)
  expect(rest.status).toBe(200)
  await expect.poll(() => standing.isRead).toBe(true)
  standing.notify({ step: 2 })
  await rest.message('"step":2')
  expect([server.session.id, stepsOf(stream, rest)]).toEqual([id, [1, 2]])
  rest.leave()
})

test('a client that is still reading what was logged long ago reads no further once access is revoked', async () => {
  // Without a session: the log of one goes with it.
  const sessionless = new LegacyClient(world.mcpUrl, legacy.accessToken)
  const called = server.nextStream()
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
  const slow = await fetch(world.mcpUrl, { headers: { ...sessionless.headers(), 'last-event-id': stream.lastId ?? '' } })
  expect(slow.status).toBe(200)
  await sleep(300)
  await client.revoke(refreshToken)
  const text = await slow.text()
  expect(text.length).toBeLessThan(20 * MEGABYTE)
  expect(text.trimEnd().split('\n').at(-1)).toBe(': closed: credential_revoked')
})
