// A client of 2026-07-28 in front of a server that speaks the legacy eras alone: what each of them gets of the other.
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import { brokerBefore } from '../../world/broker-before.ts'
import { credentialsFor } from '../../world/clients.ts'
import type { Feed } from '../../world/feed.ts'
import { fixture } from '../../world/fixture.ts'
import { ModernClient } from '../../world/modern-client.ts'
import { ScriptedServer, type Call } from '../../world/scripted-server.ts'

const the = fixture(async (closing) => {
  const server = await closing(ScriptedServer.start({ resumable: true }))
  const listed = [{ name: 'old', url: server.url, era_bridge: true }]
  return {
    server,
    ...(await brokerBefore(closing, server, { DOWNSTREAMS: JSON.stringify(listed), DOWNSTREAM_TIMEOUT: '4' }, 'old')),
  }
})
beforeEach(async () => {
  the.server.onCall((call) => call.answer({ content: [{ type: 'text', text: 'done' }] }))
  // What the server speaks is known then, and there is a session.
  await client().call('echo')
  the.server.requests.forget()
})

const client = (capabilities: object = {}) => new ModernClient(the.url, the.token, capabilities)
const sent = (method: string) =>
  the.server.requests.all.flatMap(({ body }) => (body.includes(`"${method}"`) ? [JSON.parse(body.toString())] : []))

const refuseWith = (error: object): void =>
  the.server.onCall(({ res, message: { id } }) => {
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, error }))
  })

describe('a request of 2026-07-28', () => {
  test('is asked as a client of the legacy eras asks, and answered as a server of 2026-07-28 answers', async () => {
    const answer = await client().call(
      'echo',
      { big: 1 },
      { id: 'listen:0', meta: { progressToken: 7, 'com.example/trace': 'x' } },
    )
    expect(answer.last).toEqual({
      jsonrpc: '2.0',
      id: 'listen:0',
      result: {
        content: [{ type: 'text', text: 'done' }],
        resultType: 'complete',
        _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'scripted', version: '1' } },
      },
    })
    expect(answer.headers.get('mcp-session-id')).toBeNull()
    const [asked] = sent('tools/call')
    expect(asked.id).not.toBe('listen:0')
    expect(asked.params).toEqual({
      name: 'echo',
      arguments: { big: 1 },
      _meta: { progressToken: asked.id, 'com.example/trace': 'x' },
    })
    const { headers } = the.server.requests.all.at(-1) ?? {}
    expect(headers).toMatchObject({
      'mcp-protocol-version': '2025-11-25',
      'mcp-session-id': the.server.session.id,
      'x-user-email': 'alice@example.com',
    })
    expect(Object.keys(headers ?? {}).filter((name) => name.startsWith('mcp-'))).toEqual([
      'mcp-protocol-version',
      'mcp-session-id',
    ])
  })

  test('is made in one session for the same client, and in another one for other capabilities', async () => {
    const before = the.server.sessions.size
    await client({ roots: {} }).call('echo')
    await client({ roots: {} }).call('echo')
    expect(the.server.sessions.size).toBe(before + 1)
    expect(the.server.session.initialize.params).toMatchObject({
      protocolVersion: '2025-11-25',
      capabilities: { roots: {} },
      clientInfo: { name: 'bare client' },
    })
  })

  test('keeps big integers and strange spellings on the way there and back', async () => {
    the.server.onCall(({ res, message: { id } }) => {
      res.writeHead(200, { 'content-type': 'application/json' })
      res.end(`{"jsonrpc":"2.0", "result" : {"n":9007199254740993123,"a":1,"a":2, "s":"\\u00e9"},"id":${JSON.stringify(id)}}`)
    })
    const body = `{"jsonrpc":"2.0","id":9007199254740993123,"method":"tools/call","params":{"name":"echo","arguments":{"n":1e999,"x":1,"x":2},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`
    const answer = await client().ask('tools/call', { name: 'echo' }, { body })
    expect(answer.text).toContain('"n":9007199254740993123,"a":1,"a":2, "s":"\\u00e9"')
    expect(answer.text).toContain('"id":9007199254740993123')
    expect(the.server.requests.all.at(-1)?.body.toString()).toMatch(/"arguments":\{"n":1e999,"x":1,"x":2\}\}\}$/)
  })

  test('server/discover is answered out of what the server said of itself', async () => {
    const { last } = await client().ask('server/discover')
    expect(last.result).toEqual({
      resultType: 'complete',
      supportedVersions: ['2026-07-28'],
      capabilities: { tools: {}, logging: {} },
      ttlMs: 0,
      cacheScope: 'private',
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'scripted', version: '1' } },
    })
  })

  test('a list says that it may not be kept, and nothing of the tasks of 2025-11-25', async () => {
    the.server.onCall((call) =>
      call.answer({ tools: [{ name: 'a', execution: { taskSupport: 'optional' }, inputSchema: { type: 'object' } }] }),
    )
    const { last } = await client().ask('tools/list')
    expect(last.result).toMatchObject({
      tools: [{ name: 'a', inputSchema: { type: 'object' } }],
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'private',
    })
    expect(JSON.stringify(last.result)).not.toContain('execution')
  })
})

describe('an error of the server', () => {
  test.for<[string, object, number, object]>([
    ['that a method is unknown is 404', { code: -32601, message: 'no' }, 404, { code: -32601, message: 'no' }],
    [
      'that a resource is unknown gets the later code',
      { code: -32002, message: 'none', data: { uri: 'x:y' } },
      200,
      { code: -32602, message: 'none', data: { uri: 'x:y' } },
    ],
    [
      'of the codes that are reserved now is told inside another',
      { code: -32050, message: 'x' },
      200,
      { code: -32603, message: 'x', data: { original: { code: -32050, message: 'x' } } },
    ],
    ['of its own passes', { code: -32000, message: 'x', data: 1 }, 200, { code: -32000, message: 'x', data: 1 }],
  ])('%s', async ([, error, status, told]) => {
    refuseWith(error)
    const answer = await client().ask('resources/read', { uri: 'x:y' })
    expect([answer.status, answer.last.error]).toEqual([status, told])
  })

  test('a server that is away is 502', async () => {
    the.server.onCall(({ res }) => void res.destroy())
    const answer = await client().call('echo')
    expect([answer.status, answer.last.error?.data]).toEqual([502, expect.objectContaining({ code: 'downstream_unreachable' })])
  })

  test('that the person has to go somewhere first is a question, and then the call is made anew', async () => {
    const refusal = {
      code: -32042,
      message: 'first',
      data: { elicitations: [{ mode: 'url', message: 'Sign in', url: 'https://x.example/', elicitationId: 'e' }] },
    }
    refuseWith(refusal)
    const asked = await client({ elicitation: { url: {} } }).call('ask', { a: 1 })
    expect(asked.last.result?.['inputRequests']).toEqual({
      q1: { method: 'elicitation/create', params: { mode: 'url', message: 'Sign in', url: 'https://x.example/' } },
    })
    const declined = await client({ elicitation: {} }).call('ask', { a: 1 })
    expect([declined.status, declined.last.error?.code]).toEqual([400, -32021])
    const come = async (requestState: unknown, inputResponses: object) =>
      await client({ elicitation: { url: {} } }).call('ask', { a: 1 }, {}, { inputResponses, requestState })
    const again = await come(asked.last.result?.['requestState'], { q1: { action: 'accept' } })
    expect(Object.keys(again.last.result?.['inputRequests'] ?? {})).toEqual(['q2'])
    the.server.onCall((call) => call.answer({ content: [], anew: true }))
    const anew = await come(again.last.result?.['requestState'], { q2: { action: 'accept' } })
    expect(anew.last.result).toMatchObject({ resultType: 'complete', anew: true })
  })

  test('that the person has to go to nine places first is more than can be asked', async () => {
    const place = { mode: 'url', message: 'Sign in', url: 'https://x.example/', elicitationId: 'e' }
    const error = { code: -32042, message: 'first', data: { elicitations: Array.from({ length: 9 }, () => place) } }
    refuseWith(error)
    const { last } = await client({ elicitation: { url: {} } }).call('ask')
    expect(last.error).toMatchObject({ code: -32603, data: { code: 'not_translatable' } })
  })

  test('that is none to the request is 200, and names the request', async () => {
    the.server.onCall(({ res }) => void res.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
    const { headers, last } = await client().call('echo')
    expect(last.error).toMatchObject({ data: { code: 'downstream_broken', request_id: headers.get('x-request-id') } })
  })
})

describe('while a call goes on', () => {
  test('progress comes with the token of whoever asked, and the response ends the stream', async () => {
    const calling = the.server.nextStream()
    const streaming = client().stream('tools/call', { name: 'slow' }, { id: 5, meta: { progressToken: 5 } })
    const { call, feed } = await calling
    feed.send({
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { progressToken: call.message.id, progress: 1 },
    })
    const stream = await streaming
    expect(JSON.parse((await stream.message('notifications/progress')).data ?? '').params).toEqual({
      progressToken: 5,
      progress: 1,
    })
    feed.respond(call.message.id, { content: [] })
    expect(await stream.over).toBe('ended')
    expect(JSON.parse(stream.messages.at(-1)?.data ?? '')).toMatchObject({ id: 5, result: { resultType: 'complete' } })
    expect(stream.lastId).toBeUndefined()
  })

  test('log messages come at the level it asked for and on no other call', async () => {
    await client().call('echo', {}, { meta: { 'io.modelcontextprotocol/logLevel': 'warning' } })
    expect(sent('logging/setLevel').map(({ params }) => params.level)).toEqual(['warning'])
    const calling = the.server.nextStream()
    const streaming = client().stream('tools/call', { name: 'slow' }, { meta: { 'io.modelcontextprotocol/logLevel': 'warning' } })
    const { call, feed } = await calling
    const log = (level: string) => feed.send({ jsonrpc: '2.0', method: 'notifications/message', params: { level, data: level } })
    log('info')
    log('error')
    feed.respond(call.message.id, { content: [] })
    const stream = await streaming
    await stream.over
    expect(stream.messages.map(({ data }) => JSON.parse(data ?? '').params?.level)).toEqual(['error', undefined])
  })

  test('a client that leaves cancels it at the server, whether or not something was said', async () => {
    const streams: { readonly call: Call; readonly feed: Feed }[] = []
    the.server.onCall((call) => void streams.push({ call, feed: call.stream() }))
    const leave = new AbortController()
    const silent = client().send('tools/call', { name: 'slow' }, {}, leave.signal)
    const streaming = client().stream('tools/call', { name: 'slow' }, { meta: { progressToken: 1 } })
    await expect.poll(() => streams.length).toBe(2)
    for (const { call, feed } of streams)
      feed.send({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: call.message.id, progress: 1 } })
    const stream = await streaming
    await stream.message('notifications/progress')
    stream.leave()
    leave.abort()
    await silent.catch(() => undefined)
    await expect
      .poll(() => new Set(sent('notifications/cancelled').map(({ params }) => params.requestId)))
      .toEqual(new Set(streams.map(({ call }) => call.message.id)))
    await expect.poll(() => streams.some(({ feed }) => feed.isRead)).toBe(false)
  })

  test('two clients with the same id of a request each get their own answer', async () => {
    const bob = new ModernClient(the.url, (await credentialsFor('bob', the.url)).accessToken)
    the.server.onCall(async (call) => {
      const name = String(call.message.params?.['name'])
      await sleep(name === 'a' ? 60 : 10)
      call.answer({ content: [], name })
    })
    const answers = await Promise.all([
      client().call('a', {}, { id: 1 }),
      client().call('b', {}, { id: 1 }),
      bob.call('c', {}, { id: 1 }),
    ])
    expect(answers.map(({ last }) => [last.id, last.result?.['name']])).toEqual([
      [1, 'a'],
      [1, 'b'],
      [1, 'c'],
    ])
  })

  test('a session the server has lost is opened again, and nobody notices', async () => {
    await client().call('echo')
    the.server.forgetSessions()
    const answer = await client().call('echo')
    expect([answer.status, answer.last.result?.['resultType']]).toEqual([200, 'complete'])
  })
})
