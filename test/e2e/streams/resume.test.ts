// A client of the 2025 revisions that loses its connection in the middle of a call gets the rest: once, and in order.
import { beforeEach, describe, expect, test } from 'vitest'
import { stepsOf } from '../../world/event-stream.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { scriptedWorld } from '../../world/scripted-world.ts'

const scripted = scriptedWorld()

beforeEach(() => {
  scripted.server.behaviour.resumable = true
})

describe('a client that lost its connection', () => {
  test.for([true, false])('gets what it missed, then the rest as it comes (downstream resumable: %s)', async (resumable) => {
    scripted.server.behaviour.resumable = resumable
    const { client, stream, call, feed } = await scripted.call()
    for (let step = 1; step <= 3; step += 1) feed.notify({ step })
    await stream.message('"step":2')
    stream.leave()
    await stream.over
    for (let step = 4; step <= 6; step += 1) feed.notify({ step })
    const rest = await client.get(stream.lastId)
    await rest.message('"step":6')
    feed.notify({ step: 7 })
    feed.respond(call.message.id, { content: [] })
    feed.end()
    await rest.message('"result"')
    expect(await rest.over).toBe('ended')
    expect(stepsOf(stream, rest)).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  test('may lose it again and again, and come back from any event it saw', async () => {
    const client = await scripted.open()
    const called = scripted.server.nextStream()
    const first = await client.stream('count')
    const { feed } = await called
    const seen = [first]
    for (let step = 1; step <= 20; step += 1) {
      feed.notify({ step })
      const stream = seen.at(-1) ?? first
      await stream.message(`"step":${step}`)
      stream.leave()
      await stream.over
      seen.push(await client.get(stream.lastId))
    }
    expect(stepsOf(...seen)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    const again = await client.get(first.lastId)
    await again.message('"step":20')
    expect(stepsOf(again)).toEqual(Array.from({ length: 19 }, (_, index) => index + 2))
    again.leave()
  })

  test('gets the result although it came when nobody was there', async () => {
    const { client, stream, call, feed } = await scripted.lostCall()
    feed.respond(call.message.id, { content: [] })
    feed.end()
    const rest = await client.get(stream.lastId)
    expect(await rest.over).toBe('ended')
    expect(rest.messages.map(({ data }) => data)).toEqual([`{"jsonrpc":"2.0","id":${call.message.id},"result":{"content":[]}}`])
    const nothing = await client.get(rest.lastId)
    // 405 is what clients take for the end; an empty stream would make them ask for ever.
    expect([nothing.status, nothing.response.headers.get('allow')]).toEqual([405, 'POST, DELETE'])
  })

  test('gets an answer of five megabytes that came when nobody was there, whole', async () => {
    const { client, stream, call, feed } = await scripted.lostCall()
    const content = 'é€😀x'.repeat(512 * 1024)
    feed.respond(call.message.id, { content })
    feed.end()
    const rest = await client.get(stream.lastId)
    expect(await rest.over).toBe('ended')
    const [data = ''] = rest.messages.map((event) => event.data)
    expect(data === `{"jsonrpc":"2.0","id":${call.message.id},"result":{"content":"${content}"}}`).toBe(true)
  })

  test('may resume without a session, where the downstream keeps none', async () => {
    const client = new LegacyClient(scripted.world.mcpUrl, scripted.token)
    const called = scripted.server.nextStream()
    const stream = await client.stream('count')
    const { call, feed } = await called
    feed.notify({ step: 1 })
    await stream.message('"step":1')
    stream.leave()
    feed.respond(call.message.id, {})
    feed.end()
    const rest = await client.get(stream.lastId)
    await rest.over
    expect(rest.messages.map(({ data }) => data)).toEqual([`{"jsonrpc":"2.0","id":${call.message.id},"result":{}}`])
  })
})

describe('when the downstream', () => {
  test('breaks the connection, the broker resumes and the client never notices', async () => {
    const { stream, call, feed } = await scripted.callWithStep()
    feed.cut()
    feed.notify({ step: 2 })
    feed.notify({ step: 3 })
    feed.respond(call.message.id, {})
    feed.end()
    await stream.message('"result"')
    expect([await stream.over, stepsOf(stream)]).toEqual(['ended', [1, 2, 3]])
    expect(scripted.server.requests.last).toMatchObject({
      method: 'GET',
      headers: {
        'last-event-id': expect.stringMatching(/^call\d+~1$/),
        'mcp-session-id': scripted.server.session.id,
        'mcp-protocol-version': '2025-11-25',
      },
    })
  })

  test('breaks the connection and can not resume, the client gets an error and not silence', async () => {
    scripted.server.behaviour.resumable = false
    const client = await scripted.open()
    const called = scripted.server.nextStream()
    const stream = await client.stream('count', {}, '9007199254740993')
    const { feed } = await called
    feed.notify({ step: 1 })
    await stream.message('"step":1')
    feed.cut()
    await stream.over
    expect(JSON.parse(stream.messages.at(-1)?.data ?? '')).toMatchObject({
      id: '9007199254740993',
      error: { code: -32603, data: { code: 'downstream_broken' } },
    })
  })

  test('ends a stream it has not finished, a client of 2025-11-25 is sent away to come again', async () => {
    const { client, stream, call, feed } = await scripted.callWithStep()
    feed.pause()
    expect([await stream.over, stream.events.at(-1)?.retry]).toEqual(['ended', 1000])
    feed.notify({ step: 2 })
    const rest = await client.get(stream.lastId)
    await rest.message('"step":2')
    feed.respond(call.message.id, {})
    feed.end()
    await rest.over
    expect(stepsOf(stream, rest)).toEqual([1, 2])
  })

  test('ends a stream it has not finished, an older client stays and gets the rest', async () => {
    const client = await scripted.open({ version: '2025-03-26' })
    const called = scripted.server.nextStream()
    const stream = await client.stream('count')
    const { call, feed } = await called
    feed.notify({ step: 1 })
    await stream.message('"step":1')
    feed.pause()
    feed.notify({ step: 2 })
    feed.respond(call.message.id, {})
    feed.end()
    await stream.message('"result"')
    expect([await stream.over, stepsOf(stream)]).toEqual(['ended', [1, 2]])
  })
})

describe('a stream begins with', () => {
  test('an id to resume from and a time to wait, for a client of 2025-11-25', async () => {
    const { client, stream, feed } = await scripted.call()
    const priming = await stream.find(({ id }) => id !== undefined)
    expect(priming).toMatchObject({ data: '', retry: 1000, id: expect.stringMatching(/^[\w-]+\.0$/) })
    expect(stream.events[0]?.comment).toBe('ok')
    stream.leave()
    feed.notify({ step: 1 })
    const rest = await client.get(priming.id)
    await rest.message('"step":1')
    rest.leave()
  })

  test.for(['2025-03-26', '2025-06-18'] as const)('nothing an older client would trip over: %s', async (version) => {
    const client = await scripted.open({ version })
    const called = scripted.server.nextStream()
    const stream = await client.stream('count')
    const { feed } = await called
    feed.notify({ step: 1 })
    await stream.message('"step":1')
    expect(stream.events.filter(({ comment }) => comment === undefined)).toMatchObject([
      { id: expect.stringMatching(/^[\w-]+\.\d+$/), retry: undefined, data: expect.stringContaining('"step":1') },
    ])
    stream.leave()
  })
})
