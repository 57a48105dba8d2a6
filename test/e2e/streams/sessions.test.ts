// MCP sessions of the 2025 revisions: the broker's own ids, ended for good by DELETE, and kept although the downstream forgets.
import { beforeEach, describe, expect, test } from 'vitest'
import { stepsOf } from '../../world/event-stream.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { scriptedWorld } from '../../world/scripted-world.ts'

const scripted = scriptedWorld({ resumable: true }, { MAX_MCP_SESSIONS: '5' })

beforeEach(() => {
  scripted.server.requests.forget()
  scripted.server.onCall((call) => call.answer({ from: call.session?.id }))
})

const errorCode = (code: string) => ({ error: { data: { code } } })

describe('the id of a session', () => {
  test('is the broker’s own; the downstream’s is seen by nobody else, and the other way round', async () => {
    const client = await scripted.open()
    expect(client.sessionId).toMatch(/^[\w-]{20,}$/)
    const answer = await client.call('who')
    expect(answer.headers.get('mcp-session-id')).toBeNull()
    expect(await answer.json()).toMatchObject({ result: { from: scripted.server.session.id } })
    const standing = await client.get()
    const deleted = await client.delete()
    expect([standing, deleted].map(({ status }) => status)).toEqual([200, 200])
    // Some clients take the id of their session from any answer that has one.
    expect([standing.response, deleted].map(({ headers }) => headers.get('mcp-session-id'))).toEqual([null, null])
    expect(JSON.stringify(scripted.server.requests.all)).not.toContain(client.sessionId)
  })

  test('that nobody was given is answered 404, which makes a client begin anew', async () => {
    const client = await scripted.open()
    client.sessionId = 'a-session-of-somebody-else'
    scripted.server.requests.forget()
    const answers = [await client.call('who'), (await client.get()).response, await client.delete()]
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404])
    expect(await answers[0]?.json()).toMatchObject({ id: 1, ...errorCode('session_not_found') })
    expect(scripted.server.requests.all).toEqual([])
  })
})

describe('DELETE', () => {
  test('ends the session here and at the downstream, with its streams', async () => {
    const client = await scripted.open()
    const { id } = scripted.server.session
    const called = scripted.server.nextStream()
    const [standing, stream] = [await client.get(), await client.stream('count')]
    const { feed } = await called
    feed.notify({ step: 1 })
    await stream.message('"step":1')
    expect((await client.delete()).status).toBe(200)
    expect(scripted.server.deleted).toContain(id)
    expect(await Promise.all([standing.over, stream.over])).toEqual(['ended', 'ended'])
    expect(await Promise.all([client.call('who'), client.delete()].map(async (answer) => (await answer).status))).toEqual([
      404, 404,
    ])
    expect([(await client.get()).status, (await client.get(stream.lastId)).status]).toEqual([404, 404])
  })

  test('that names no session changes nothing', async () => {
    const client = new LegacyClient(scripted.world.mcpUrl, scripted.token)
    const answer = await client.delete()
    expect([answer.status, scripted.server.deleted.length]).toEqual([400, scripted.server.deleted.length])
  })
})

describe('when the downstream forgets the session', () => {
  test('its client never notices: the broker initializes again with what the client had said', async () => {
    const client = await scripted.open()
    const before = scripted.server.session
    scripted.server.forgetSessions()
    scripted.server.requests.forget()
    expect(await (await client.call('who')).json()).toMatchObject({ result: { from: scripted.server.session.id } })
    expect(scripted.server.session.id).not.toBe(before.id)
    expect(scripted.server.session.initialize).toEqual(before.initialize)
    const told = scripted.server.requests.all.map(({ body }) => body.toString())
    expect(told.some((text) => text.includes('notifications/initialized'))).toBe(true)
    expect((await client.call('who')).status).toBe(200)
    expect(scripted.server.requests.all.filter(({ body }) => body.includes('"initialize"'))).toHaveLength(1)
  })

  test('twenty calls that find out at once make one new session', async () => {
    const client = await scripted.open()
    scripted.server.forgetSessions()
    scripted.server.requests.forget()
    const answers = await Promise.all(Array.from({ length: 20 }, async () => (await client.call('who')).json()))
    expect(answers.every((answer) => JSON.stringify(answer).includes(scripted.server.session.id))).toBe(true)
    expect(scripted.server.sessions.size).toBe(1)
  })

  test.for([false, true])('the standing stream goes on, for a client that brings a cursor too (%s)', async (withCursor) => {
    const client = await scripted.open()
    const stream = await client.get()
    await expect.poll(() => scripted.server.session.standing.isRead).toBe(true)
    scripted.server.session.standing.notify({ step: 1 })
    await stream.message('"step":1')
    stream.leave()
    await stream.over
    scripted.server.forgetSessions()
    const rest = await client.get(withCursor ? stream.lastId : undefined)
    expect(rest.status).toBe(200)
    await expect
      .poll(() => scripted.server.sessions.size === 1 && scripted.server.session.standing.isRead, { timeout: 5000 })
      .toBe(true)
    scripted.server.session.standing.notify({ step: 2 })
    await rest.message('"step":2')
    expect(stepsOf(stream, rest)).toEqual([1, 2])
    rest.leave()
  })
})

test('a person has few sessions: the one used longest ago makes room, and the downstream is told', async () => {
  const first = await scripted.open()
  const { id } = scripted.server.session
  const more = []
  for (let n = 0; n < 5; n += 1) more.push(await scripted.open())
  expect((await first.call('who')).status).toBe(404)
  await expect.poll(() => scripted.server.deleted).toContain(id)
  expect(await Promise.all(more.map(async (client) => (await client.call('who')).status))).toEqual([200, 200, 200, 200, 200])
})
