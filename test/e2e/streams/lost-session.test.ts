// A session at the downstream is lost when that is proven, and not before: what servers answer while it lives, and when it is gone.
import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { BrokerClient, postHeaders } from '../../world/broker-client.ts'
import { credentialsFor } from '../../world/clients.ts'
import { fixture, perTest } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { ScriptedServer, type Call } from '../../world/scripted-server.ts'
import { startWorld } from '../../world/world.ts'

const the = fixture(async (closing) => {
  const server = await closing(ScriptedServer.start({ resumable: true }))
  // A window so long that nothing comes back while the test runs.
  const limits = { RATE_LIMIT_REQUESTS: '10000', RATE_LIMIT_WINDOW: String(30 * 86_400) }
  const world = await closing(startWorld({ overrides: { DOWNSTREAM_MCP_URL: server.url, MAX_MCP_SESSIONS: '100', ...limits } }))
  const token = (await credentialsFor('alice', world.mcpUrl)).accessToken
  return { server, world, token }
})

const its = perTest(async () => {
  the.server.behave({})
  the.server.sessions.clear()
  the.server.deleted.length = 0
  const counts = new Map<string, number>()
  the.server.onCall(count)
  const client = await LegacyClient.open(the.world.mcpUrl, the.token)
  the.server.requests.forget()
  return { client, counts }
})

/** A server with a state: what each session has counted. */
function count(call: Call): void {
  const id = call.session?.id ?? ''
  its.counts.set(id, (its.counts.get(id) ?? 0) + 1)
  call.answer({ count: its.counts.get(id) })
}

const counted = async (): Promise<unknown> => await (await its.client.call('count')).json()

const asked = (method: string): number =>
  the.server.requests.all.filter(({ body }) => body.includes(`"method":"${method}"`)).length

interface Refusal {
  readonly status: number
  readonly body: string
  readonly type?: string
}

function refuse(res: ServerResponse, { status, body, type = 'application/json' }: Refusal): void {
  res.writeHead(status, { 'content-type': type, 'content-length': String(Buffer.byteLength(body)) }).end(body)
}

const error = (id: unknown, code: number, message: string): string =>
  JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } })

describe('a live session is kept, and the call sent once, when it is answered', () => {
  test.for<[string, Refusal]>([
    ['404 and that the method is unknown', { status: 404, body: error(7, -32_601, 'Method not found') }],
    ['404 and that the parameters are wrong', { status: 404, body: error(7, -32_602, 'Unknown tool') }],
    ['404 and that a resource is unknown', { status: 404, body: error(7, -32_002, 'Resource not found') }],
    ['400 and an error of the server’s own', { status: 400, body: error(7, -32_000, 'amount must be positive') }],
    ['404 and an error about some other session', { status: 404, body: error(7, -32_001, 'Browser session not found') }],
    [
      '400 and an error in an event stream',
      { status: 400, type: 'text/event-stream', body: `data: ${error(7, -32_000, 'no')}\n\n` },
    ],
    ['404 and a page', { status: 404, type: 'text/html', body: '<h1>Cannot POST /mcp</h1>' }],
    ['404 and nothing', { status: 404, body: '' }],
    ['400 and an error of nobody’s', { status: 400, body: error(null, -32_600, 'Invalid Request') }],
    ['410 and some words', { status: 410, type: 'text/plain', body: 'gone' }],
    ['200 and an error of nobody’s', { status: 200, body: error(null, -32_600, 'Invalid Request') }],
    ['200 and an error about some other session', { status: 200, body: error(7, -32_001, 'Browser session not found') }],
  ])('%s', async ([, refusal]) => {
    await counted()
    the.server.onCall(({ res }) => refuse(res, refusal))
    const refused = await its.client.call('pay', {}, 7)
    expect([refused.status, await refused.text()]).toEqual([refusal.status, refusal.body])
    expect([asked('tools/call'), asked('initialize')]).toEqual([2, 0])
    the.server.onCall(count)
    expect(await counted()).toMatchObject({ result: { count: 2 } })
    expect([the.server.sessions.size, the.server.deleted]).toEqual([1, []])
  })

  test('404 like everything else in any session: what was opened to find out is ended again', async () => {
    const { id } = the.server.session
    const nothing = { status: 404, body: 'nothing here' }
    the.server.onCall(({ res }) => refuse(res, nothing))
    the.server.behave({ ping: (res) => refuse(res, nothing) })
    const refused = await its.client.call('pay')
    expect([refused.status, await refused.text()]).toEqual([404, 'nothing here'])
    expect(asked('tools/call')).toBe(1)
    await expect.poll(() => the.server.deleted).toHaveLength(1)
    expect([...the.server.sessions.keys()]).toEqual([id])
  })
})

describe('a session the server has lost is opened anew, and the client never notices, when the server says', () => {
  test.for<[string, Refusal]>([
    ['404', { status: 404, body: '' }],
    ['404 as the Go and Kotlin SDKs do', { status: 404, type: 'text/plain', body: 'session not found' }],
    ['404 with half a JSON-RPC message', { status: 404, body: '{"jsonrpc":"2.0","id":1}' }],
    ['404 under the id of the request', { status: 404, body: error(1, -32_001, 'Session not found') }],
    [
      '400 as the examples of the TypeScript SDK do',
      { status: 400, body: error(null, -32_000, 'Bad Request: No valid session ID provided') },
    ],
    ['400 as its transport does', { status: 400, body: error(null, -32_000, 'Bad Request: Server not initialized') }],
    ['400 as the Python SDK did', { status: 400, type: 'text/plain', body: 'Bad Request: No valid session ID provided' }],
    [
      '400 with an id of the server’s own',
      { status: 400, body: error('server-error', -32_600, 'Bad Request: No valid session ID provided') },
    ],
    ['400 with the code of 404', { status: 400, body: error(null, -32_001, 'Session not found') }],
    ['400 in words of its own', { status: 400, body: '{"error":"Invalid or missing session ID"}' }],
    ['401 as the Rust SDK did', { status: 401, type: 'text/plain', body: 'Unauthorized: Session not found' }],
    ['410', { status: 410, body: '' }],
    ['200', { status: 200, body: error(null, -32_001, 'Session not found') }],
    ['200 under the id of the request', { status: 200, body: error(1, -32_600, 'missing or invalid Mcp-Session-Id') }],
  ])('%s', async ([, refusal]) => {
    the.server.behave({ unknownSession: (res) => refuse(res, refusal) })
    the.server.forgetSessions()
    expect(await counted()).toMatchObject({ result: { count: 1 } })
    expect(await counted()).toMatchObject({ result: { count: 2 } })
    expect([asked('initialize'), the.server.sessions.size, the.server.deleted]).toEqual([1, 1, []])
  })

  test('and is told 404 where no new one can be had, so that it initializes itself', async () => {
    the.server.behave({
      unknownSession: (res) => refuse(res, { status: 400, type: 'text/plain', body: 'No valid session ID provided' }),
      initialize: (res) => refuse(res, { status: 503, body: '' }),
    })
    the.server.forgetSessions()
    const answer = await its.client.call('count')
    expect([answer.status, await answer.json()]).toMatchObject([404, { id: 1, error: { data: { code: 'session_not_found' } } }])
  })
})

test.for([
  ['of a client', false],
  ['of the broker’s own, for a session the server has lost', true],
] as const)('an initialize %s that the server has not answered yet is aborted by a revocation', async ([, isOwn]) => {
  const app = await BrokerClient.register(the.world.brokerUrl)
  const { accessToken, refreshToken } = await app.signIn('bob')
  const [arrived, aborted] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const bob = isOwn ? await LegacyClient.open(the.world.mcpUrl, accessToken) : undefined
  the.server.sessions.clear()
  const held = (res: ServerResponse): void => {
    res.on('close', aborted.resolve)
    arrived.resolve()
  }
  the.server.behave({ initialize: held })
  const answer = bob ? bob.call('count') : initialize(accessToken)
  await arrived.promise
  expect((await app.revoke(refreshToken)).status).toBe(200)
  await aborted.promise
  const refused = await answer
  expect([refused.status, await refused.text()]).toEqual([401, expect.stringContaining('credential_revoked')])
})

async function initialize(bearer: string): Promise<Response> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a test', version: '1' } }
  return await fetch(the.world.mcpUrl, {
    method: 'POST',
    headers: postHeaders(bearer),
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
  })
}

test('what the broker asks to find out whether a session lives counts like the requests of the person', async () => {
  const left = async (): Promise<number> => Number((await its.client.call('count')).headers.get('ratelimit-remaining'))
  const first = await left()
  the.server.onCall(({ res }) => refuse(res, { status: 404, body: '' }))
  await its.client.call('pay')
  the.server.onCall(count)
  const second = await left()
  expect(first - second, 'the call, a ping, and this call').toBe(3)
  the.server.sessions.clear()
  const third = await left()
  expect(third - (await left()), 'a ping, a new session with a ping, the call again, and this call').toBe(6)
})

describe('GET is answered 405 and costs nothing more when the server answers it', () => {
  const refusals: [string, Refusal][] = [
    ['404', { status: 404, type: 'text/html', body: 'Cannot GET /mcp' }],
    ['405', { status: 405, body: '' }],
    ['400', { status: 400, type: 'text/plain', body: 'Bad Request' }],
    ['406', { status: 406, body: '' }],
    ['501', { status: 501, body: '' }],
    ['a page', { status: 200, type: 'text/html', body: '<h1>It works</h1>' }],
    ['JSON', { status: 200, body: '{"name":"a server"}' }],
  ]
  test.for(refusals)('%s', async ([, refusal]) => {
    the.server.behave({ get: (res) => refuse(res, refusal) })
    const answer = await fetch(the.world.mcpUrl, { headers: its.client.headers() })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST, DELETE'])
    expect(await answer.json()).toMatchObject({ error: { data: { code: 'stream_not_offered' } } })
    expect(the.server.requests.all.map(({ method }) => method)).toEqual(['GET'])
    expect(await counted()).toMatchObject({ result: { count: 1 } })
  })

  test.for(refusals)('%s, without a session', async ([, refusal]) => {
    the.server.behave({ get: (res) => refuse(res, refusal) })
    expect((await new LegacyClient(the.world.mcpUrl, the.token).get()).status).toBe(405)
  })

  test('404, as often as a client may ask', async () => {
    the.server.behave({ get: (res) => refuse(res, { status: 404, body: '' }) })
    for (let time = 0; time < 3; time += 1) expect((await its.client.get()).status).toBe(405)
    expect([asked('initialize'), the.server.sessions.size, the.server.deleted]).toEqual([0, 1, []])
  })
})

test('a server that lost its sessions and answers GET 404 without a word is listened to again', async () => {
  const stream = await its.client.get()
  await expect.poll(() => the.server.session.standing.isRead).toBe(true)
  the.server.behave({ unknownSession: (res) => refuse(res, { status: 404, body: '' }) })
  the.server.forgetSessions()
  await stream.over
  const again = await its.client.get()
  expect(again.status).toBe(200)
  await expect.poll(() => the.server.sessions.size === 1 && the.server.session.standing.isRead).toBe(true)
  the.server.session.standing.notify({ step: 2 })
  await again.message('"step":2')
  again.leave()
})

test('a call that is open when its session is lost ends with an error at once, and is not asked for in the new one', async () => {
  const called = the.server.nextStream()
  const stream = await its.client.stream('slow')
  const { feed } = await called
  feed.notify({ step: 1 })
  await stream.message('"step":1')
  the.server.sessions.clear()
  the.server.onCall(count)
  the.server.requests.forget()
  expect(await counted()).toMatchObject({ result: { count: 1 } })
  const { data } = await stream.message('"error"')
  expect(JSON.parse(data ?? '')).toMatchObject({
    error: {
      data: { code: 'downstream_broken' },
      message:
        'The downstream MCP server has lost the session in which this was asked; whether the request took effect is unknown',
    },
  })
  expect(await stream.over).toBe('ended')
  expect(the.server.requests.all.filter(({ method }) => method === 'GET')).toEqual([])
})

test('an event stream that is bare JSON is called what it is', async () => {
  const body = '{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}'
  the.server.onCall((call) => refuse(call.res, { status: 200, type: 'text/event-stream', body }))
  const stream = await its.client.stream('list', {}, 1)
  await stream.message('announced an event stream and sent bare JSON')
  expect(await stream.over).toBe('ended')
})
