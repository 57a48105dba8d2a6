// Clients of HTTP+SSE (2024-11-05) in front of a server of their own kind.
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterEach, describe, expect, test } from 'vitest'
import { brokerBefore } from '../../world/broker-before.ts'
import { BrokerClient } from '../../world/broker-client.ts'
import { credentialsFor } from '../../world/clients.ts'
import { fixture } from '../../world/fixture.ts'
import { startRawDownstream } from '../../world/raw-downstream.ts'
import { SseClient } from '../../world/sse-client.ts'
import { startSseDownstream } from '../../world/sse-downstream.ts'

const ECHO = { name: 'echo', arguments: { message: 'hello' } }

const open: { leave(): void }[] = []

const the = fixture(async (closing) => {
  const sse = await closing(startSseDownstream())
  const before = await brokerBefore(closing, sse, { DOWNSTREAM_PASS_HEADERS: 'X-MCP-Toolsets' })
  const { world, alice } = before
  const sseUrl = `${world.brokerUrl}/sse`
  return { world, sse, alice, sseUrl }
})

afterEach(() => {
  the.sse.refuseWith(undefined)
  the.sse.nameEndpoint()
  for (const stream of open.splice(0)) stream.leave()
})

async function bare(token = the.alice.accessToken): Promise<SseClient> {
  const client = await SseClient.open(the.sseUrl, token)
  open.push(client.stream)
  return client
}

async function connected(token = the.alice.accessToken): Promise<Client> {
  const client = new Client({ name: 'SDK v1', version: '1.0.0' }, { capabilities: { elicitation: {} } })
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name: 'Ada' } }))
  const requestInit = { headers: { authorization: `Bearer ${token}` } }
  await client.connect(new SSEClientTransport(new URL(the.sseUrl), { requestInit }))
  return client
}

describe('the SDK', () => {
  test('lists and calls tools, hears of progress as it is made, and answers what the server asks back', async () => {
    const client = await connected()
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(['whoami', 'echo', 'count', 'ask'])
    const steps: number[] = []
    const counted = await client.callTool({ name: 'count', arguments: { to: 3 } }, undefined, {
      onprogress: ({ progress }) => void steps.push(progress),
    })
    expect([counted.content, steps]).toEqual([[{ type: 'text', text: 'counted to 3' }], [1, 2, 3]])
    expect((await client.callTool({ name: 'ask' })).content).toEqual([{ type: 'text', text: 'accept: {"name":"Ada"}' }])
    await client.close()
  })

  test('goes on by itself after the runtime was killed: what it asks meanwhile is answered, what was open is answered with an error', async () => {
    const client = await connected((await credentialsFor('alice', the.world.mcpUrl)).accessToken)
    const begun = Promise.withResolvers<void>()
    const call = client.callTool({ name: 'count', arguments: { to: 100, interval_ms: 100 } }, undefined, {
      onprogress: ({ progress }) => progress > 1 && begun.resolve(),
    })
    const lost = call.catch((error: unknown) => String(error))
    await begun.promise
    await the.world.restartRuntime()
    // Its stream is not back yet; the answer waits for it.
    expect(await client.callTool(ECHO)).toMatchObject({ content: [{ type: 'text', text: 'hello' }] })
    expect(await lost).toContain('was lost')
    await client.close()
  })

  test('is served again after a restart also where another client of its grant was connected', async () => {
    const { accessToken } = await credentialsFor('alice', the.world.mcpUrl)
    const clients = [await connected(accessToken), await connected(accessToken)]
    const addresses = (): readonly string[] => clients.map(({ transport }) => String(Reflect.get(transport ?? {}, '_endpoint')))
    const before = addresses()
    try {
      await the.world.killRuntime()
      the.sse.requests.forget()
      await the.world.restartRuntime()
      // Nobody can tell which of them comes back, so each gets a session of its own, initialized as it was. What it says before it
      // has come back belongs to the one it had.
      await expect.poll(() => addresses().filter((address) => !before.includes(address)), { timeout: 15_000 }).toHaveLength(2)
      const initialized = (): number =>
        the.sse.requests.all.filter(({ body }) => body.includes('notifications/initialized')).length
      await expect.poll(initialized, { timeout: 10_000 }).toBe(2)
      for (const client of clients)
        expect(await client.callTool(ECHO)).toMatchObject({ content: [{ type: 'text', text: 'hello' }] })
    } finally {
      for (const client of clients) await client.close()
    }
  })
})

test('headers that the operator lets through reach the server with the stream and with each message', async () => {
  the.sse.requests.forget()
  const headers = { authorization: `Bearer ${the.alice.accessToken}`, 'x-mcp-toolsets': 'issues', 'x-mcp-readonly': '1' }
  const client = new Client({ name: 'SDK v1', version: '1.0.0' })
  await client.connect(new SSEClientTransport(new URL(the.sseUrl), { requestInit: { headers } }))
  expect(await client.callTool(ECHO)).toMatchObject({ content: [{ type: 'text', text: 'hello' }] })
  for (const method of ['GET', 'POST']) {
    const seen = the.sse.requests.all.findLast((request) => request.method === method)
    expect([method, seen?.headers['x-mcp-toolsets'], seen?.headers['x-mcp-readonly']]).toEqual([method, 'issues', undefined])
  }
  await client.close()
})

describe('a message', () => {
  test('reaches the server byte for byte, with the person’s identity and without their token', async () => {
    const client = await bare()
    the.sse.requests.forget()
    const odd =
      '{"jsonrpc":"2.0" , "id":"7",\n"method":"tools/call","params":{"name":"whoami","arguments":{"n":9007199254740993123}}}'
    expect((await client.post(odd)).status).toBe(202)
    const { headers, body } = await the.sse.requests.find(({ method }) => method === 'POST')
    expect(body.toString()).toBe(odd)
    expect(headers['x-user-email']).toBe('alice@example.com')
    expect(JSON.stringify(headers)).not.toContain(the.alice.accessToken)
  })

  test('reaches the client byte for byte, wherever the server wants its own sent', async () => {
    const odd = '{"jsonrpc":"2.0" , "id":"init","result":{"protocolVersion":"2024-11-05","n":9007199254740993123}}'
    let stream: { write(text: string): unknown } | undefined
    const raw = await startRawDownstream((req, _body, res) => {
      if (req.method === 'GET') {
        res.writeHead(200, { 'content-type': 'text/event-stream' })
        res.write(`: hello\n\nevent: endpoint\ndata: http://127.0.0.1:${raw.port}/elsewhere?a=b&c\n\n`)
        stream = res
      } else {
        res.writeHead(202).end('Accepted')
        stream?.write(`event: message\ndata: ${odd}\n\n`)
      }
    })
    try {
      await the.world.restartRuntime({ DOWNSTREAM_MCP_URL: raw.url, DOWNSTREAM_TRANSPORT: 'http-sse' })
      const client = await bare()
      expect((await client.stream.message('"init"')).data).toBe(odd)
      expect((await raw.requests.find(({ method }) => method === 'POST')).path).toBe('/elsewhere?a=b&c')
      expect(await client.endpoint()).toMatch(/\/messages\?session=[\w-]{24}$/)
    } finally {
      await the.world.restartRuntime()
      await raw.close()
    }
  })
})

describe('a client', () => {
  test('that lost its stream comes back to the same session, and has missed nothing', async () => {
    const client = await bare()
    await client.call('count', { to: 12, interval_ms: 60 }, 'counting', 'c')
    await client.stream.message('"progress":3')
    client.stream.leave()
    const back = await SseClient.connect(the.sseUrl, the.alice.accessToken, client.stream.lastId)
    open.push(back.stream)
    await back.stream.message('counted to 12')
    const steps = [...client.stream.messages, ...back.stream.messages].flatMap(
      ({ data }) => /"progress":(\d+)/.exec(data ?? '')?.[1] ?? [],
    )
    expect(steps.map(Number)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1))
    expect(await back.endpoint()).toBe(await client.endpoint())
  })

  test('hears that an answer was lost with the connection, and is served again', async () => {
    const client = await bare()
    await client.call('count', { to: 100, interval_ms: 100 }, 'lost', 'l')
    await client.stream.message('"progress":2')
    the.sse.drop()
    const lost = await client.stream.message('"id":"lost"')
    expect(JSON.parse(lost.data ?? '')).toMatchObject({ error: { data: { code: 'downstream_broken' } } })
    expect((await client.call('echo', { message: 'here again' }, 2)).status).toBe(202)
    await client.stream.message('here again')
    // Nobody asked for the second initialization but the broker, so nobody hears of it.
    expect(client.stream.messages.filter(({ data }) => data?.includes('"id":"init"'))).toHaveLength(1)
  })

  test('hears what the server says unasked after a drop it never noticed', async () => {
    const client = await bare()
    the.sse.drop()
    const hears = (): boolean => (the.sse.announce(), client.stream.messages.some(({ data }) => data?.includes('list_changed')))
    await expect.poll(hears, { timeout: 5000 }).toBe(true)
  })

  test('whose access is taken back is told so at once, and the server’s side ends with it', async () => {
    const credentials = await credentialsFor('bob', the.world.mcpUrl)
    const client = await bare(credentials.accessToken)
    const before = the.sse.connections()
    const revoker = new URLSearchParams({ token: credentials.refreshToken, client_id: credentials.clientId })
    await fetch(`${the.world.brokerUrl}/revoke`, { method: 'POST', body: revoker })
    expect(await client.stream.over).toBe('ended')
    expect(client.stream.closeReason).toBe('credential_revoked')
    await expect.poll(() => the.sse.connections()).toBe(before - 1)
    expect((await SseClient.connect(the.sseUrl, credentials.accessToken)).stream.status).toBe(401)
    expect((await client.post({ jsonrpc: '2.0', id: 1, method: 'ping' })).status).toBe(401)
  })
})

describe('a handle is nothing to', () => {
  test.for<[string, () => Promise<string>]>([
    ['another person', async () => (await credentialsFor('bob', the.world.mcpUrl)).accessToken],
    ['another grant of the same person', async () => (await credentialsFor('alice', the.world.mcpUrl)).accessToken],
  ])('%s', async ([, token]) => {
    const client = await bare()
    the.sse.requests.forget()
    expect((await client.post({ jsonrpc: '2.0', id: 1, method: 'ping' }, await token())).status).toBe(404)
    const resumed = await SseClient.connect(the.sseUrl, await token(), client.stream.lastId)
    expect(resumed.stream.status).toBe(404)
    expect(the.sse.requests.all).toEqual([])
  })

  test('the streamable address, nor is a session of that to this one', async () => {
    const handle = new URL(await (await bare()).endpoint()).searchParams.get('session') ?? ''
    const headers = {
      authorization: `Bearer ${the.alice.accessToken}`,
      'content-type': 'application/json',
      'mcp-session-id': handle,
    }
    const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
    expect((await fetch(the.world.mcpUrl, { method: 'POST', headers, body })).status).toBe(404)
    for (const address of ['/messages', '/messages?session=', '/messages?session=unknown'])
      expect((await fetch(the.world.brokerUrl + address, { method: 'POST', headers, body })).status).toBe(404)
  })
})

describe('without a token', () => {
  test.for<[string, string]>([
    ['GET', '/sse'],
    ['POST', '/sse'],
    ['DELETE', '/sse'],
    ['POST', '/messages?session=x'],
    ['GET', '/messages'],
  ])('%s %s asks for a sign-in', async ([method, path]) => {
    const answer = await fetch(the.world.brokerUrl + path, { method })
    const challenge = `Bearer resource_metadata="${the.world.brokerUrl}/.well-known/oauth-protected-resource/sse", scope="mcp"`
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, challenge])
  })

  test.for<[string, string, string]>([
    ['POST', '/sse', 'GET, OPTIONS'],
    ['DELETE', '/sse', 'GET, OPTIONS'],
    ['GET', '/messages', 'POST, OPTIONS'],
  ])('only then is %s %s told what the path answers', async ([method, path, allow]) => {
    const answer = await fetch(the.world.brokerUrl + path, {
      method,
      headers: { authorization: `Bearer ${the.alice.accessToken}` },
    })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow])
  })

  test('a token for the address of HTTP+SSE is a token for the one server there is', async () => {
    const client = await BrokerClient.register(the.world.brokerUrl)
    const { accessToken } = await client.signIn('alice', { changes: { resource: the.sseUrl } })
    expect(JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString())).toMatchObject({
      aud: the.world.mcpUrl,
    })
    expect((await bare(accessToken)).stream.status).toBe(200)
  })
})

describe('a server is not trusted', () => {
  test('that wants messages sent to another origin', async () => {
    await bare()
    the.sse.nameEndpoint('https://evil.example/messages')
    const { stream } = await SseClient.connect(the.sseUrl, the.alice.accessToken)
    expect(stream.status).toBe(502)
    expect(the.world.logs.some(({ message }) => message.includes('downstream.endpoint_refused'))).toBe(true)
    expect(the.world.logs.some(({ message }) => message.includes('evil.example'))).toBe(true)
  })

  test('and not followed when it redirects', async () => {
    await bare()
    the.sse.refuseWith(307)
    expect((await SseClient.connect(the.sseUrl, the.alice.accessToken)).stream.status).toBe(502)
  })
})
