// Clients of the older revisions in front of a server that knows 2026-07-28 alone: sessions, calls, streams and their ends.
import { beforeEach, describe, expect, test } from 'vitest'
import { fixture } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { startModernBehind } from '../../world/modern-behind.ts'
import { SseClient } from '../../world/sse-client.ts'

const the = fixture((closing) => startModernBehind(closing))

beforeEach(() => {
  the.server.requests.forget()
  the.server.listens.length = 0
  the.server.honours = (filter) => filter
  the.server.onCall((call) => call.answer({ content: [] }))
})

const open = async (options = {}): Promise<LegacyClient> => await LegacyClient.open(the.world.mcpUrl, the.token, options)
const request = (id: unknown, method: string, params: object = {}): object => ({ jsonrpc: '2.0', id, method, params })

describe('a client of the older revisions', () => {
  test('is initialized with what server/discover says, and its session is the broker’s', async () => {
    const client = new LegacyClient(the.world.mcpUrl, the.token)
    const clientInfo = { name: 'old', version: '1' }
    const params = { protocolVersion: '2025-06-18', capabilities: { roots: { listChanged: true }, tasks: {} }, clientInfo }
    const answer = await client.post(request('one', 'initialize', params))
    expect([answer.status, answer.headers.has('mcp-session-id')]).toEqual([200, true])
    expect(await answer.json()).toEqual({
      jsonrpc: '2.0',
      id: 'one',
      result: {
        protocolVersion: '2025-06-18',
        capabilities: the.server.capabilities,
        serverInfo: { name: 'scripted', version: '2' },
      },
    })
    const asked = await the.server.requests.find(({ headers }) => headers['mcp-method'] === 'server/discover')
    expect(JSON.parse(asked.body.toString())).toMatchObject({
      params: {
        _meta: {
          'io.modelcontextprotocol/clientInfo': clientInfo,
          'io.modelcontextprotocol/clientCapabilities': { roots: {} },
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        },
      },
    })
  })

  test('calls a tool: not a byte of it changes but what the era adds, and nothing of a session goes along', async () => {
    const client = await open()
    the.server.onCall(
      ({ res }) =>
        void res
          .writeHead(200, { 'content-type': 'application/json' })
          .end('{"jsonrpc":"2.0","id":1.0,"result":{"big":12345678901234567890,"content":[],"resultType":"complete","ttlMs":1}}'),
    )
    const text = '{"jsonrpc":"2.0","id":1.0,"method":"tools/call","params":{"name":"né","arguments":{"n":12345678901234567890}}}'
    const answer = await client.post(text)
    expect([answer.status, await answer.text()]).toEqual([
      200,
      '{"jsonrpc":"2.0","id":1.0,"result":{"big":12345678901234567890,"content":[]}}',
    ])
    const { headers, body } = await the.server.requests.find(({ headers: sent }) => sent['mcp-method'] === 'tools/call')
    expect(body.toString().startsWith(text.slice(0, -2))).toBe(true)
    expect(headers).toMatchObject({ 'mcp-protocol-version': '2026-07-28', 'mcp-name': '=?base64?bsOp?=' })
    expect(headers).not.toHaveProperty('mcp-session-id')
  })

  test.for<[string, string, object, number, number, unknown, object]>([
    ['a method the server does not know', 'nope', {}, -32_601, 404, undefined, { code: -32_601 }],
    ['a resource that is not there', 'resources/read', { uri: 'a:b' }, -32_602, 400, { uri: 'a:b' }, { code: -32_002 }],
    ['parameters that are wrong', 'resources/read', { uri: 'a:b' }, -32_602, 400, undefined, { code: -32_602 }],
    [
      'a capability it never heard of',
      'tools/call',
      { name: 'x' },
      -32_021,
      400,
      { requiredCapabilities: {} },
      { code: -32_603 },
    ],
  ])('is told of %s with 200, and its session goes on', async ([, method, params, code, status, data, error]) => {
    const client = await open()
    the.server.onCall((call) => call.refuse(code, 'no', data, status))
    const answer = await client.post(request(5, method, params))
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ id: 5, error })
    expect(await (await client.post(request(6, 'ping'))).json()).toEqual({ jsonrpc: '2.0', id: 6, result: {} })
  })

  test('is told that the server is not there as it always was', async () => {
    const client = await open()
    the.server.onCall(({ res }) => void res.writeHead(503).end('busy'))
    expect((await client.call('x')).status).toBe(503)
    the.server.onCall(({ res }) => void res.writeHead(404).end('<html>'))
    expect(await (await client.call('x')).json()).toMatchObject({ error: { code: -32_603 } })
  })

  test('sets its log level once, and it goes with every request', async () => {
    const client = await open()
    expect(await (await client.post(request(1, 'logging/setLevel', { level: 'loud' }))).json()).toMatchObject({
      error: { code: -32_602 },
    })
    expect(await (await client.post(request(2, 'logging/setLevel', { level: 'debug' }))).json()).toMatchObject({ result: {} })
    await (await client.call('x')).text()
    const { body } = await the.server.requests.find(({ headers }) => headers['mcp-method'] === 'tools/call')
    expect(body.toString()).toContain('"io.modelcontextprotocol/logLevel":"debug"')
  })

  test('may leave a call and come back for the rest, although the server knows no way back', async () => {
    const client = await open()
    const begun = Promise.withResolvers<ReturnType<Parameters<Parameters<typeof the.server.onCall>[0]>[0]['stream']>>()
    the.server.onCall((call) => begun.resolve(call.stream()))
    const stream = await client.stream('slow', {}, 'left')
    const feed = await begun.promise
    feed.notify('notifications/progress', { progressToken: 1, progress: 1 })
    const { id } = await stream.message('"progress":1')
    stream.leave()
    feed.notify('notifications/progress', { progressToken: 1, progress: 2 })
    feed.answer({ content: [{ type: 'text', text: 'done' }] })
    const rest = await client.get(id)
    await rest.message('"progress":2')
    expect(JSON.parse((await rest.message('done')).data ?? '')).toEqual({
      jsonrpc: '2.0',
      id: 'left',
      result: { content: [{ type: 'text', text: 'done' }] },
    })
  })

  test('takes a call back, and the server sees that its request is over', async () => {
    const client = await open()
    the.server.onCall((call) => void call.stream())
    const stream = await client.stream('slow', {}, 9)
    const asked = await the.server.requests.find(({ headers }) => headers['mcp-method'] === 'tools/call')
    const params = { requestId: 9 }
    expect((await client.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params })).status).toBe(202)
    await asked.closed
    expect([asked.aborted, await stream.over]).toEqual([true, 'ended'])
  })

  test.for<[string, (res: (message: object) => void) => void, RegExp]>([
    ['answers with another kind of result', (say) => say({ id: 3, result: { resultType: 'task' } }), /broke the protocol/],
    ['asks something on the stream', (say) => say({ id: 'q', method: 'roots/list' }), /a request of its own/],
    ['ends without an answer', () => undefined, /ended its event stream/],
    ['answers somebody else', (say) => say({ id: 4, result: {} }), /ended its event stream/],
  ])('gets an error when the server %s', async ([, script, says]) => {
    const client = await open()
    the.server.onCall(({ res }) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      script((message) => void res.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`))
      res.end()
    })
    const stream = await client.stream('x', {}, 3)
    const { data = '' } = await stream.message('"error"')
    expect(JSON.parse(data)).toMatchObject({ id: 3, error: { code: -32_603, message: expect.stringMatching(says) } })
  })

  test('of 2025-03-26 sends a batch, and every request of it is answered once', async () => {
    const client = await open({ version: '2025-03-26' })
    the.server.onCall(({ message: { id, params = {} }, answer, refuse }) =>
      params['name'] === 'bad' ? refuse(-32_602) : answer({ id }),
    )
    const calls = ['a', 'bad', 'b'].map((name, id) => request(id, 'tools/call', { name }))
    const stream = await client.open([...calls, { jsonrpc: '2.0', method: 'notifications/initialized' }, request('p', 'ping')])
    expect(await stream.over).toBe('ended')
    const answers = stream.messages
      .map(({ data = '' }) => JSON.parse(data))
      .toSorted((a, b) => (String(a.id) < String(b.id) ? -1 : 1))
    expect(answers).toMatchObject([
      { id: 0, result: { id: 0 } },
      { id: 1, error: {} },
      { id: 2, result: { id: 2 } },
      { id: 'p', result: {} },
    ])
  })

  test('of 2024-11-05 speaks HTTP+SSE', async () => {
    const client = await SseClient.open(`${the.world.brokerUrl}/sse`, the.token)
    the.server.onCall((call) => call.answer({ content: [{ type: 'text', text: 'over SSE' }] }))
    await client.call('x', {}, 77)
    expect(JSON.parse((await client.stream.message('over SSE')).data ?? '')).toMatchObject({ id: 77 })
    await expect.poll(() => the.server.listens.length).toBe(1)
    the.server.listens[0]?.stream.notify('notifications/tools/list_changed')
    await client.stream.message('list_changed')
    client.stream.leave()
  })
})

describe('what the server says unasked', () => {
  test('reaches the standing stream, and is said again to be sure when the server broke off', async () => {
    const client = await open()
    const standing = await client.get()
    expect(standing.status).toBe(200)
    await expect.poll(() => the.server.listens.length).toBe(1)
    expect(the.server.listens[0]?.filter).toEqual({ toolsListChanged: true, resourcesListChanged: true })
    the.server.listens[0]?.stream.notify('notifications/tools/list_changed', {
      _meta: { 'io.modelcontextprotocol/subscriptionId': 1 },
    })
    expect(JSON.parse((await standing.message('tools/list_changed')).data ?? '')).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/tools/list_changed',
      params: { _meta: {} },
    })
    the.server.listens[0]?.stream.cut()
    await standing.message('resources/list_changed')
    expect(the.server.listens).toHaveLength(2)
    standing.leave()
  })

  test('of a resource reaches who subscribed to it, and nobody who could not', async () => {
    const client = await open()
    const standing = await client.get()
    const subscribed = await client.post(request(1, 'resources/subscribe', { uri: 'file:///a' }))
    expect(await subscribed.json()).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
    await expect.poll(() => the.server.listens.filter(({ stream }) => stream.isOpen()).length).toBe(1)
    const current = the.server.listens.at(-1)
    expect(current?.filter).toMatchObject({ toolsListChanged: true, resourceSubscriptions: ['file:///a'] })
    current?.stream.notify('notifications/resources/updated', { uri: 'file:///a' })
    await standing.message('file:///a')
    the.server.honours = () => ({ toolsListChanged: true, resourceSubscriptions: ['file:///a'] })
    const refused = await client.post(request(2, 'resources/subscribe', { uri: 'file:///b' }))
    expect(await refused.json()).toMatchObject({ error: { code: -32_602 } })
    expect(current?.stream.isOpen()).toBe(true)
    expect(await (await client.post(request(3, 'resources/unsubscribe', { uri: 'file:///a' }))).json()).toMatchObject({
      result: {},
    })
    standing.leave()
  })

  test('ends at once when access is taken back', async () => {
    const { accessToken, refreshToken } = await the.broker.signIn('alice', { changes: { resource: the.world.mcpUrl } })
    const client = await LegacyClient.open(the.world.mcpUrl, accessToken)
    const standing = await client.get()
    await expect.poll(() => the.server.listens.length).toBe(1)
    await the.broker.revoke(refreshToken)
    expect([await standing.over, standing.closeReason]).toEqual(['ended', 'credential_revoked'])
    await expect.poll(() => the.server.listens[0]?.stream.isOpen()).toBe(false)
  })

  test('is nothing where it declares nothing: its client is told so', async () => {
    const capabilities = the.server.capabilities
    the.server.capabilities = { tools: {} }
    const client = await open()
    the.server.capabilities = capabilities
    expect((await client.get()).status).toBe(405)
  })
})

describe('a server that is replaced', () => {
  test('by one of the other era goes on being used, and its clients notice nothing', async () => {
    const client = await open()
    const called = async (id: number) => await (await client.call('x', {}, id)).json()
    expect(await called(1)).toEqual({ jsonrpc: '2.0', id: 1, result: { content: [] } })
    the.server.becomeLegacy()
    expect(await called(2)).toEqual({ jsonrpc: '2.0', id: 2, result: { was: 'tools/call' } })
    the.server.becomeModern()
    expect(await called(3)).toEqual({ jsonrpc: '2.0', id: 3, result: { content: [] } })
  })
})
