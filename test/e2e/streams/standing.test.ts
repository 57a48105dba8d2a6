// The standing GET stream of a session: what comes while nobody listens, who listens when two do, and what goes to the downstream.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { credentialsFor } from '../../world/clients.ts'
import { stepsOf } from '../../world/event-stream.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { ScriptedServer } from '../../world/scripted-server.ts'
import { startWorld, type World } from '../../world/world.ts'

let server: ScriptedServer
let world: World
let token: string

beforeAll(async () => {
  server = await ScriptedServer.start({ resumable: true, exclusive: true })
  world = await startWorld({ overrides: { DOWNSTREAM_MCP_URL: server.url } })
  token = (await credentialsFor('alice', world.mcpUrl)).accessToken
})

afterAll(async () => {
  await world.close()
  await server.close()
})

async function listening() {
  const client = await LegacyClient.open(world.mcpUrl, token)
  const stream = await client.get()
  const { standing } = server.session
  await expect.poll(() => standing.isRead).toBe(true)
  return { client, stream, standing }
}

describe('a client that comes back', () => {
  test('with a cursor gets everything after it, once', async () => {
    const { client, stream, standing } = await listening()
    standing.notify({ step: 1 })
    standing.notify({ step: 2 })
    await stream.message('"step":1')
    stream.leave()
    await stream.over
    standing.notify({ step: 3 })
    const rest = await client.get(stream.lastId)
    standing.notify({ step: 4 })
    await rest.message('"step":4')
    expect(stepsOf(stream, rest)).toEqual([1, 2, 3, 4])
    rest.leave()
  })

  test('without a cursor gets everything since it was seen to leave; what was on its way then, only by its cursor', async () => {
    const { client, stream, standing } = await listening()
    standing.notify({ step: 1 })
    await stream.message('"step":1')
    stream.leave()
    await stream.over
    server.requests.forget()
    // Written into the void: only this shows the runtime that the client has gone, and the object goes on reading.
    standing.notify({ step: 2 })
    await server.requests.find(({ method }) => method === 'GET')
    // A second later at most: that is how long the object waits where the server was not ready yet.
    await expect.poll(() => standing.isRead, { timeout: 5_000 }).toBe(true)
    standing.notify({ step: 3 })
    const rest = await client.get()
    standing.notify({ step: 4 })
    await rest.message('"step":4')
    expect([stepsOf(stream), stepsOf(rest)]).toEqual([[1], [3, 4]])
    const all = await client.get(stream.lastId)
    await all.message('"step":4')
    expect(stepsOf(all)).toEqual([2, 3, 4])
    all.leave()
  })

  test('without having had an event, resumes from the priming one', async () => {
    const { client, stream, standing } = await listening()
    const priming = await stream.find(({ id }) => id !== undefined)
    expect(priming).toMatchObject({ data: '', retry: 1000 })
    stream.leave()
    await stream.over
    standing.notify({ step: 1 })
    const rest = await client.get(priming.id)
    await rest.message('"step":1')
    rest.leave()
  })
})

describe('a second connection', () => {
  test('takes over from the first, which is told; neither is refused', async () => {
    const { client, stream, standing } = await listening()
    standing.notify({ step: 1 })
    await stream.message('"step":1')
    const second = await client.get(stream.lastId)
    expect([second.status, await stream.over, stream.closeReason]).toEqual([200, 'ended', 'superseded'])
    standing.notify({ step: 2 })
    await second.message('"step":2')
    expect(stepsOf(stream, second)).toEqual([1, 2])
    second.leave()
  })

  test('to the answer of a call takes over in the same way', async () => {
    const client = await LegacyClient.open(world.mcpUrl, token)
    const called = server.nextStream()
    const stream = await client.stream('count')
    const { call, feed } = await called
    feed.notify({ step: 1 })
    await stream.message('"step":1')
    const second = await client.get(stream.lastId)
    expect([second.status, await stream.over, stream.closeReason]).toEqual([200, 'ended', 'superseded'])
    feed.respond(call.message.id, {})
    feed.end()
    await second.message('"result"')
    expect(await second.over).toBe('ended')
  })
})

describe('to the downstream go', () => {
  test('its own session and event ids, and the version of the client', async () => {
    const { client, stream, standing } = await listening()
    standing.notify({ step: 1 })
    const seen = await stream.message('"step":1')
    expect(seen.id).toMatch(/^[\w-]{8,40}\.\d+$/)
    server.requests.forget()
    const second = await client.get(seen.id)
    const asked = await server.requests.find(({ method }) => method === 'GET')
    expect(asked.headers).toMatchObject({
      accept: 'text/event-stream',
      'mcp-session-id': server.session.id,
      'mcp-protocol-version': '2025-11-25',
      'last-event-id': expect.stringMatching(/^standing\d+~1$/),
      'x-user-email': 'alice@example.com',
    })
    expect(JSON.stringify(stream.events)).not.toContain('standing')
    second.leave()
  })

  test.for<[string, string | undefined]>([
    ['where nothing has come yet', undefined],
    ['for a client that sends an empty one', ''],
  ])('no cursor %s', async ([, lastEventId]) => {
    const client = await LegacyClient.open(world.mcpUrl, token)
    server.requests.forget()
    const stream = await client.get(lastEventId)
    expect(stream.status).toBe(200)
    const asked = await server.requests.find(({ method }) => method === 'GET')
    expect(asked.headers).not.toHaveProperty('last-event-id')
    stream.leave()
  })
})

test('a downstream without standing streams says so through the broker', async () => {
  const client = new LegacyClient(world.mcpUrl, token)
  const answer = await client.get()
  expect(answer.status).toBe(405)
})
