// A client takes a request back (MCP, "Cancellation"): the server is told and let go, the place is free, and nobody answers any more.
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { credentialsFor } from '../../world/clients.ts'
import type { EventStream } from '../../world/event-stream.ts'
import { fixture, perTest } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { ScriptedServer, type Call } from '../../world/scripted-server.ts'
import { SseClient } from '../../world/sse-client.ts'
import { startWorld } from '../../world/world.ts'

const MAX_STREAMS = 6

const the = fixture(async (closing) => {
  const server = await closing(ScriptedServer.start())
  const world = await closing(
    startWorld({
      overrides: { DOWNSTREAM_MCP_URL: server.url, MAX_STREAMS: String(MAX_STREAMS), RATE_LIMIT_REQUESTS: '100000' },
    }),
  )
  const token = (await credentialsFor('alice', world.mcpUrl)).accessToken
  return { server, world, token }
})

const its = perTest(() => {
  const calls: Call[] = []
  the.server.behaviour.resumable = false
  the.server.onCall((call) => void calls.push(call))
  the.server.onNotification((_message, res) => void res.writeHead(202).end())
  the.server.requests.forget()
  return { calls }
})

const cancelled = (requestId: unknown): object => ({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } })
const list = (id: number): object => ({ jsonrpc: '2.0', id, method: 'tools/list' })
const methodsOf = (method: string): number => the.server.requests.all.filter((request) => request.method === method).length
const openPosts = (): number => the.server.requests.open.filter(({ method }) => method === 'POST').length

/** A call that has begun to be answered as a stream. */
async function begun(client: LegacyClient, id: string | number): Promise<EventStream> {
  the.server.onCall((call) => {
    its.calls.push(call)
    call.stream().notify({ step: 1 })
  })
  const stream = await client.stream('count', {}, id)
  await stream.message('"step":1')
  return stream
}

describe('a call that is taken back', () => {
  test('ends without a word, its server is let go after it was told, and its place is free', async () => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.token)
    for (let id = 1; id <= MAX_STREAMS * 2; id += 1) {
      const stream = await begun(client, id)
      expect((await client.post(cancelled(id))).status).toBe(202)
      expect(await stream.over).toBe('ended')
      expect(stream.messages).toHaveLength(1)
    }
    await expect.poll(openPosts).toBe(0)
    const told = the.server.requests.all.filter(({ body }) => body.includes('cancelled'))
    expect(told).toHaveLength(MAX_STREAMS * 2)
    expect((await client.get()).status).toBe(200)
    await client.delete()
  })

  test('can be taken back when every place is taken', async () => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.token)
    const streams = []
    for (let id = 1; id <= MAX_STREAMS; id += 1) streams.push(await begun(client, id))
    expect((await client.call('count', {}, 99)).status).toBe(429)
    expect((await client.post(cancelled(3))).status).toBe(202)
    await streams[2]?.over
    expect((await begun(client, 100)).status).toBe(200)
    await client.delete()
  })

  test('before the server has begun to answer it is a 202 to whoever still reads', async () => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.token)
    const answering = client.call('count', {}, 'slow')
    await expect.poll(() => its.calls.length).toBe(1)
    expect((await client.post(cancelled('slow'))).status).toBe(202)
    const answer = await answering
    expect([answer.status, await answer.text()]).toEqual([202, ''])
    await expect.poll(openPosts).toBe(0)
  })

  test('is not asked for again when the server closes its stream, as it should', async () => {
    the.server.behaviour.resumable = true
    const client = await LegacyClient.open(the.world.mcpUrl, the.token, { version: '2025-06-18' })
    const stream = await begun(client, 7)
    the.server.onNotification((_message, res) => {
      its.calls[0]?.res.end()
      setTimeout(() => res.writeHead(202).end(), 100)
    })
    await client.post(cancelled(7))
    expect(await stream.over).toBe('ended')
    await sleep(1_300)
    expect([stream.messages.length, methodsOf('GET')]).toEqual([1, 0])
  })

  test('is answered by nobody, not when the session ends and not after a restart', async () => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.token)
    const stream = await begun(client, 7)
    const other = await begun(client, 8)
    await client.post(cancelled(7))
    await stream.over
    await the.world.restartRuntime()
    await other.over
    const rest = await client.get(stream.lastId)
    expect(rest.status).toBe(405)
    const lost = await client.get(other.lastId)
    expect((await lost.message('"id":8')).data).toContain('"error"')
    await client.delete()
  })

  test('is taken back although its client is gone before the server has answered that', async () => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.token)
    await begun(client, 7)
    const leave = new AbortController()
    the.server.onNotification((_message, res) => {
      leave.abort()
      setTimeout(() => res.writeHead(202).end(), 200)
    })
    await expect(client.post(cancelled(7), {}, leave.signal)).rejects.toThrow(/abort/)
    await expect.poll(openPosts, { timeout: 5_000 }).toBe(0)
  })
})

describe('what is not taken back', () => {
  test.for<[string, unknown]>([
    ['an id of the other type', '7'],
    ['an id nobody has asked with', 8],
    ['no id', undefined],
    ['an object', { id: 7 }],
  ])('by %s goes on, and the server is told all the same', async ([, requestId]) => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.token)
    const stream = await begun(client, 7)
    expect((await client.post(cancelled(requestId))).status).toBe(202)
    its.calls[0]?.res.end('data: {"jsonrpc":"2.0","id":7,"result":{}}\n\n')
    await stream.message('"result"')
    expect(the.server.requests.all.filter(({ body }) => body.includes('cancelled'))).toHaveLength(1)
  })

  test('is a call of another session with the same id', async () => {
    const [one, other] = [
      await LegacyClient.open(the.world.mcpUrl, the.token),
      await LegacyClient.open(the.world.mcpUrl, the.token),
    ]
    const stream = await begun(one, 7)
    await other.post(cancelled(7))
    its.calls[0]?.res.end('data: {"jsonrpc":"2.0","id":7,"result":{}}\n\n')
    expect((await stream.message('"result"')).data).toContain('"id":7')
  })

  test('is an answer that was there before', async () => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.token)
    const stream = await begun(client, 7)
    its.calls[0]?.res.write('data: {"jsonrpc":"2.0","id":7,"result":{}}\n\n')
    await stream.message('"result"')
    await client.post(cancelled(7))
    expect(await stream.over).toBe('ended')
    expect(stream.messages).toHaveLength(2)
  })

  test('is the rest of a batch; a late answer to the part that was is dropped', async () => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.token, { version: '2025-03-26' })
    the.server.onCall((call) => {
      its.calls.push(call)
      call.stream().notify({ step: 1 })
    })
    const stream = await client.open([list(1), list(2)])
    await stream.message('"step":1')
    await client.post([cancelled(1)])
    its.calls[0]?.res.write('data: {"jsonrpc":"2.0","id":1,"result":{}}\n\ndata: {"jsonrpc":"2.0","id":2,"result":{}}\n\n')
    await stream.over
    expect(stream.messages.map(({ data }) => data)).toEqual([
      expect.stringContaining('"step":1'),
      '{"jsonrpc":"2.0","id":2,"result":{}}',
    ])
  })
})

test('a client of HTTP+SSE hears nothing of a call it took back, and its server is let go', async () => {
  const client = await SseClient.open(`${the.world.brokerUrl}/sse`, the.token)
  the.server.onCall((call) => {
    its.calls.push(call)
    call.stream().notify({ step: 1 })
  })
  await client.call('count', {}, 7)
  await client.stream.message('"step":1')
  expect((await client.post(cancelled(7))).status).toBe(202)
  await expect.poll(openPosts).toBe(0)
  the.server.onCall((call) => call.answer({ next: true }))
  await client.call('count', {}, 8)
  await client.stream.message('"next":true')
  expect(client.stream.messages.filter(({ data }) => data?.includes('"id":7'))).toEqual([])
  client.stream.leave()
})

describe('what is no request', () => {
  test.for<[number, string]>([
    [202, 'text/event-stream'],
    [200, 'text/event-stream'],
    [202, 'application/json'],
  ])('is a 202 to its client where the server answers %s with %s that never ends', async ([status, type]) => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.token)
    the.server.onNotification((_message, res) => void res.writeHead(status, { 'content-type': type }).write('data: {}\n\n'))
    for (const message of [
      { jsonrpc: '2.0', method: 'notifications/roots/list_changed' },
      { jsonrpc: '2.0', id: 'asked', result: {} },
    ]) {
      const answer = await client.post(message)
      expect([answer.status, await answer.text()]).toEqual([202, ''])
    }
    await expect.poll(openPosts).toBe(0)
  })
})
