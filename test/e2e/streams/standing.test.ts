// The standing GET stream of a session: what comes while nobody listens, who listens when two do, and what goes to the downstream.
import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { stepsOf } from '../../world/event-stream.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { scriptedWorld } from '../../world/scripted-world.ts'

const scripted = scriptedWorld({ resumable: true, exclusive: true })

async function listening() {
  const client = await scripted.open()
  const stream = await client.get()
  const { standing } = scripted.server.session
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
    scripted.server.requests.forget()
    // Written into the void: only this shows the runtime that the client has gone, and the object goes on reading.
    standing.notify({ step: 2 })
    await scripted.server.requests.find(({ method }) => method === 'GET')
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
    const { client, stream, call, feed } = await scripted.callWithStep()
    const second = await client.get(stream.lastId)
    expect([second.status, await stream.over, stream.closeReason]).toEqual([200, 'ended', 'superseded'])
    feed.respond(call.message.id, {})
    feed.end()
    await second.message('"result"')
    expect(await second.over).toBe('ended')
  })
})

interface Refusal {
  readonly status: number
  readonly type: string
  readonly body: string
}

function refused(res: ServerResponse, { status, type, body }: Refusal): void {
  res.writeHead(status, { 'content-type': type, 'content-length': String(Buffer.byteLength(body)) }).end(body)
}

const conflicts: [string, Refusal][] = [
  [
    '409 as most SDKs do',
    { status: 409, type: 'application/json', body: '{"error":"Only one SSE stream is allowed per session"}' },
  ],
  ['400 as mcp-go does', { status: 400, type: 'text/plain', body: 'Session registration failed: session already exists' }],
  [
    '400 as the C# SDK does',
    {
      status: 400,
      type: 'application/json',
      body: '{"error":"Bad Request: This server does not support multiple GET requests. Start a new session"}',
    },
  ],
]

describe('a server that still holds the old stream is asked again, and no cursor taken for lost, when it says', () => {
  test.for(conflicts)('%s, to a client that comes back', async ([, conflict]) => {
    const { client, stream, standing } = await listening()
    standing.notify({ step: 1 })
    await stream.message('"step":1')
    scripted.server.requests.forget()
    scripted.server.behave({ get: (res) => refused(res, conflict) })
    setTimeout(() => scripted.server.behave({}), 300)
    const again = await client.get(stream.lastId)
    expect(again.status).toBe(200)
    standing.notify({ step: 2 })
    await again.message('"step":2')
    const cursors = scripted.server.requests.all
      .filter(({ method }) => method === 'GET')
      .map(({ headers }) => headers['last-event-id'])
    expect([cursors.length > 1, new Set(cursors).size, cursors.includes(undefined)]).toEqual([true, 1, false])
    again.leave()
  })

  test.for(conflicts)('%s, to the object that reads on in place of a client that left', async ([, conflict]) => {
    const { client, stream, standing } = await listening()
    standing.notify({ step: 1 })
    await stream.message('"step":1')
    scripted.server.requests.forget()
    scripted.server.behave({ get: (res) => refused(res, conflict) })
    stream.leave()
    await stream.over
    standing.notify({ step: 2 })
    await scripted.server.requests.find(({ method }) => method === 'GET')
    scripted.server.behave({})
    await expect.poll(() => standing.isRead, { timeout: 5_000 }).toBe(true)
    const again = await client.get(stream.lastId)
    await again.message('"step":2')
    again.leave()
  })
})

test('a server that lost its sessions and answers GET 200 and an error, as tower-mcp does, is listened to again', async () => {
  const { client, stream } = await listening()
  const lost = {
    status: 200,
    type: 'application/json',
    body: '{"jsonrpc":"2.0","id":null,"error":{"message":"Session not found: x"}}',
  }
  scripted.server.behave({ unknownSession: (res) => refused(res, lost) })
  scripted.server.forgetSessions()
  await stream.over
  const again = await client.get()
  expect(again.status).toBe(200)
  await expect.poll(() => scripted.server.sessions.size === 1 && scripted.server.session.standing.isRead).toBe(true)
  scripted.server.behave({})
  again.leave()
})

describe('an answer that comes over another stream than its call’s is the only one: nothing is said to be lost', () => {
  test('over the standing stream', async () => {
    const { client, stream, standing } = await listening()
    const called = scripted.server.nextStream()
    const own = await client.stream('count', {}, 7)
    const { call, feed } = await called
    standing.respond(call.message.id, { found: true })
    expect((await stream.message('"found":true')).data).toContain('"id":7')
    expect(await own.over).toBe('ended')
    expect(own.messages).toEqual([])
    await expect.poll(() => feed.isRead).toBe(false)
    stream.leave()
  })

  test('over that of another call, which goes on', async () => {
    const client = await scripted.open()
    const first = scripted.server.nextStream()
    const one = await client.stream('count', {}, 'one')
    const { feed } = await first
    const second = scripted.server.nextStream()
    const two = await client.stream('count', {}, 'two')
    await second
    feed.respond('two', { found: 2 })
    await one.message('"found":2')
    expect([await two.over, two.messages]).toEqual(['ended', []])
    feed.respond('one', { found: 1 })
    await one.message('"found":1')
    expect(await one.over).toBe('ended')
  })
})

describe('to the downstream go', () => {
  test('its own session and event ids, and the version of the client', async () => {
    const { client, stream, standing } = await listening()
    standing.notify({ step: 1 })
    const seen = await stream.message('"step":1')
    expect(seen.id).toMatch(/^[\w-]{8,40}\.\d+$/)
    scripted.server.requests.forget()
    const second = await client.get(seen.id)
    const asked = await scripted.server.requests.find(({ method }) => method === 'GET')
    expect(asked.headers).toMatchObject({
      accept: 'text/event-stream',
      'mcp-session-id': scripted.server.session.id,
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
    const client = await scripted.open()
    scripted.server.requests.forget()
    const stream = await client.get(lastEventId)
    expect(stream.status).toBe(200)
    const asked = await scripted.server.requests.find(({ method }) => method === 'GET')
    expect(asked.headers).not.toHaveProperty('last-event-id')
    stream.leave()
  })
})

test('a downstream without standing streams says so through the broker', async () => {
  const client = new LegacyClient(scripted.world.mcpUrl, scripted.token)
  const answer = await client.get()
  expect(answer.status).toBe(405)
})
