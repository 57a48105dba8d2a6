// Clients of HTTP+SSE (2024-11-05) in front of a server that speaks only streamable HTTP: the broker translates.
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { auth, type OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, test } from 'vitest'
import { credentialsFor } from '../../world/clients.ts'
import { fixture } from '../../world/fixture.ts'
import { MemoryProvider } from '../../world/memory-provider.ts'
import { startRawDownstream } from '../../world/raw-downstream.ts'
import { saidBy, VERIFIED_ALICE } from '../../world/spoken-result.ts'
import { SseClient } from '../../world/sse-client.ts'
import { startWorld } from '../../world/world.ts'

const WHOAMI = { name: 'whoami', arguments: {} }
const isFarewell = ({ method }: { method: string }): boolean => method === 'DELETE'

const the = fixture(async (closing) => {
  const world = await closing(startWorld())
  const sseUrl = `${world.brokerUrl}/sse`
  return { world, sseUrl }
})

/** Finds the authorization server from the address alone, registers and signs in, as the SDK does it. */
async function connected(): Promise<Client> {
  const authProvider = new MemoryProvider<OAuthClientInformationMixed, OAuthTokens, OAuthDiscoveryState>('alice')
  const serverUrl = new URL(the.sseUrl)
  await auth(authProvider, { serverUrl })
  await auth(authProvider, { serverUrl, authorizationCode: authProvider.code() })
  const client = new Client({ name: 'SDK v1', version: '1.0.0' })
  await client.connect(new SSEClientTransport(serverUrl, { authProvider }))
  return client
}

describe('the server is told', () => {
  test('when the client has left and does not come back', async () => {
    const { accessToken } = await credentialsFor('alice', the.world.mcpUrl)
    const asked = request(the.sseUrl, { headers: { authorization: `Bearer ${accessToken}` }, agent: false }).end()
    const [answer]: IncomingMessage[] = await once(asked, 'response')
    let said = ''
    answer?.setEncoding('utf8').on('error', () => undefined)
    answer?.on('data', (chunk: string) => (said += chunk))
    await expect.poll(() => said).toContain('event: endpoint')
    const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'bare client', version: '1' } }
    const headers = { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
    await fetch(the.world.brokerUrl + (/data: (\S+)/.exec(said)?.[1] ?? ''), { method: 'POST', headers, body })
    await expect.poll(() => said).toContain('"id":1')
    the.world.downstream.requests.forget()
    // A connection that is only closed looks half-open to the runtime until the next keep-alive comment.
    asked.socket?.resetAndDestroy()
    expect((await the.world.downstream.requests.find(isFarewell, 25_000)).status).toBe(200)
  })

  test('when access is taken back, and the client is told why', async () => {
    const { accessToken, refreshToken, clientId } = await credentialsFor('alice', the.world.mcpUrl)
    const client = await SseClient.open(the.sseUrl, accessToken)
    the.world.downstream.requests.forget()
    const revoked = new URLSearchParams({ token: refreshToken, client_id: clientId })
    await fetch(`${the.world.brokerUrl}/revoke`, { method: 'POST', body: revoked })
    expect([await client.stream.over, client.stream.closeReason]).toEqual(['ended', 'credential_revoked'])
    await the.world.downstream.requests.find(isFarewell)
    expect(the.world.downstream.sessionCount()).toBe(0)
  })
})

describe('the SDK', () => {
  test('signs in at the address of HTTP+SSE and calls tools, with progress as it is made', async () => {
    const client = await connected()
    expect(saidBy(await client.callTool(WHOAMI))).toMatchObject(VERIFIED_ALICE)
    const steps: { progress: number; at: number }[] = []
    await client.callTool({ name: 'count', arguments: { to: 4, interval_ms: 100 } }, undefined, {
      onprogress: ({ progress }) => void steps.push({ progress, at: Date.now() }),
    })
    expect(steps.map(({ progress }) => progress)).toEqual([1, 2, 3, 4])
    expect(steps[3]!.at - steps[0]!.at).toBeGreaterThan(150)
    await client.close()
  })

  test('hears what the server says unasked', async () => {
    const client = await connected()
    let heard = 0
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => void (heard += 1))
    await expect.poll(() => (the.world.downstream.announce(), heard)).toBeGreaterThan(0)
    await client.close()
  })

  test('never notices that the server forgot the session, nor that the runtime was killed', async () => {
    const client = await connected()
    await the.world.downstream.forgetSessions()
    expect(saidBy(await client.callTool(WHOAMI))).toMatchObject(VERIFIED_ALICE)
    await the.world.restartRuntime()
    expect(saidBy(await client.callTool(WHOAMI))).toMatchObject(VERIFIED_ALICE)
    await client.close()
  })
})

describe('a server that', () => {
  const INITIALIZED = '{"jsonrpc":"2.0","id":"init","result":{"protocolVersion":"2025-11-25"}}'

  const its = fixture(async (closing, onEnd) => {
    const raw = await closing(
      startRawDownstream((_req, body, res) => {
        if (body.includes('initialize"'))
          res.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'theirs' }).end(INITIALIZED)
        else res.writeHead(body.length > 0 ? 202 : 405).end()
      }),
    )
    await the.world.restartRuntime({ DOWNSTREAM_MCP_URL: raw.url })
    const client = await SseClient.open(the.sseUrl, (await credentialsFor('alice', the.world.mcpUrl)).accessToken)
    onEnd(() => client.stream.leave())
    return { raw, client }
  })

  test('answers in JSON and has no stream of its own is spoken to in its revision and session', async () => {
    const answer = '{"jsonrpc" : "2.0","id":"a","result":{"n":9007199254740993123}}'
    its.raw.handleWith((_req, _body, res) => void res.writeHead(200, { 'content-type': 'application/json' }).end(answer))
    await its.client.call('echo', {}, 'a')
    expect((await its.client.stream.message('"a"')).data).toBe(answer)
    expect(its.raw.requests.last?.headers).toMatchObject({ 'mcp-session-id': 'theirs', 'mcp-protocol-version': '2025-11-25' })
    expect(its.raw.requests.last?.headers.accept).toBe('application/json, text/event-stream')
    expect((await its.raw.requests.find(({ method }) => method === 'GET')).status).toBe(405)
  })

  test('ends its stream before it has answered is asked for the rest', async () => {
    its.raw.handleWith((req, _body, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      if (req.method === 'POST') res.end('id: 1\nretry: 100\ndata:\n\n')
      else if (req.headers['last-event-id'] === '1') res.end('id: 2\ndata: {"jsonrpc":"2.0","id":"b","result":"the rest"}\n\n')
    })
    await its.client.call('slow', {}, 'b')
    expect((await its.client.stream.message('"the rest"')).data).toContain('"id":"b"')
  })

  test.for([['in a stream'], ['in JSON']])('has lost the session ends the calls that were made in it %s', async ([kind]) => {
    const lost = `lost ${kind}`
    its.raw.handleWith((req, body, res) => {
      const { id = null, method }: { id?: unknown; method?: string } = body.length > 0 ? JSON.parse(body.toString()) : {}
      const isNew = req.headers['mcp-session-id'] === `new ${kind}`
      const json = { 'content-type': 'application/json' }
      if (id === lost) res.writeHead(200, kind === 'in JSON' ? json : { 'content-type': 'text/event-stream' }).write(' \n')
      else if (method === 'initialize') res.writeHead(200, { ...json, 'mcp-session-id': `new ${kind}` }).end(INITIALIZED)
      else if (req.method === 'GET') res.writeHead(405).end()
      else if (!isNew)
        res.writeHead(404, json).end('{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}')
      else if (id === null) res.writeHead(202).end()
      else res.writeHead(200, json).end(JSON.stringify({ jsonrpc: '2.0', id, result: {} }))
    })
    await its.client.call('slow', {}, lost)
    await its.raw.requests.find(({ body, status }) => body.includes(lost) && status === 200)
    await its.client.call('echo', {}, `next ${kind}`)
    expect(JSON.parse((await its.client.stream.message(`"next ${kind}"`)).data ?? '')).toMatchObject({ result: {} })
    const message =
      'The downstream MCP server has lost the session in which this was asked; whether the request took effect is unknown'
    expect(JSON.parse((await its.client.stream.message(`"${lost}"`)).data ?? '')).toMatchObject({
      id: lost,
      error: { code: -32603, message, data: { code: 'downstream_broken' } },
    })
    await expect.poll(() => its.raw.requests.open).toHaveLength(0)
  })

  test.for<[string, number, string]>([
    ['fails', 500, 'oops'],
    ['refuses with a page', 403, '<p>no</p>'],
    ['says nothing', 200, ''],
  ])('%s is reported for each request, by its id', async ([name, status, text]) => {
    its.raw.handleWith((_req, _body, res) => void res.writeHead(status, { 'content-type': 'text/html' }).end(text))
    expect((await its.client.call('echo', {}, name)).status).toBe(202)
    const { data } = await its.client.stream.message(`"id":"${name}"`)
    expect(JSON.parse(data ?? '')).toMatchObject({ id: name, error: { data: { code: 'downstream_broken' } } })
  })

  test('refuses with a JSON-RPC error is quoted', async () => {
    const answer = '{"jsonrpc":"2.0","id":"c","error":{"code":-32602,"message":"no such tool"}}'
    its.raw.handleWith((_req, _body, res) => void res.writeHead(400, { 'content-type': 'application/json' }).end(answer))
    await its.client.call('nothing', {}, 'c')
    expect((await its.client.stream.message('"c"')).data).toBe(answer)
  })

  test('does not take a notification says so in answer to it', async () => {
    its.raw.handleWith((_req, _body, res) => void res.writeHead(400, { 'content-type': 'application/json' }).end('{"no":1}'))
    const answer = await its.client.post({ jsonrpc: '2.0', method: 'notifications/roots/list_changed' })
    expect([answer.status, await answer.text()]).toEqual([400, '{"no":1}'])
  })
})
