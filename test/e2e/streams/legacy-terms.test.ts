// What holds for every request holds for one that is translated: rules, limits, the recorder, revocation; and what is said unasked is heard.
import { describe, expect, test } from 'vitest'
import { BrokerClient } from '../../world/broker-client.ts'
import { credentialsFor, modernClientWith } from '../../world/clients.ts'
import { startDownstream } from '../../world/downstream.ts'
import { fixture } from '../../world/fixture.ts'
import { ModernClient } from '../../world/modern-client.ts'
import { startSseDownstream } from '../../world/sse-downstream.ts'
import { startWorld } from '../../world/world.ts'

const the = fixture(async (closing) => {
  const server = await closing(startDownstream({ isLegacyOnly: true }))
  const sse = await closing(startSseDownstream())
  const listed = [
    { name: 'old', url: server.url, era_bridge: true },
    { name: 'ruled', url: server.url, era_bridge: true, tools: [{ deny: ['fail'], mode: 'read-only' }] },
    { name: 'limited', url: server.url, era_bridge: true, limits: { requests: 8, window: 60 } },
    { name: 'sse', url: sse.url, era_bridge: true },
    { name: 'unbridged', url: server.url },
  ]
  const world = await closing(startWorld({ overrides: { DOWNSTREAMS: JSON.stringify(listed) } }))
  tokens.clear()
  return { server, sse, world }
})

const at = (name: string) => `${the.world.brokerUrl}/servers/${name}/mcp`
const tokens = new Map<string, string>()
async function tokenFor(name: string): Promise<string> {
  const token = tokens.get(name) ?? (await credentialsFor('alice', at(name))).accessToken
  tokens.set(name, token)
  return token
}
const clientOf = async (name: string, capabilities: object = {}) => new ModernClient(at(name), await tokenFor(name), capabilities)
const FORM = { elicitation: { form: {} } }

describe('a request is refused as a server of 2026-07-28 refuses it', () => {
  test.for(['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe', 'tasks/get'])(
    '%s',
    async (method) => {
      const client = await clientOf('old')
      const answer = await client.ask(method, {}, method === 'tasks/get' ? {} : {})
      expect([answer.status, answer.last.error?.code]).toEqual([404, -32601])
    },
  )

  test.for<[string, object, number, number]>([
    ['another revision', { 'io.modelcontextprotocol/protocolVersion': '2027-01-01' }, 400, -32022],
    ['no capabilities', { 'io.modelcontextprotocol/clientCapabilities': undefined }, 400, -32602],
    ['a level that is none', { 'io.modelcontextprotocol/logLevel': 'loud' }, 400, -32602],
  ])('%s', async ([, meta, status, code]) => {
    const client = await clientOf('old')
    const version = 'io.modelcontextprotocol/protocolVersion' in meta ? { 'mcp-protocol-version': '2027-01-01' } : {}
    const answer = await client.call('echo', {}, { meta, headers: version })
    expect([answer.status, answer.last.error?.code]).toEqual([status, code])
  })

  test('a header that contradicts the body', async () => {
    const client = await clientOf('old')
    const answer = await client.call('echo', {}, { headers: { 'mcp-name': 'other' } })
    expect([answer.status, answer.last.error?.code]).toEqual([400, -32020])
  })
})

describe('what a server says unasked', () => {
  const LISTEN = { notifications: { toolsListChanged: true, promptsListChanged: true, resourceSubscriptions: ['a:b'] } }

  test('reaches everybody who listens, each under their own subscription, as far as the server offers it', async () => {
    const client = await clientOf('old')
    const first = await client.stream('subscriptions/listen', LISTEN, { id: 'listen:0' })
    const second = await client.stream('subscriptions/listen', LISTEN, { id: 0 })
    const acknowledged = JSON.parse((await first.message('acknowledged')).data ?? '')
    expect(acknowledged.params).toEqual({
      _meta: { 'io.modelcontextprotocol/subscriptionId': 'listen:0' },
      notifications: { toolsListChanged: true },
    })
    await second.message('acknowledged')
    await expect.poll(() => the.server.requests.open.some(({ method }) => method === 'GET')).toBe(true)
    the.server.announce()
    const ids = await Promise.all(
      [first, second].map(async (stream) => {
        const { data } = await stream.message('notifications/tools/list_changed')
        return JSON.parse(data ?? '').params._meta['io.modelcontextprotocol/subscriptionId']
      }),
    )
    expect(ids).toEqual(['listen:0', 0])
    // One stream at the server, however many listen.
    expect(the.server.requests.open.filter(({ method }) => method === 'GET')).toHaveLength(1)
    first.leave()
    second.leave()
  })

  test('is heard again after the server has lost the session, with one change of each list', async () => {
    const client = await clientOf('old')
    const stream = await client.stream('subscriptions/listen', LISTEN)
    await stream.message('acknowledged')
    await expect.poll(() => the.server.requests.open.some(({ method }) => method === 'GET')).toBe(true)
    await the.server.forgetSessions()
    await client.call('echo', { message: 'finds out' })
    await stream.message('notifications/tools/list_changed')
    stream.leave()
  })

  test('is nothing where nothing of it was asked for, and the stream stands open', async () => {
    const client = await clientOf('old')
    const stream = await client.stream('subscriptions/listen', { notifications: {} }, { id: 5 })
    expect(JSON.parse((await stream.message('acknowledged')).data ?? '').params.notifications).toEqual({})
    expect(await Promise.race([stream.over, new Promise((resolve) => setTimeout(() => resolve('open'), 300))])).toBe('open')
    stream.leave()
    expect((await client.ask('subscriptions/listen', {})).last.error?.code).toBe(-32602)
  })
})

describe('a server of HTTP+SSE', () => {
  test('is called, listened to, and asks its questions', async () => {
    const client = await clientOf('sse', FORM)
    expect((await client.call('echo', { message: 'hi' })).last.result).toMatchObject({
      content: [{ text: 'hi' }],
      resultType: 'complete',
    })
    expect(JSON.stringify((await client.call('whoami')).last.result)).toContain('alice@example.com')
    const asked = await client.call('ask')
    expect(asked.last.result?.['inputRequests']).toMatchObject({
      q1: { method: 'elicitation/create', params: { message: 'Who are you?' } },
    })
    const again = {
      inputResponses: { q1: { action: 'accept', content: { name: 'Ada' } } },
      requestState: asked.last.result?.['requestState'],
    }
    expect((await client.call('ask', {}, {}, again)).last.result).toMatchObject({ content: [{ text: 'accept: {"name":"Ada"}' }] })
    const listening = await client.stream('subscriptions/listen', { notifications: { toolsListChanged: true } })
    await listening.message('acknowledged')
    the.sse.announce()
    await listening.message('notifications/tools/list_changed')
    const counted = await client.call('count', { to: 3 }, { meta: { progressToken: 'p' } })
    expect(counted.messages.map(({ params }) => params?.['progressToken']).slice(0, 3)).toEqual(['p', 'p', 'p'])
    // A connection that breaks is opened again, and told as a change of each list.
    const before = listening.messages.length
    the.sse.drop()
    await expect.poll(() => listening.messages.length, { timeout: 10_000 }).toBeGreaterThan(before)
    expect((await client.call('echo', { message: 'again' })).last.result).toMatchObject({ content: [{ text: 'again' }] })
    listening.leave()
  })
})

describe('a translated request keeps to', () => {
  test('the rules about tools, and sees a list without those it may not call', async () => {
    const client = await clientOf('ruled')
    expect((await client.call('fail')).last.error).toMatchObject({ code: -32007, data: { code: 'tool_not_allowed' } })
    expect((await client.call('count', { to: 1 })).last.error).toMatchObject({ code: -32007 })
    expect((await client.call('echo', { message: 'x' })).last.result).toMatchObject({ content: [{ text: 'x' }] })
    const { last } = await client.ask('tools/list')
    expect(JSON.stringify(last.result)).not.toMatch(/"name":"(?:fail|count)"/)
    expect(last.result).toMatchObject({ resultType: 'complete', ttlMs: 0 })
  })

  test('the limits, the broker’s own questions included', async () => {
    const client = await clientOf('limited')
    const statuses: number[] = []
    for (let step = 0; step < 8; step += 1) statuses.push((await client.call('echo', { message: 'x' })).status)
    expect(statuses.filter((status) => status === 200).length).toBeLessThan(8)
    expect(statuses.at(-1)).toBe(429)
  })

  test('the permission: a revocation ends it, its session at the server, and every stream', async () => {
    const broker = await BrokerClient.register(the.world.brokerUrl)
    const { accessToken, refreshToken } = await broker.signIn('carol', { changes: { resource: at('old') } })
    const client = new ModernClient(at('old'), accessToken)
    const counting = await client.stream('tools/call', { name: 'count', arguments: { to: 1000 } }, { meta: { progressToken: 1 } })
    const listening = await client.stream('subscriptions/listen', { notifications: { toolsListChanged: true } }, { id: 'l' })
    await counting.message('"progress":2')
    await listening.message('acknowledged')
    const sessions = the.server.sessionCount()
    const since = Date.now()
    expect((await broker.revoke(refreshToken)).status).toBe(200)
    await Promise.all([counting.over, listening.over])
    expect(Date.now() - since).toBeLessThan(1500)
    expect([counting.closeReason, listening.closeReason]).toEqual(['credential_revoked', 'credential_revoked'])
    expect(JSON.parse(listening.messages.at(-1)?.data ?? '')).toMatchObject({ id: 'l', result: { resultType: 'complete' } })
    await expect.poll(() => the.server.sessionCount()).toBeLessThan(sessions)
    expect((await client.call('echo', { message: 'x' })).status).toBe(401)
  })
})

test('a server without the bridge gets requests of 2026-07-28 as they come, and is asked nothing', async () => {
  const client = await clientOf('unbridged')
  the.server.requests.forget()
  expect((await client.call('echo', { message: 'x' })).status).toBe(400)
  expect(the.server.requests.all.map(({ headers }) => headers['mcp-method'])).toEqual(['tools/call'])
})

test('a client of the official SDK that speaks 2026-07-28 alone uses a legacy server', async () => {
  const client = await modernClientWith(await tokenFor('old'), at('old'), 'pinned')
  const { tools } = await client.listTools()
  expect(tools.map(({ name }) => name)).toContain('whoami')
  expect(await client.callTool({ name: 'echo', arguments: { message: 'hello' } })).toMatchObject({ content: [{ text: 'hello' }] })
  await client.close()
})
