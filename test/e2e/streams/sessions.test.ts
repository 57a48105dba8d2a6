// MCP sessions of the 2025 revisions: the broker's own ids, ended for good by DELETE, and kept although the downstream forgets.
import { beforeEach, describe, expect, test } from 'vitest'
import { credentialsFor } from '../../world/clients.ts'
import { stepsOf } from '../../world/event-stream.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { ScriptedServer } from '../../world/scripted-server.ts'
import { startWorld, type World } from '../../world/world.ts'
import { forEveryTry } from '../../world/each-try.ts'

let server: ScriptedServer
let world: World
let token: string

forEveryTry(async () => {
  server = await ScriptedServer.start({ resumable: true })
  world = await startWorld({ overrides: { DOWNSTREAM_MCP_URL: server.url, MAX_MCP_SESSIONS: '5' } })
  token = (await credentialsFor('alice', world.mcpUrl)).accessToken
  return async () => {
    await world.close()
    await server.close()
  }
})

beforeEach(() => {
  server.requests.forget()
  server.onCall((call) => call.answer({ from: call.session?.id }))
})

const errorCode = (code: string) => ({ error: { data: { code } } })

describe('the id of a session', () => {
  test('is the broker’s own; the downstream’s is seen by nobody else, and the other way round', async () => {
    const client = await LegacyClient.open(world.mcpUrl, token)
    expect(client.sessionId).toMatch(/^[\w-]{20,}$/)
    const answer = await client.call('who')
    expect(answer.headers.get('mcp-session-id')).toBeNull()
    expect(await answer.json()).toMatchObject({ result: { from: server.session.id } })
    const standing = await client.get()
    const deleted = await client.delete()
    expect([standing, deleted].map(({ status }) => status)).toEqual([200, 200])
    // Some clients take the id of their session from any answer that has one.
    expect([standing.response, deleted].map(({ headers }) => headers.get('mcp-session-id'))).toEqual([null, null])
    expect(JSON.stringify(server.requests.all)).not.toContain(client.sessionId)
  })

  test('that nobody was given is answered 404, which makes a client begin anew', async () => {
    const client = await LegacyClient.open(world.mcpUrl, token)
    client.sessionId = 'a-session-of-somebody-else'
    server.requests.forget()
    const answers = [await client.call('who'), (await client.get()).response, await client.delete()]
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404])
    expect(await answers[0]?.json()).toMatchObject({ id: 1, ...errorCode('session_not_found') })
    expect(server.requests.all).toEqual([])
  })
})

describe('DELETE', () => {
  test('ends the session here and at the downstream, with its streams', async () => {
    const client = await LegacyClient.open(world.mcpUrl, token)
    const { id } = server.session
    const called = server.nextStream()
    const [standing, stream] = [await client.get(), await client.stream('count')]
    const { feed } = await called
    feed.notify({ step: 1 })
    await stream.message('"step":1')
    expect((await client.delete()).status).toBe(200)
    expect(server.deleted).toContain(id)
    expect(await Promise.all([standing.over, stream.over])).toEqual(['ended', 'ended'])
    expect(await Promise.all([client.call('who'), client.delete()].map(async (answer) => (await answer).status))).toEqual([
      404, 404,
    ])
    expect([(await client.get()).status, (await client.get(stream.lastId)).status]).toEqual([404, 404])
  })

  test('that names no session changes nothing', async () => {
    const client = new LegacyClient(world.mcpUrl, token)
    const answer = await client.delete()
    expect([answer.status, server.deleted.length]).toEqual([400, server.deleted.length])
  })
})

describe('when the downstream forgets the session', () => {
  test('its client never notices: the broker initializes again with what the client had said', async () => {
    const client = await LegacyClient.open(world.mcpUrl, token)
    const before = server.session
    server.forgetSessions()
    server.requests.forget()
    expect(await (await client.call('who')).json()).toMatchObject({ result: { from: server.session.id } })
    expect(server.session.id).not.toBe(before.id)
    expect(server.session.initialize).toEqual(before.initialize)
    const told = server.requests.all.map(({ body }) => body.toString())
    expect(told.some((text) => text.includes('notifications/initialized'))).toBe(true)
    expect((await client.call('who')).status).toBe(200)
    expect(server.requests.all.filter(({ body }) => body.includes('"initialize"'))).toHaveLength(1)
  })

  test('twenty calls that find out at once make one new session', async () => {
    const client = await LegacyClient.open(world.mcpUrl, token)
    server.forgetSessions()
    server.requests.forget()
    const answers = await Promise.all(Array.from({ length: 20 }, async () => (await client.call('who')).json()))
    expect(answers.every((answer) => JSON.stringify(answer).includes(server.session.id))).toBe(true)
    expect(server.sessions.size).toBe(1)
  })

  test.for([false, true])('the standing stream goes on, for a client that brings a cursor too (%s)', async (withCursor) => {
    const client = await LegacyClient.open(world.mcpUrl, token)
    const stream = await client.get()
    await expect.poll(() => server.session.standing.isRead).toBe(true)
    server.session.standing.notify({ step: 1 })
    await stream.message('"step":1')
    stream.leave()
    await stream.over
    server.forgetSessions()
    const rest = await client.get(withCursor ? stream.lastId : undefined)
    expect(rest.status).toBe(200)
    await expect.poll(() => server.sessions.size === 1 && server.session.standing.isRead, { timeout: 5000 }).toBe(true)
    server.session.standing.notify({ step: 2 })
    await rest.message('"step":2')
    expect(stepsOf(stream, rest)).toEqual([1, 2])
    rest.leave()
  })
})

test('a person has few sessions: the one used longest ago makes room, and the downstream is told', async () => {
  const first = await LegacyClient.open(world.mcpUrl, token)
  const { id } = server.session
  const more = []
  for (let n = 0; n < 5; n += 1) more.push(await LegacyClient.open(world.mcpUrl, token))
  expect((await first.call('who')).status).toBe(404)
  await expect.poll(() => server.deleted).toContain(id)
  expect(await Promise.all(more.map(async (client) => (await client.call('who')).status))).toEqual([200, 200, 200, 200, 200])
})
