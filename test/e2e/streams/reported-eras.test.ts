// What real servers and clients do while both eras are about, as people have reported it of them; each test names the report.
import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { credentialsFor } from '../../world/clients.ts'
import { fixture } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { ASKABLE } from '../../world/legacy-questions.ts'
import { ModernClient } from '../../world/modern-client.ts'
import { startRawDownstream } from '../../world/raw-downstream.ts'
import { ScriptedModernServer } from '../../world/scripted-modern-server.ts'
import { ScriptedServer } from '../../world/scripted-server.ts'
import { startWorld } from '../../world/world.ts'

/** How it refuses `server/discover`, whatever it does with the rest. */
const REFUSALS: Readonly<Record<string, (res: ServerResponse) => unknown>> = {
  // modelcontextprotocol/csharp-sdk#1765
  'a-page': (res) => res.writeHead(404, { 'content-type': 'text/plain' }).end('Invalid session ID'),
  // ai-ecoverse/slicc#3001
  'no-id': (res) => refuse(res, 400, null, -32_000, 'Bad Request: Mcp-Session-Id header is required'),
  // datagouv/datagouv-mcp#52, of the Python SDK 1.x
  'an-id-of-its-own': (res) => refuse(res, 400, 'server-error', -32_600, 'Bad Request: Missing session ID'),
  // modelcontextprotocol/typescript-sdk#2619
  nothing: (res) => res.writeHead(204).end(),
  'an-empty-body': (res) => res.writeHead(200, { 'content-type': 'application/json' }).end(),
  // utensils/mcp-nixos#212
  'its-parameters': (res) => refuse(res, 200, 'broker-discover', -32_602, 'Invalid request parameters'),
  // adcontextprotocol/adcp-client#2434: says nothing about the era, so that it has to be set
  forbidden: (res) => res.writeHead(403).end(),
}

const the = fixture(async (closing) => {
  const [modern, old, odd] = await Promise.all([
    closing(ScriptedModernServer.start()),
    closing(ScriptedServer.start()),
    closing(startRawDownstream(() => undefined)),
  ])
  const listed = [
    { name: 'modern', url: modern.url },
    { name: 'old', url: old.url, era_bridge: true },
    ...Object.keys(REFUSALS).map((name) => ({
      name,
      url: odd.url,
      era_bridge: true,
      ...(name === 'forbidden' && { era: 'legacy' }),
    })),
    ...['unheard', 'unlistened'].map((name) => ({ name, url: odd.url, era_bridge: true })),
  ]
  const overrides = { DOWNSTREAMS: JSON.stringify(listed), DOWNSTREAM_TIMEOUT: '20', RATE_LIMIT_REQUESTS: '1000' }
  const world = await closing(startWorld({ overrides }))
  return { world, old, odd }
})

async function at(name: string): Promise<{ readonly url: string; readonly token: string }> {
  const url = `${the.world.brokerUrl}/servers/${name}/mcp`
  return { url, token: (await credentialsFor('alice', url)).accessToken }
}

function refuse(res: ServerResponse, status: number, id: unknown, code: number, message: string): void {
  res
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } }))
}

function answer(res: ServerResponse, id: unknown, result: object, headers: Readonly<Record<string, string>> = {}): void {
  res.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify({ jsonrpc: '2.0', id, result }))
}

const ECHOED = { content: [{ type: 'text', text: 'echoed' }] }
const OFFERS = { tools: { listChanged: true } }

describe('a client of both eras', () => {
  // github/copilot-cli#4888, anthropics/claude-code#96183
  test.for(['modern', 'old'])('that sends initialize after server/discover was answered gets a session: %s', async (name) => {
    const { url, token } = await at(name)
    const { last } = await new ModernClient(url, token).ask('server/discover', {}, { id: 0 })
    expect(last).toMatchObject({ id: 0, result: { supportedVersions: expect.arrayContaining(['2026-07-28']) } })
    const client = await LegacyClient.open(url, token)
    expect(client.sessionId).not.toBe('')
    expect(await (await client.call('echo', {}, 0)).json()).toMatchObject({ id: 0, result: { content: [] } })
  })

  // modelcontextprotocol/rust-sdk#1209, getpaseo/paseo#3599, Effect-TS/effect#7388
  test.for([
    ['modern', '2025-11-25'],
    // It answers with whatever it is offered (intersystems-community/iris-agentic-dev#117).
    ['old', '2026-07-28'],
  ] as const)(
    'that offers 2026-07-28 in initialize, and names it in the header, is negotiated with: %s',
    async ([name, version]) => {
      const { url, token } = await at(name)
      the.old.requests.forget()
      const client = new LegacyClient(url, token)
      const params = { protocolVersion: '2026-07-28', capabilities: {}, clientInfo: { name: 'both', version: '1' } }
      const offered = { 'mcp-protocol-version': '2026-07-28' }
      const opened = await client.post({ jsonrpc: '2.0', id: 0, method: 'initialize', params }, offered)
      expect([opened.status, await opened.json()]).toEqual([
        200,
        expect.objectContaining({ result: expect.objectContaining({ protocolVersion: version }) }),
      ])
      client.sessionId = opened.headers.get('mcp-session-id') ?? ''
      const negotiated = { 'mcp-protocol-version': version }
      expect((await client.post({ jsonrpc: '2.0', method: 'notifications/initialized' }, negotiated)).status).toBe(202)
      const called = await client.post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo' } }, negotiated)
      expect([called.status, await called.json()]).toEqual([200, expect.objectContaining({ id: 1, result: expect.anything() })])
      const initialized = the.old.requests.all.filter(({ body }) => body.includes('"initialize"'))
      expect(initialized.map(({ headers }) => headers['mcp-protocol-version'])).toEqual(name === 'old' ? [undefined] : [])
    },
  )

  // modelcontextprotocol/python-sdk#3324
  test('that sends notifications/cancelled is told that it was taken, and no other call of its grant ends by it', async () => {
    const { url, token } = await at('old')
    const [one, another] = [new ModernClient(url, token), new ModernClient(url, token)]
    const calling = the.old.nextStream()
    const called = one.call('echo', {}, { id: 1 })
    const { call, feed } = await calling
    const params = { requestId: 1, reason: 'of another program with the same grant' }
    const body = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params })
    expect((await another.send('notifications/cancelled', {}, { body })).status).toBe(202)
    feed.respond(call.message.id, ECHOED)
    expect((await called).last.result?.['content']).toEqual(ECHOED.content)
  })
})

describe('a server of the revisions up to 2025-11-25 is known', () => {
  test.for(Object.keys(REFUSALS))('by its refusal of server/discover, or as it is set: %s', async (name) => {
    the.odd.handleWith((req, body, res) => {
      if (req.method !== 'POST') return void res.writeHead(405).end()
      const { id, method } = JSON.parse(body.toString())
      if (method === 'initialize')
        return answer(res, id, { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: {} }, { 'mcp-session-id': 's' })
      if (req.headers['mcp-session-id'] !== 's') return void REFUSALS[name]?.(res)
      if (id === undefined) return void res.writeHead(202).end()
      return answer(res, id, ECHOED)
    })
    const { url, token } = await at(name)
    const { status, last } = await new ModernClient(url, token).call('echo')
    expect([status, last.result?.['content']]).toEqual([200, ECHOED.content])
  })

  // modelcontextprotocol/python-sdk#3492, mnfst/llm-gateway#2946
  test('also where its GET stream stays open and never sends a byte, not even headers: nobody waits for it', async () => {
    the.odd.handleWith((req, body, res) => {
      if (req.method === 'GET') return
      const { id, method } = JSON.parse(body.toString())
      if (method === 'initialize') return answer(res, id, { protocolVersion: '2025-11-25', capabilities: OFFERS, serverInfo: {} })
      if (method === 'server/discover') return refuse(res, 400, null, -32_600, 'Bad Request')
      if (id === undefined) return void res.writeHead(202).end()
      return answer(res, id, ECHOED)
    })
    const { url, token } = await at('unheard')
    const client = new ModernClient(url, token, ASKABLE)
    const began = Date.now()
    const listening = await client.stream('subscriptions/listen', { notifications: { toolsListChanged: true } })
    await listening.message('notifications/subscriptions/acknowledged')
    expect((await client.call('echo')).last.result?.['content']).toEqual(ECHOED.content)
    expect(Date.now() - began).toBeLessThan(5_000)
    listening.leave()
  })
})

// PrefectHQ/fastmcp#4920
test('a server of 2026-07-28 that says its lists change, and knows no subscriptions/listen: clients with sessions do without', async () => {
  the.odd.handleWith((req, body, res) => {
    const { id, method, params } = JSON.parse(body.toString() || '{}')
    const isModern = params?._meta?.['io.modelcontextprotocol/protocolVersion'] === '2026-07-28'
    if (req.method !== 'POST') return void res.writeHead(405).end()
    if (!isModern) return refuse(res, 400, id, -32_022, 'Unsupported protocol version: <missing>')
    if (method === 'server/discover') return answer(res, id, { supportedVersions: ['2026-07-28'], capabilities: OFFERS })
    return method === 'tools/call' ? answer(res, id, ECHOED) : refuse(res, 404, id, -32_601, 'Method not found')
  })
  const { url, token } = await at('unlistened')
  the.odd.requests.forget()
  const client = await LegacyClient.open(url, token)
  // Its client has been given the stream when the server refuses: it ends, and is not offered again.
  const first = await client.get()
  expect([await first.over, first.messages, (await client.get()).status]).toEqual(['ended', [], 405])
  expect(await (await client.call('echo', {}, 1)).json()).toMatchObject({ id: 1, result: ECHOED })
  expect(the.odd.requests.all.filter(({ body }) => body.includes('subscriptions/listen'))).toHaveLength(1)
})
