// Clients of streamable HTTP in front of a server that speaks only HTTP+SSE (2024-11-05): the broker finds out, and translates.
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterEach, describe, expect, test } from 'vitest'
import { brokerBefore } from '../../world/broker-before.ts'
import { credentialsFor, modernClientWith } from '../../world/clients.ts'
import { fixture } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { SseClient } from '../../world/sse-client.ts'
import { startSseDownstream } from '../../world/sse-downstream.ts'

const ECHO = { name: 'echo', arguments: { message: 'hello' } }
const SAID = { content: [{ type: 'text', text: 'hello' }] }
const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bare client', version: '1' } },
}

const the = fixture(async (closing) => {
  const sse = await closing(startSseDownstream())
  return { sse, ...(await brokerBefore(closing, sse, { DOWNSTREAM_PASS_HEADERS: 'X-MCP-Toolsets' })) }
})

afterEach(() => {
  the.sse.refuseWith(undefined)
  the.sse.breakPosts(undefined)
  the.sse.nameEndpoint()
})

async function connected(): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> {
  const client = new Client({ name: 'SDK v1', version: '1.0.0' }, { capabilities: { elicitation: {} } })
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name: 'Ada' } }))
  const requestInit = { headers: { authorization: `Bearer ${the.alice.accessToken}` } }
  const transport = new StreamableHTTPClientTransport(new URL(the.world.mcpUrl), { requestInit })
  await client.connect(transport)
  return { client, transport }
}

describe('an SDK', () => {
  test('of the 2025 revisions lists and calls tools, hears of progress, and answers what the server asks back', async () => {
    const { client, transport } = await connected()
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(['whoami', 'echo', 'count', 'ask'])
    const steps: { progress: number; at: number }[] = []
    await client.callTool({ name: 'count', arguments: { to: 4, interval_ms: 100 } }, undefined, {
      onprogress: ({ progress }) => void steps.push({ progress, at: Date.now() }),
    })
    expect(steps.map(({ progress }) => progress)).toEqual([1, 2, 3, 4])
    expect(steps[3]!.at - steps[0]!.at).toBeGreaterThan(150)
    expect((await client.callTool({ name: 'ask' })).content).toEqual([{ type: 'text', text: 'accept: {"name":"Ada"}' }])

    let changes = 0
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => void (changes += 1))
    await expect.poll(() => (the.sse.announce(), changes)).toBeGreaterThan(0)
    const before = the.sse.connections()
    await transport.terminateSession()
    await expect.poll(() => the.sse.connections()).toBe(before - 1)
    await client.close()
  })

  test('has the headers pass that the operator lets through, and no other', async () => {
    the.sse.requests.forget()
    const headers = { authorization: `Bearer ${the.alice.accessToken}`, 'x-mcp-toolsets': 'issues', 'x-mcp-readonly': '1' }
    const client = new Client({ name: 'SDK v1', version: '1.0.0' })
    await client.connect(new StreamableHTTPClientTransport(new URL(the.world.mcpUrl), { requestInit: { headers } }))
    expect(await client.callTool(ECHO)).toMatchObject(SAID)
    for (const method of ['GET', 'POST']) {
      const seen = the.sse.requests.all.findLast((request) => request.method === method)
      expect([method, seen?.headers['x-mcp-toolsets'], seen?.headers['x-mcp-readonly']]).toEqual([method, 'issues', undefined])
    }
    await client.close()
  })

  test('of both eras settles for the old one', async () => {
    const client = await modernClientWith(the.alice.accessToken, the.world.mcpUrl)
    expect(await client.callTool(ECHO)).toMatchObject(SAID)
    await client.close()
  })

  test('goes on in its session after the server’s connection broke, and after the runtime was killed', async () => {
    const { client } = await connected()
    the.sse.drop()
    expect(await client.callTool(ECHO)).toMatchObject(SAID)
    await the.world.restartRuntime()
    expect(await client.callTool(ECHO)).toMatchObject(SAID)
    await client.close()
  })
})

describe('a call', () => {
  test('whose client went away is resumed from where it was', async () => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.alice.accessToken)
    const first = await client.open(counting('counting', 10, 60))
    await first.message('"progress":3')
    first.leave()
    const rest = await client.get(first.lastId)
    await rest.message('counted to 10')
    const steps = [...first.messages, ...rest.messages].flatMap(({ data }) => /"progress":(\d+)/.exec(data ?? '')?.[1] ?? [])
    expect(steps.map(Number)).toEqual(Array.from({ length: 10 }, (_, index) => index + 1))
    expect(await rest.over).toBe('ended')
    // Nothing more will come here, and coming again for it is no mistake.
    expect((await client.get(rest.lastId)).status).toBe(405)
  })

  test('gets its own answers, however many are open', async () => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.alice.accessToken)
    const streams = await Promise.all([5, 3, 4].map(async (to) => client.open(counting(`to ${to}`, to, 30))))
    for (const [index, to] of [5, 3, 4].entries()) {
      expect(await streams[index]!.over).toBe('ended')
      const said = streams[index]!.messages.map(({ data }) => data ?? '')
      expect(said).toHaveLength(to + 1)
      expect(said.slice(0, -1).every((data) => data.includes(`"progressToken":"to ${to}"`))).toBe(true)
      expect(said.at(-1)).toContain(`counted to ${to}`)
    }
  })

  test('that its client takes back ends without an answer', async () => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.alice.accessToken)
    const stream = await client.open(counting('taken back', 100, 50))
    await stream.message('"progress":2')
    const params = { requestId: 'taken back', reason: 'changed my mind' }
    expect((await client.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params })).status).toBe(202)
    expect(await stream.over).toBe('ended')
    expect(stream.messages.filter(({ data }) => data?.includes('"id"'))).toEqual([])
  })

  test('whose answer is lost with the connection, or with the runtime, is answered with an error', async () => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.alice.accessToken)
    const dropped = await client.open(counting('dropped', 100, 50))
    await dropped.message('"progress":2')
    the.sse.drop()
    expect(JSON.parse((await dropped.message('"id":"dropped"')).data ?? '')).toMatchObject({
      error: { data: { code: 'downstream_broken' } },
    })
    expect(await dropped.over).toBe('ended')

    const killed = await client.open(counting('killed', 100, 50))
    await killed.message('"progress":2')
    await the.world.restartRuntime()
    const rest = await client.get(killed.lastId)
    expect(JSON.parse((await rest.message('"id":"killed"')).data ?? '')).toMatchObject({
      error: { data: { code: 'downstream_broken' } },
    })
    expect(await rest.over).toBe('ended')
  })
})

test.for([400, 0])(
  'a POST broken off after %i ms, before its status line, is answered by what comes over the stream',
  async (ms) => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.alice.accessToken)
    const bare = await SseClient.open(`${the.world.brokerUrl}/sse`, the.alice.accessToken)
    the.sse.breakPosts(ms)
    const [stream, taken] = await Promise.all([client.open(counting('cut', 2, 50)), bare.post(counting('cut', 2, 50))])
    expect([stream.status, taken.status]).toEqual([200, 202])
    await stream.message('counted to 2')
    await bare.stream.message('counted to 2')
    // What takes longer is not waited for.
    const late = await client.post(counting('late', 60, 50))
    expect([late.status, await late.json()]).toMatchObject([502, { id: 'late', error: { code: -32603 } }])
    bare.stream.leave()
  },
)

test('what the server asks while no stream stands open is asked in the call that waits for it', async () => {
  const client = new LegacyClient(the.world.mcpUrl, the.alice.accessToken)
  const capabilities = { elicitation: {} }
  const opened = await client.post({ ...INITIALIZE, params: { ...INITIALIZE.params, capabilities } })
  client.sessionId = opened.headers.get('mcp-session-id') ?? ''
  await opened.text()
  await client.post({ jsonrpc: '2.0', method: 'notifications/initialized' })
  const stream = await client.stream('ask', {}, 'asking')
  const { data } = await stream.message('elicitation/create')
  const result = { action: 'accept', content: { name: 'Grace' } }
  expect(
    (await client.post(`{"jsonrpc":"2.0","id":${JSON.parse(data ?? '').id},"result":${JSON.stringify(result)}}`)).status,
  ).toBe(202)
  await stream.message('Grace')
  expect(await stream.over).toBe('ended')
})

test('a standing stream tells what it missed, to a client with a cursor and to one without', async () => {
  const client = await LegacyClient.open(the.world.mcpUrl, the.alice.accessToken)
  const told = async (stream: Awaited<ReturnType<typeof client.get>>): Promise<string> =>
    (await stream.message('list_changed')).id ?? ''
  // Nobody listens yet.
  the.sse.announce()
  const first = await client.get()
  const seen = await told(first)
  first.leave()
  the.sse.announce()
  const second = await client.get(seen)
  expect(await told(second)).not.toBe(seen)
  const third = await client.get()
  expect(await second.over).toBe('ended')
  expect(second.closeReason).toBe('superseded')
  the.sse.announce()
  expect(await told(third)).not.toBe(second.lastId)
  third.leave()
})

test('access that is taken back ends every stream at once, and the server’s connection with them', async () => {
  const { accessToken, refreshToken, clientId } = await credentialsFor('bob', the.world.mcpUrl)
  const client = await LegacyClient.open(the.world.mcpUrl, accessToken)
  const [call, standing] = [await client.open(counting('long', 1000, 50)), await client.get()]
  await call.message('"progress":2')
  const before = the.sse.connections()
  await fetch(`${the.world.brokerUrl}/revoke`, {
    method: 'POST',
    body: new URLSearchParams({ token: refreshToken, client_id: clientId }),
  })
  expect([await call.over, await standing.over]).toEqual(['ended', 'ended'])
  expect([call.closeReason, standing.closeReason]).toEqual(['credential_revoked', 'credential_revoked'])
  await expect.poll(() => the.sse.connections()).toBe(before - 1)
})

describe('the transport', () => {
  test('once found out is not given up for a server that fails at the moment', async () => {
    expect((await initialize()).status).toBe(200)
    the.sse.requests.forget()
    the.sse.refuseWith(503)
    expect((await initialize()).status).toBe(502)
    the.sse.refuseWith(undefined)
    expect((await initialize()).status).toBe(200)
    // Not tried as the other kind in between.
    expect(the.sse.requests.all.map(({ method, path }) => `${method} ${path.split('?')[0]}`)).toEqual([
      'GET /sse',
      'GET /sse',
      'POST /messages',
    ])
  })

  test('is left open by a server that fails when it is asked for its stream', async () => {
    await the.world.restartRuntime()
    the.sse.refuseWith(503)
    const answer = await initialize()
    // What the server said to the POST, as it said it.
    expect([answer.status, await answer.text()]).toEqual([404, 'nothing here'])
    the.sse.refuseWith(undefined)
    expect((await initialize()).status).toBe(200)
  })

  test('of a server that wants messages sent to another origin is no transport', async () => {
    await the.world.restartRuntime()
    the.sse.nameEndpoint('//evil.example/messages')
    expect((await initialize()).status).toBe(502)
    expect(
      the.world.logs.some(({ message }) => message.includes('downstream.endpoint_refused') && message.includes('evil.example')),
    ).toBe(true)
  })

  test('is not looked for where an operator has named it', async () => {
    await the.world.restartRuntime({ DOWNSTREAM_TRANSPORT: 'streamable-http' })
    the.sse.requests.forget()
    expect((await initialize()).status).toBe(404)
    await the.world.restartRuntime({ DOWNSTREAM_TRANSPORT: 'http-sse' })
    expect((await initialize()).status).toBe(200)
    expect(the.sse.requests.all.map(({ method }) => method)).toEqual(['POST', 'GET', 'POST'])
  })
})

async function initialize(): Promise<Response> {
  return await new LegacyClient(the.world.mcpUrl, the.alice.accessToken).post(INITIALIZE)
}

function counting(id: string, to: number, interval: number): object {
  const params = { name: 'count', arguments: { to, interval_ms: interval }, _meta: { progressToken: id } }
  return { jsonrpc: '2.0', id, method: 'tools/call', params }
}
