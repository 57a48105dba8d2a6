// Rules about tools in the real world: what real clients of every transport see and are told, and how they come by a further scope.
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client'
import { UnauthorizedError as ModernUnauthorized } from '@modelcontextprotocol/client'
import type { OAuthDiscoveryState, StoredOAuthClientInformation, StoredOAuthTokens } from '@modelcontextprotocol/client'
import { UnauthorizedError, type OAuthDiscoveryState as LegacyDiscovery } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import { beforeEach, describe, expect, test } from 'vitest'
import { BrokerClient, errorOf, tokensOf } from '../world/broker-client.ts'
import { credentialsFor, type Credentials } from '../world/clients.ts'
import { startDownstream, type Downstream } from '../world/downstream.ts'
import { fixture } from '../world/fixture.ts'
import { LegacyClient } from '../world/legacy-client.ts'
import { MemoryProvider } from '../world/memory-provider.ts'
import type { PersonKey } from '../world/people.ts'
import { ScriptedServer } from '../world/scripted-server.ts'
import { SseClient } from '../world/sse-client.ts'
import { startSseDownstream } from '../world/sse-downstream.ts'
import { startWorld } from '../world/world.ts'

/** Alice is of engineering, Bob of sales. */
const RULES = [
  { groups: ['engineering'], deny: ['fail', 'ask', 'delete_*'] },
  { groups: ['sales'], mode: 'read-only' },
]
const ECHO = { name: 'echo', arguments: { message: 'hello' } }
const SAID = { content: [{ type: 'text', text: 'hello' }] }
const COUNT = { name: 'count', arguments: { to: 2, interval_ms: 1 } }
const LIST = { jsonrpc: '2.0', id: 'list', method: 'tools/list' }
const LISTED = { jsonrpc: '2.0', id: 'list', result: { tools: [{ name: 'delete_all' }, { name: 'a' }] } }
const callOf = (id: number, name: string): object => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name } })
const DENIED = /The tool "\w+" is not allowed for you here/

const the = fixture(async (closing) => {
  const [tools, old, scripted] = await Promise.all([
    closing(startDownstream()),
    closing(startSseDownstream()),
    closing(ScriptedServer.start({ resumable: true })),
  ])
  const servers = [
    { name: 'tools', url: tools.url, tools: RULES, tool_scopes: { count: 'counting' } },
    { name: 'old', url: old.url, tools: RULES },
    { name: 'scripted', url: scripted.url, tools: RULES },
  ]
  const world = await closing(startWorld({ overrides: { DOWNSTREAMS: JSON.stringify(servers) } }))
  return { world, tools, old, scripted }
})

beforeEach(() => {
  the.tools.requests.forget()
  the.old.requests.forget()
  the.scripted.requests.forget()
})

const at = (name: string, path = 'mcp'): string => `${the.world.brokerUrl}/servers/${name}/${path}`
const signedIn = async (person: PersonKey, name: string): Promise<Credentials> => await credentialsFor(person, at(name))
/** The methods that reached a server, with the tool where one was called. */
const reached = ({ requests }: Pick<Downstream, 'requests'>): readonly string[] =>
  requests.all.flatMap(({ body }) => {
    if (body.length === 0) return []
    const { method, params }: { method: string; params?: { name?: string } } = JSON.parse(body.toString())
    return method.startsWith('tools/') ? [method + (params?.name === undefined ? '' : ` ${params.name}`)] : []
  })

describe('the SDK of the 2025 revisions', () => {
  type Provider = MemoryProvider<OAuthClientInformationMixed, OAuthTokens, LegacyDiscovery>

  async function connect(authProvider: Provider): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> {
    const first = new StreamableHTTPClientTransport(new URL(at('tools')), { authProvider })
    await expect(new Client({ name: 'v1', version: '1' }).connect(first)).rejects.toThrow(UnauthorizedError)
    await first.finishAuth(authProvider.code())
    const client = new Client({ name: 'v1', version: '1' })
    const transport = new StreamableHTTPClientTransport(new URL(at('tools')), { authProvider })
    await client.connect(transport)
    return { client, transport }
  }

  test('sees what is allowed, is told in words what is not, and goes on', async () => {
    const provider: Provider = new MemoryProvider('alice')
    const { client } = await connect(provider)
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['whoami', 'echo', 'count'])
    await expect(client.callTool({ name: 'fail' })).rejects.toThrow(DENIED)
    expect(await client.callTool(ECHO)).toMatchObject(SAID)
    expect(reached(the.tools)).toEqual(['tools/list', 'tools/call echo'])
    expect(provider.signIns).toBe(1)
    await client.close()
  })

  test('authorizes again where a call needs a further scope, and goes on in its session', async () => {
    const provider: Provider = new MemoryProvider('alice')
    const { client, transport } = await connect(provider)
    expect(provider.savedTokens?.scope).toBe('mcp')
    const { sessionId } = transport
    await expect(client.callTool(COUNT)).rejects.toThrow(UnauthorizedError)
    expect(reached(the.tools)).toEqual([])
    await transport.finishAuth(provider.code())
    expect(provider.savedTokens?.scope).toBe('mcp counting')
    expect(await client.callTool(COUNT)).toMatchObject({ content: [{ text: 'counted to 2' }] })
    expect(transport.sessionId).toBe(sessionId)
    expect(provider.signIns).toBe(2)
    await client.close()
  })
})

describe('the SDK of 2026-07-28', () => {
  type Provider = MemoryProvider<StoredOAuthClientInformation, StoredOAuthTokens, OAuthDiscoveryState>

  async function connect(authProvider: Provider): Promise<{ client: ModernClient; transport: ModernTransport }> {
    const first = new ModernTransport(new URL(at('tools')), { authProvider })
    await expect(newModernClient().connect(first)).rejects.toThrow(ModernUnauthorized)
    await first.finishAuth(authProvider.answer())
    const client = newModernClient()
    const transport = new ModernTransport(new URL(at('tools')), { authProvider })
    await client.connect(transport)
    return { client, transport }
  }

  test('sees what is allowed, is told in words what is not, and goes on', async () => {
    const provider: Provider = new MemoryProvider('bob')
    const { client } = await connect(provider)
    // Of somebody who may only read; nothing was listed yet.
    expect(await client.callTool(ECHO)).toMatchObject(SAID)
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['whoami', 'echo'])
    await expect(client.callTool(COUNT)).rejects.toThrow(/tools that only read/)
    expect(await client.callTool(ECHO)).toMatchObject(SAID)
    expect(reached(the.tools)).toEqual(['tools/list', 'tools/call echo', 'tools/list', 'tools/call echo'])
    expect(provider.signIns).toBe(1)
    await client.close()
  })

  test('authorizes again where a call needs a further scope', async () => {
    const provider: Provider = new MemoryProvider('alice')
    const { client, transport } = await connect(provider)
    await expect(client.callTool(COUNT)).rejects.toThrow(ModernUnauthorized)
    await transport.finishAuth(provider.answer())
    expect(provider.savedTokens?.scope).toBe('mcp counting')
    expect(await client.callTool(COUNT)).toMatchObject({ content: [{ text: 'counted to 2' }] })
    expect(reached(the.tools)).toEqual(['tools/call count'])
    expect(provider.signIns).toBe(2)
    await client.close()
  })
})

describe('a session of the 2025 revisions', () => {
  test('asks its server which tools only read, once, and not in the name of the client', async () => {
    const bob = await signedIn('bob', 'tools')
    const client = await LegacyClient.open(at('tools'), bob.accessToken)
    expect(await (await client.call('echo', ECHO.arguments)).text()).toContain('hello')
    expect(await (await client.call('count', COUNT.arguments)).json()).toMatchObject({
      error: { data: { code: 'tool_not_allowed' } },
    })
    expect(reached(the.tools)).toEqual(['tools/list', 'tools/call echo'])
    await client.delete()
  })

  test('without a scope gets the challenge, and its next refresh the request to authorize again: once, and the token stays good', async () => {
    const program = await BrokerClient.register(the.world.brokerUrl)
    const changes = { resource: at('tools') }
    const alice = await program.signIn('alice', { changes })
    const client = await LegacyClient.open(at('tools'), alice.accessToken)
    const answer = await client.call('count', COUNT.arguments)
    expect(answer.status).toBe(403)
    expect(answer.headers.get('www-authenticate')).toBe(
      `Bearer error="insufficient_scope", scope="mcp counting", resource_metadata="${the.world.brokerUrl}/.well-known/oauth-protected-resource/servers/tools/mcp"`,
    )
    expect(await answer.json()).toMatchObject({ id: 1, error: { data: { code: 'insufficient_scope' } } })
    const refused = await program.refresh(alice.refreshToken)
    expect([refused.status, errorOf(refused)]).toEqual([400, 'consent_required'])
    expect(tokensOf(await program.refresh(alice.refreshToken)).scope).toBe('mcp')

    // The session is the client's: another one of the same person does not come by it, whatever it may do.
    const other = await BrokerClient.register(the.world.brokerUrl)
    const wider = { changes: { ...changes, scope: 'mcp counting' } }
    const theirs = await other.signIn('alice', wider)
    client.accessToken = theirs.accessToken
    expect((await client.call('count', COUNT.arguments)).status).toBe(404)
    client.accessToken = (await program.signIn('alice', wider)).accessToken
    expect(await (await client.call('count', COUNT.arguments)).text()).toContain('counted to 2')
    await client.delete()
  })

  test('40. gets nothing through in a batch, and an answer for each request of it', async () => {
    const alice = await signedIn('alice', 'scripted')
    const client = await LegacyClient.open(at('scripted'), alice.accessToken, { version: '2025-03-26' })
    const answer = await client.post([callOf(1, 'echo'), { jsonrpc: '2.0', method: 'notifications/x' }, callOf(2, 'delete_all')])
    expect(answer.status).toBe(200)
    const refused = { data: { code: 'tool_not_allowed' }, message: expect.stringMatching(/"delete_all".*Nothing of the batch/) }
    expect(await answer.json()).toMatchObject([
      { id: 1, error: refused },
      { id: 2, error: refused },
    ])
    expect(reached(the.scripted)).toEqual([])
  })

  test('finds no denied tool in what is stored for it, whichever way the list comes', async () => {
    const alice = await signedIn('alice', 'scripted')
    const client = await LegacyClient.open(at('scripted'), alice.accessToken)
    const LEFT = '{"jsonrpc":"2.0","id":"list","result":{"tools":[{"name":"a"}]}}'

    the.scripted.onCall(({ res }) => void res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(LISTED)))
    expect(await (await client.post(LIST)).text()).toBe(LEFT)

    let feed: ReturnType<Parameters<Parameters<typeof the.scripted.onCall>[0]>[0]['stream']> | undefined
    the.scripted.onCall((call) => {
      feed = call.stream()
      feed.notify({ step: 1 })
    })
    const stream = await client.open(LIST)
    await stream.message('"step":1')
    stream.leave()
    // From here on a new life of the object, which knows the stream from its log alone.
    await the.world.restartRuntime()
    const rest = await client.get(stream.lastId)
    await expect
      .poll(() => the.scripted.requests.all.some(({ method, headers }) => method === 'GET' && headers['last-event-id']))
      .toBe(true)
    feed?.send(LISTED)
    expect((await rest.message('"result"')).data).toBe(LEFT)

    const standing = await client.get()
    await expect.poll(() => the.scripted.session.standing.isRead).toBe(true)
    the.scripted.session.standing.send(LISTED)
    expect((await standing.message('"result"')).data).toBe(LEFT)
    standing.leave()
  })
})

describe('over HTTP+SSE', () => {
  test.for(['tools', 'old'])('a client of it is told on its stream, in front of %s', async (name) => {
    const bob = await signedIn('bob', name)
    const client = await SseClient.open(at(name, 'sse'), bob.accessToken)
    expect((await client.call('echo', ECHO.arguments, 1)).status).toBe(202)
    await client.stream.message('"id":1')
    expect((await client.call('count', COUNT.arguments, 2)).status).toBe(202)
    expect(JSON.parse((await client.stream.message('"id":2')).data ?? '')).toMatchObject({
      error: { message: expect.stringMatching(DENIED), data: { code: 'tool_not_allowed' } },
    })
    expect((await client.post(LIST)).status).toBe(202)
    const { result }: { result: { tools: { name: string }[] } } = JSON.parse(
      (await client.stream.message('"id":"list"')).data ?? '',
    )
    expect(result.tools.map(({ name: tool }) => tool)).not.toContain('count')
    expect(
      the.world.logs
        .map(({ message }) => message)
        .filter((line) => line.includes('mcp.refused'))
        .at(-1),
    ).toMatch(/"code":"tool_not_allowed","status":200,"reason":"count"/)
    // The broker's own question is nobody else's business.
    expect(client.stream.messages).toHaveLength(5)
    expect(reached(name === 'old' ? the.old : the.tools)).toEqual(['tools/list', 'tools/call echo', 'tools/list'])
    client.stream.leave()
  })

  test('a server that speaks it is asked and edited for a client that does not', async () => {
    const bob = await signedIn('bob', 'old')
    const client = await LegacyClient.open(at('old'), bob.accessToken)
    expect((await (await client.stream('echo', ECHO.arguments, 1)).message('"id":1')).data).toContain('hello')
    expect(await (await client.call('count', COUNT.arguments, 2)).json()).toMatchObject({
      error: { data: { code: 'tool_not_allowed' } },
    })
    const { data = '' } = await (await client.open(LIST)).message('"id":"list"')
    expect(JSON.parse(data)).toMatchObject({ result: { tools: [{ name: 'echo' }] } })
    // Which of its tools only read is known already, from the test before: the same person, the same server.
    expect(reached(the.old)).toEqual(['tools/call echo', 'tools/list'])
    await client.delete()
  })
})

function newModernClient(): ModernClient {
  return new ModernClient({ name: 'v2', version: '1' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
}
