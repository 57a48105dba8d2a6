// Questions of a legacy server to a client of 2026-07-28: asked as the later revision asks, answered once, and never by anybody else.
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { brokerBefore } from '../../world/broker-before.ts'
import { BrokerClient } from '../../world/broker-client.ts'
import { credentialsFor } from '../../world/clients.ts'
import { fixture, perTest } from '../../world/fixture.ts'
import { asked as askedBy, ASKABLE, question } from '../../world/legacy-questions.ts'
import { ModernClient, type ModernAnswered } from '../../world/modern-client.ts'
import { randomCalls, servePlans } from '../../world/random-calls.ts'
import { ScriptedServer } from '../../world/scripted-server.ts'

const ACCEPTED = { action: 'accept', content: { name: 'Ada' } }

/** What a client is told who can not go on. */
const told = ({ last }: ModernAnswered) => [last.error?.code, last.error?.data]
const refused = (reason: string) => [-32602, expect.objectContaining({ code: 'request_state_refused', reason })]

const the = fixture(async (closing) => {
  const server = await closing(ScriptedServer.start({ resumable: true }))
  const listed = [
    { name: 'old', url: server.url, era: 'legacy', era_bridge: true },
    { name: 'other', url: server.url, era: 'legacy', era_bridge: true },
  ]
  return {
    server,
    ...(await brokerBefore(closing, server, { DOWNSTREAMS: JSON.stringify(listed), DOWNSTREAM_TIMEOUT: '4' }, 'old')),
  }
})
const its = perTest(async () => {
  // What the server was answered, by the id it asked with.
  const answers = new Map<string, unknown>()
  the.server.behaviour.resumable = true
  the.server.onNotification((message, res) => {
    if (message.method === undefined) answers.set(String(message.id), message)
    res.writeHead(202).end()
  })
  the.server.onCall((call) => call.answer({ content: [] }))
  await client().call('warm')
  return { answers }
})

const client = (capabilities: object = ASKABLE, as = the.token, at = the.url) => new ModernClient(at, as, capabilities)
const asking = async (questions: readonly object[] = [question(1)], by = client()) => await askedBy(the.server, by, questions)
const retry = async (state: string, inputResponses: object, by = client(), args: object = { a: 1 }) =>
  await by.call('ask', args, {}, { inputResponses, requestState: state })

describe('questions', () => {
  test('are asked with the answer to the call, and the call goes on with the answers', async () => {
    const { asked, state, call, feed } = await asking([
      question('e', 'elicitation/create', { message: 'm', elicitationId: 'x', _meta: {}, n: 1 }),
      question(2, 'roots/list', {}),
    ])
    expect(asked.last.result).toEqual({
      resultType: 'input_required',
      inputRequests: {
        q1: { method: 'elicitation/create', params: { message: 'm', n: 1 } },
        q2: { method: 'roots/list', params: {} },
      },
      requestState: state,
    })
    const retrying = retry(state, { q1: ACCEPTED, q2: { roots: [{ uri: 'file:///x' }] }, unknown: 1 })
    await expect.poll(() => its.answers.size).toBe(2)
    expect(its.answers.get('e')).toEqual({ jsonrpc: '2.0', id: 'e', result: ACCEPTED })
    expect(its.answers.get('2')).toEqual({ jsonrpc: '2.0', id: 2, result: { roots: [{ uri: 'file:///x' }] } })
    feed.respond(call.message.id, { content: [{ type: 'text', text: 'hello Ada' }] })
    expect((await retrying).last.result).toMatchObject({ resultType: 'complete', content: [{ type: 'text', text: 'hello Ada' }] })
  })

  test('whose answers the server does not take end the call: its client is told, and the server that nobody waits', async () => {
    const { state, feed } = await asking()
    const cancelled: unknown[] = []
    the.server.onNotification((message, res) => {
      if (message.method === 'notifications/cancelled') cancelled.push(message.params?.['reason'])
      res.writeHead(message.method === undefined ? 500 : 202).end()
    })
    const { status, last } = await retry(state, { q1: ACCEPTED })
    expect([status, last.error]).toEqual([502, expect.objectContaining({ code: -32603 })])
    await expect.poll(() => cancelled).toEqual(['Its answers were not taken'])
    await expect.poll(() => feed.isRead).toBe(false)
    expect(told(await retry(state, { q1: ACCEPTED }))).toEqual(refused('used'))
  })

  test('that are left open are asked again, and nothing else', async () => {
    const { state, call, feed } = await asking([question(1), question(2, 'roots/list')])
    const again = await retry(state, { q1: ACCEPTED })
    expect(again.last.result).toMatchObject({ resultType: 'input_required', inputRequests: { q2: { method: 'roots/list' } } })
    expect(Object.keys(again.last.result?.['inputRequests'] ?? {})).toEqual(['q2'])
    expect(again.last.result?.['requestState']).not.toBe(state)
    const last = retry(String(again.last.result?.['requestState']), { q2: { roots: [] } })
    await expect.poll(() => its.answers.size).toBe(2)
    feed.respond(call.message.id, { content: [] })
    expect((await last).last.result?.['resultType']).toBe('complete')
  })

  test('of a second round come under other keys', async () => {
    const { state, call, feed } = await asking()
    const second = retry(state, { q1: ACCEPTED })
    await expect.poll(() => its.answers.size).toBe(1)
    feed.send(question(2))
    const asked = await second
    const [key = ''] = Object.keys(asked.last.result?.['inputRequests'] ?? {})
    expect(key).not.toBe('q1')
    const last = retry(String(asked.last.result?.['requestState']), { [key]: { action: 'decline' } })
    await expect.poll(() => its.answers.size).toBe(2)
    feed.respond(call.message.id, { content: [] })
    expect((await last).last.result?.['resultType']).toBe('complete')
  })

  test('133 that take the place of one the server has withdrawn are not answered by what another one was', async () => {
    const withdrawn = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'a' } }
    const { state, call, feed } = await asking()
    // While nobody waits; with the answer to the last one all of them have come.
    for (const one of [question('a'), question('b'), withdrawn, question('c'), question('last', 'ping')]) feed.send(one)
    await expect.poll(() => its.answers.has('last')).toBe(true)
    const { last } = await retry(state, { q1: ACCEPTED })
    expect(Object.keys(last.result?.['inputRequests'] ?? {})).toEqual(['q3', 'q4'])
    const retrying = retry(String(last.result?.['requestState']), { q3: ACCEPTED, q4: { action: 'decline' } })
    await expect.poll(() => its.answers.has('c')).toBe(true)
    expect([its.answers.get('b'), its.answers.get('c')]).toMatchObject([{ result: ACCEPTED }, { result: { action: 'decline' } }])
    feed.respond(call.message.id, { content: [] })
    expect((await retrying).last.result?.['resultType']).toBe('complete')
  })

  test('that come while nobody waits, and are more together than is kept, are declined but for the first', async () => {
    const long = { message: 'x'.repeat(300_000), requestedSchema: { type: 'object', properties: {} } }
    const { state, feed } = await asking([question(1)])
    for (const id of [2, 3]) feed.send(question(id, 'elicitation/create', long))
    await expect.poll(() => its.answers.get('3')).toMatchObject({ result: { action: 'cancel' } })
    const asked = await retry(state, { q1: ACCEPTED })
    expect(Object.keys(asked.last.result?.['inputRequests'] ?? {})).toEqual(['q2'])
    expect(its.answers.has('2')).toBe(false)
  })

  test('are answered in vain where the server has responded meanwhile, and its response is there', async () => {
    const { state, call, feed } = await asking()
    feed.respond(call.message.id, { content: [], late: true })
    await sleep(50)
    expect((await retry(state, { q1: ACCEPTED })).last.result).toMatchObject({ resultType: 'complete', late: true })
  })

  test('an answer that is none is refused, and the client may try again', async () => {
    const { state, call, feed } = await asking()
    const wrong = await retry(state, { q1: { action: 'perhaps' } })
    expect(wrong.last.error).toMatchObject({ code: -32602, data: { code: 'invalid_params' } })
    expect(its.answers.size).toBe(0)
    const right = retry(state, { q1: ACCEPTED })
    await expect.poll(() => its.answers.size).toBe(1)
    feed.respond(call.message.id, { content: [] })
    expect((await right).last.result?.['resultType']).toBe('complete')
  })

  test('progress after the answers comes under the token of the request that brought them', async () => {
    const { state, call, feed } = await asking()
    const streaming = client().stream(
      'tools/call',
      { name: 'ask', arguments: { a: 1 }, inputResponses: { q1: ACCEPTED }, requestState: state },
      { meta: { progressToken: 'second' } },
    )
    await expect.poll(() => its.answers.size).toBe(1)
    feed.send({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: call.message.id, progress: 1 } })
    const stream = await streaming
    expect(JSON.parse((await stream.message('notifications/progress')).data ?? '').params.progressToken).toBe('second')
    feed.respond(call.message.id, { content: [] })
    expect(await stream.over).toBe('ended')
  })

  test('without a capability for them are declined, and an error of the call says which was needed', async () => {
    const calling = the.server.nextStream()
    const asked = client({ elicitation: {} }).call('ask')
    const { call, feed } = await calling
    feed.send(question(1, 'roots/list'))
    await expect.poll(() => its.answers.get('1')).toMatchObject({ error: { code: -32603 } })
    feed.send({ jsonrpc: '2.0', id: call.message.id, error: { code: -32000, message: 'no roots' } })
    const { status, last } = await asked
    expect([status, last.error]).toEqual([
      400,
      expect.objectContaining({ code: -32021, data: expect.objectContaining({ requiredCapabilities: { roots: {} } }) }),
    ])
  })
})

describe('117 somebody answers a question that was not asked them', () => {
  test('with a state that is made up, or changed in one character', async () => {
    const { state } = await asking()
    const other = state.at(-9) === 'A' ? 'B' : 'A'
    for (const forged of ['x', '', 'a.b', state.slice(0, -9) + other + state.slice(-8)])
      expect(told(await retry(forged, { q1: ACCEPTED }))).toEqual(refused('forged'))
    expect(its.answers.size).toBe(0)
  })

  test('with the state of somebody else, of another client of theirs, or for another server', async () => {
    const { state } = await asking()
    const bob = (await credentialsFor('bob', the.url)).accessToken
    const second = (await credentialsFor('alice', the.url)).accessToken
    const otherUrl = `${the.world.brokerUrl}/servers/other/mcp`
    const other = (await credentialsFor('alice', otherUrl)).accessToken
    expect(told(await retry(state, { q1: ACCEPTED }, client(ASKABLE, bob)))).toEqual(refused('foreign'))
    expect(told(await retry(state, { q1: ACCEPTED }, client(ASKABLE, second)))).toEqual(refused('foreign'))
    expect(told(await retry(state, { q1: ACCEPTED }, client(ASKABLE, other, otherUrl)))).toEqual(refused('foreign'))
    expect(its.answers.size).toBe(0)
  })

  test('a second time', async () => {
    const { state, call, feed } = await asking()
    const both = Promise.all([retry(state, { q1: ACCEPTED }), retry(state, { q1: { action: 'decline' } })])
    await expect.poll(() => its.answers.size).toBe(1)
    feed.respond(call.message.id, { content: [] })
    const results = (await both).map(({ last }) => last.result?.['resultType'] ?? last.error?.data)
    expect(results).toContain('complete')
    expect(results).toContainEqual(expect.objectContaining({ reason: 'used' }))
    expect(told(await retry(state, { q1: ACCEPTED }))).toEqual(refused('used'))
    expect(its.answers.size).toBe(1)
  })

  test('for other arguments, or another method', async () => {
    const { state } = await asking()
    expect(told(await retry(state, { q1: ACCEPTED }, client(), { a: 2 }))).toEqual(refused('changed'))
    const read = await client().ask('resources/read', { uri: 'x:y', inputResponses: { q1: ACCEPTED }, requestState: state })
    expect(told(read)).toEqual(refused('foreign'))
    expect(its.answers.size).toBe(0)
  })

  test('after access was taken back', async () => {
    const broker = await BrokerClient.register(the.world.brokerUrl)
    const { accessToken, refreshToken } = await broker.signIn('carol', { changes: { resource: the.url } })
    const { state, feed } = await asking([question(1)], client(ASKABLE, accessToken))
    const before = the.server.deleted.length
    await broker.revoke(refreshToken)
    // The call ends at the server too, and so does the session it was made in.
    await expect.poll(() => feed.isRead).toBe(false)
    await expect.poll(() => the.server.deleted.length).toBeGreaterThan(before)
    expect((await retry(state, { q1: ACCEPTED }, client(ASKABLE, accessToken))).status).toBe(401)
    expect(its.answers.size).toBe(0)
  })
})

test('whatever a server does in its calls, each request gets exactly one answer, and its own', async () => {
  the.server.behaviour.resumable = false
  servePlans(the.server)
  const bob = (await credentialsFor('bob', the.url)).accessToken
  expect(await randomCalls([client(), client(ASKABLE, bob)], 150, 1)).toEqual([])
})

describe('while a question is open', () => {
  test('the server dies, and the client is told to begin again', async () => {
    the.server.behaviour.resumable = false
    const { state, feed } = await asking()
    feed.cut()
    await sleep(100)
    const { last } = await retry(state, { q1: ACCEPTED })
    expect(last.error).toMatchObject({ code: -32602, data: { reason: 'restarted' } })
  })

  test('the broker dies, and goes on where the server lets it', async () => {
    const { state, call, feed } = await asking()
    await the.world.restartRuntime()
    const retrying = retry(state, { q1: ACCEPTED })
    await expect.poll(() => its.answers.size, { timeout: 15_000 }).toBe(1)
    feed.respond(call.message.id, { content: [], after: 'restart' })
    expect((await retrying).last.result).toMatchObject({ resultType: 'complete', after: 'restart' })
  })

  test('the broker dies, and the client is told to begin again where the server can not go on', async () => {
    the.server.behaviour.resumable = false
    const { state } = await asking()
    await the.world.restartRuntime()
    const { last } = await retry(state, { q1: ACCEPTED })
    expect(last.error).toMatchObject({ code: -32602, data: { reason: 'restarted' } })
  })
})
