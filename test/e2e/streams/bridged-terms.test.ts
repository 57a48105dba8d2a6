// What the broker demands and writes down of every call holds for one that is translated, in either direction and in the words of its client.
import { decodeJwt } from 'jose'
import { describe, expect, test, vi } from 'vitest'
import { AdminProgram } from '../../world/administrator.ts'
import { BrokerClient, type Tokens } from '../../world/broker-client.ts'
import { fixture } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { ASKABLE, question } from '../../world/legacy-questions.ts'
import { ModernClient } from '../../world/modern-client.ts'
import { ScriptedModernServer } from '../../world/scripted-modern-server.ts'
import { ScriptedServer } from '../../world/scripted-server.ts'
import { putSealingKey, readSealed } from '../../world/sealing-key.ts'
import { startWorld } from '../../world/world.ts'

const ADA = { action: 'accept', content: { name: 'Ada' } }

const the = fixture(async (closing) => {
  const [old, modern] = await Promise.all([closing(ScriptedServer.start()), closing(ScriptedModernServer.start())])
  const rules = { tool_scopes: { wipe: 'wiping' }, tools: [{ deny: ['never'] }] }
  const listed = [
    { name: 'old', url: old.url, era_bridge: true, ...rules },
    { name: 'modern', url: modern.url, ...rules },
    { name: 'few', url: modern.url, limits: { requests: 6, window: 60 } },
  ]
  const world = await closing(startWorld({ overrides: { DOWNSTREAMS: JSON.stringify(listed), DOWNSTREAM_TIMEOUT: '4' } }))
  const broker = await BrokerClient.register(world.brokerUrl)
  return { old, modern, world, broker }
})

const at = (name: string) => `${the.world.brokerUrl}/servers/${name}/mcp`
const signedIn = async (name: string, scope?: string): Promise<Tokens> =>
  await the.broker.signIn('alice', { changes: { resource: at(name), ...(scope !== undefined && { scope }) } })
const challengeOf = (name: string) =>
  `Bearer error="insufficient_scope", scope="mcp wiping", resource_metadata="${the.world.brokerUrl}/.well-known/oauth-protected-resource/servers/${name}/mcp"`
const callsAt = ({ requests }: ScriptedServer | ScriptedModernServer) =>
  requests.all.filter(({ body }) => body.includes('"tools/call"')).length

describe('a tool that needs a further scope', () => {
  test('is not called for a client of 2026-07-28, which is told what to ask for, and then works', async () => {
    const narrow = new ModernClient(at('old'), (await signedIn('old')).accessToken)
    expect((await narrow.call('echo')).status).toBe(200)
    the.old.requests.forget()
    const { status, headers, last } = await narrow.call('wipe', {}, { id: 'w' })
    expect([status, headers.get('www-authenticate')]).toEqual([403, challengeOf('old')])
    expect(last).toMatchObject({ id: 'w', error: { code: -32008, data: { code: 'insufficient_scope' } } })
    expect(callsAt(the.old)).toBe(0)
    const wide = new ModernClient(at('old'), (await signedIn('old', 'mcp wiping')).accessToken)
    expect((await wide.call('wipe')).last.result?.['resultType']).toBe('complete')
  })

  test('is not called for a client of 2025-11-25, which keeps its session for what it may', async () => {
    const client = await LegacyClient.open(at('modern'), (await signedIn('modern')).accessToken)
    the.modern.requests.forget()
    const refused = await client.call('wipe', {}, 7)
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([403, challengeOf('modern')])
    expect(await refused.json()).toMatchObject({ id: 7, error: { code: -32008, data: { code: 'insufficient_scope' } } })
    expect(callsAt(the.modern)).toBe(0)
    expect(await (await client.call('echo', {}, 8)).json()).toMatchObject({ id: 8, result: { content: [] } })
    const wide = await LegacyClient.open(at('modern'), (await signedIn('modern', 'mcp wiping')).accessToken)
    expect(await (await wide.call('wipe', {}, 9)).json()).toMatchObject({ id: 9, result: { content: [] } })
  })

  test('and one that is denied does not reach a server of 2026-07-28 either, nor does what is over the limit', async () => {
    const client = await LegacyClient.open(at('modern'), (await signedIn('modern')).accessToken)
    const refused = await client.call('never')
    expect(await refused.json()).toMatchObject({ error: { code: -32007, data: { code: 'tool_not_allowed' } } })
    const few = await LegacyClient.open(at('few'), (await signedIn('few')).accessToken)
    the.modern.requests.forget()
    const statuses: number[] = []
    for (let number = 0; number < 8; number += 1) statuses.push((await few.call('echo')).status)
    expect(statuses.at(-1)).toBe(429)
    expect(callsAt(the.modern)).toBe(statuses.filter((status) => status === 200).length)
  })
})

test('a call is let on by no lease once access was taken back: not a new one, not one with answers, and not at the server', async () => {
  const own = await BrokerClient.register(the.world.brokerUrl)
  const { accessToken, refreshToken } = await own.signIn('bob', { changes: { resource: at('old') } })
  const client = new ModernClient(at('old'), accessToken, ASKABLE)
  the.old.onCall((call) => call.answer({ content: [] }))
  // So many that the isolate has a lease, and is not asking for each.
  for (let number = 0; number < 4; number += 1) expect((await client.call('echo')).status).toBe(200)
  const calling = the.old.nextStream()
  const asking = client.call('ask')
  const { feed } = await calling
  feed.send(question(1))
  const state = (await asking).last.result?.['requestState']
  the.old.requests.forget()
  expect((await own.revoke(refreshToken)).status).toBe(200)
  const statuses = await Promise.all([
    client.call('echo'),
    client.call('ask', {}, {}, { inputResponses: { q1: ADA }, requestState: state }),
    client.ask('server/discover'),
    client.ask('subscriptions/listen', { notifications: {} }),
  ])
  expect(statuses.map(({ status }) => status)).toEqual([401, 401, 401, 401])
  expect(the.old.requests.all.filter(({ method }) => method === 'POST')).toEqual([])
})

describe('what is recorded of a translated call', () => {
  test('is what its client sent and was answered, question and answer included, in either direction', async () => {
    const admin = await AdminProgram.signedIn(the.world.brokerUrl, 'carol')
    const key = await putSealingKey(admin)
    const [ofModern, ofLegacy] = [await signedIn('old'), await signedIn('modern')]
    const { sub = '' } = decodeJwt(ofModern.accessToken)
    expect((await admin.post(`/recordings/${sub}`, { bodies: true, minutes: 5, reason: 'looking for a bug' })).status).toBe(201)

    const client = new ModernClient(at('old'), ofModern.accessToken, ASKABLE)
    const calling = the.old.nextStream()
    const asking = client.call('ask', { a: 1 }, { id: 'first' })
    const { call, feed } = await calling
    feed.send(question(1))
    const asked = await asking
    const state = asked.last.result?.['requestState']
    const again = client.call('ask', { a: 1 }, { id: 'second' }, { inputResponses: { q1: ADA }, requestState: state })
    await expect.poll(() => the.old.requests.all.some(({ body }) => body.includes('"Ada"'))).toBe(true)
    feed.respond(call.message.id, { content: [{ type: 'text', text: 'hello' }] })
    await again

    the.modern.onCall(({ answer, message }) =>
      message.params?.['inputResponses'] === undefined
        ? answer({ resultType: 'input_required', inputRequests: { who: question(0) }, requestState: 's' })
        : answer({ content: [{ type: 'text', text: 'good day' }] }),
    )
    const legacy = await LegacyClient.open(at('modern'), ofLegacy.accessToken, { capabilities: ASKABLE })
    const stream = await legacy.stream('ask', {}, 'third')
    const { id } = JSON.parse((await stream.message('elicitation/create')).data ?? '')
    await (await legacy.post({ jsonrpc: '2.0', id, result: ADA })).text()
    await stream.message('good day')

    const exchanges = await vi.waitUntil(async () => {
      const { entries, problems } = await readSealed(await (await admin.get(`/recordings/${sub}/sealed`)).text(), key)
      expect(problems.filter((problem) => problem !== 'not_closed')).toEqual([])
      return JSON.stringify(entries).includes('good day') ? entries : undefined
    }, 10_000)
    const said = exchanges.map(({ request = '', answer = '' }) => ({ request, answer }))
    const first = said.find(({ request }) => request.includes('"id":"first"'))
    expect(first?.request).toContain('"io.modelcontextprotocol/protocolVersion":"2026-07-28"')
    expect(JSON.stringify(said)).toContain('input_required')
    expect(said.find(({ request }) => request.includes('"id":"second"'))?.request).toContain('"inputResponses":{"q1"')
    // The legacy client sees no word of the later revision, and neither does its record.
    const ofOld = said.slice(said.findIndex(({ request }) => request.includes('"id":"third"')))
    expect(JSON.stringify(ofOld)).toContain('elicitation/create')
    expect(JSON.stringify(ofOld)).not.toContain('input_required')
    expect(ofOld.some(({ request }) => request.includes(`"id":"${id}"`) && request.includes('Ada'))).toBe(true)
  })
})
