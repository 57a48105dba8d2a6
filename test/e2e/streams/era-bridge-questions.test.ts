// What a server of 2026-07-28 asks in the middle of a call, put to clients of the older revisions: answers, refusals, restarts and forgeries.
import { describe, expect, test } from 'vitest'
import { bridgeSequences } from '../../world/bridge-sequences.ts'
import type { EventStream } from '../../world/event-stream.ts'
import { fixture, perTest } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { startModernBehind } from '../../world/modern-behind.ts'
import type { ModernMessage } from '../../world/scripted-modern-server.ts'

const the = fixture((closing) => startModernBehind(closing, { RATE_LIMIT_REQUESTS: '100000' }))

const STATE = 'opaque \\u0061 "state" 12345678901234567890'
const ELICIT = { method: 'elicitation/create', params: { mode: 'form', message: 'Who?', requestedSchema: { type: 'object' } } }
const SAMPLE = { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } }

/** Asks in these rounds, and is then done. */
function asking(...rounds: readonly object[]): void {
  the.server.onCall(({ message, text, answer }) => {
    its.legs.push(message)
    its.texts.push(text)
    const round = rounds[its.legs.length - 1]
    answer(round ? { resultType: 'input_required', ...round } : { content: [{ type: 'text', text: 'done' }] })
  })
}

const its = perTest(() => {
  const legs: ModernMessage[] = []
  const texts: string[] = []
  the.server.requests.forget()
  return { legs, texts }
})

const EVERYTHING = { elicitation: { form: {}, url: {} }, sampling: {}, roots: { listChanged: true } }

async function open(
  options: { readonly capabilities?: object; readonly version?: '2025-06-18' | '2025-11-25' } = {},
): Promise<LegacyClient> {
  return await LegacyClient.open(the.world.mcpUrl, the.token, { capabilities: EVERYTHING, ...options })
}

interface Question {
  readonly id: string
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}

const parsed = (data = ''): Question => JSON.parse(data)

async function question(stream: EventStream, method = 'elicitation/create'): Promise<Question> {
  return parsed((await stream.message(`"${method}"`)).data)
}

const give = async (client: LegacyClient, { id }: Question, result: object): Promise<Response> =>
  await client.post({ jsonrpc: '2.0', id, result })

const ended = async (stream: EventStream): Promise<unknown> => {
  await stream.over
  return JSON.parse(stream.messages.at(-1)?.data ?? '')
}

const DONE = { jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text: 'done' }] } }

describe('a question', () => {
  test('is asked on the stream of the call, and its answer goes back with the state as it was', async () => {
    const client = await open()
    asking({ inputRequests: { who: ELICIT }, requestState: STATE })
    const stream = await client.stream('ask', { n: 1 }, 1)
    const asked = await question(stream)
    expect(asked.params).toEqual(ELICIT.params)
    expect((await give(client, asked, { action: 'accept', content: { name: 'Ada' } })).status).toBe(202)
    expect(await ended(stream)).toEqual(DONE)
    expect(its.legs[1]?.params).toMatchObject({
      name: 'ask',
      arguments: { n: 1 },
      inputResponses: { who: { action: 'accept', content: { name: 'Ada' } } },
      requestState: STATE,
    })
    expect(its.texts[1]).toContain(`"requestState":${JSON.stringify(STATE)}`)
    expect(its.legs[1]?.id).not.toBe(1)
  })

  test('of several is asked with the others, and answered when all are; then comes the next round', async () => {
    const client = await open()
    asking(
      { inputRequests: { a: ELICIT, b: SAMPLE, c: { method: 'roots/list' } } },
      { inputRequests: { d: ELICIT }, requestState: 's2' },
    )
    const stream = await client.stream('ask', {}, 1)
    const first = await question(stream)
    await give(client, await question(stream, 'sampling/createMessage'), { role: 'assistant', model: 'm', content: [] })
    await give(client, first, { action: 'decline' })
    await give(client, await question(stream, 'roots/list'), { roots: [] })
    await expect.poll(() => its.legs.length).toBe(2)
    const { data } = await stream.find(
      ({ data: said }) => said?.includes('elicitation/create') === true && !said.includes(first.id),
    )
    await give(client, parsed(data), { action: 'cancel' })
    expect(await ended(stream)).toEqual(DONE)
    expect(its.legs[1]?.params?.['inputResponses']).toEqual({
      a: { action: 'decline' },
      b: { role: 'assistant', model: 'm', content: [] },
      c: { roots: [] },
    })
    expect(its.legs[1]?.params).not.toHaveProperty('requestState')
    expect(its.legs[2]?.params).toMatchObject({ inputResponses: { d: { action: 'cancel' } }, requestState: 's2' })
  })

  test('that opens a page has an id for clients of 2025-11-25, and a form no mode for those before', async () => {
    const client = await open()
    asking({
      inputRequests: { u: { method: 'elicitation/create', params: { mode: 'url', message: 'm', url: 'https://a.example' } } },
    })
    const stream = await client.stream('ask', {}, 1)
    expect((await question(stream)).params).toMatchObject({ mode: 'url', elicitationId: expect.any(String) })
    stream.leave()
    its.legs.length = 0
    asking({ inputRequests: { who: ELICIT } })
    const older = await open({ version: '2025-06-18' })
    expect((await question(await older.stream('ask', {}, 1))).params).not.toHaveProperty('mode')
  })

  test('that the client refuses with an error is a cancel, and ends the call where the server can’t be told', async () => {
    const client = await open()
    asking({ inputRequests: { who: ELICIT } })
    const stream = await client.stream('ask', {}, 1)
    await client.post({ jsonrpc: '2.0', id: (await question(stream)).id, error: { code: -32_603, message: 'no' } })
    expect(await ended(stream)).toEqual(DONE)
    expect(its.legs[1]?.params?.['inputResponses']).toEqual({ who: { action: 'cancel' } })
    its.legs.length = 0
    asking({ inputRequests: { m: SAMPLE, who: ELICIT } })
    const other = await client.stream('ask', {}, 2)
    const error = { code: -1, message: 'User rejected sampling request' }
    const otherQuestion = await question(other)
    await client.post({ jsonrpc: '2.0', id: (await question(other, 'sampling/createMessage')).id, error })
    expect(await ended(other)).toEqual({ jsonrpc: '2.0', id: 2, error })
    expect(other.messages.map(({ data = '' }) => JSON.parse(data))).toContainEqual(
      expect.objectContaining({
        method: 'notifications/cancelled',
        params: expect.objectContaining({ requestId: otherQuestion.id }),
      }),
    )
    expect(its.legs).toHaveLength(1)
  })

  test.for<[string, object, RegExp]>([
    ['nothing at all', {}, /asks nothing/],
    ['what the client has not declared', { inputRequests: { s: SAMPLE } }, /not declared sampling/],
    ['by a method of its own', { inputRequests: { x: { method: 'x/y' } } }, /no question/],
    ['too much at once', { inputRequests: Object.fromEntries('abcdefghi'.split('').map((key) => [key, ELICIT])) }, /9 questions/],
    ['with a state that is none', { inputRequests: { e: ELICIT }, requestState: 7 }, /requestState/],
    ['with a list', { inputRequests: [ELICIT] }, /no object/],
  ])('is not put to the client when the server asks %s', async ([, round, says]) => {
    const client = await open({ capabilities: { elicitation: {} } })
    asking(round)
    const answer = await client.call('ask', {}, 1)
    expect(await answer.json()).toMatchObject({ id: 1, error: { code: -32_603, message: expect.stringMatching(says) } })
  })

  test('without any is asked again after a while, and not for ever', async () => {
    const client = await open()
    asking({ requestState: 'later' })
    expect(await (await client.call('ask', {}, 1)).json()).toEqual(DONE)
    expect(its.legs[1]?.params).toMatchObject({ requestState: 'later' })
    expect(its.legs[1]?.params).not.toHaveProperty('inputResponses')
  })

  test('is withdrawn with the call', async () => {
    const client = await open()
    asking({ inputRequests: { who: ELICIT } })
    const stream = await client.stream('ask', {}, 1)
    const { id } = await question(stream)
    await client.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
    await stream.over
    expect(stream.messages.at(-1)?.data).toContain(`"requestId":"${id}"`)
    expect((await give(client, parsed(stream.messages[0]?.data), { action: 'accept' })).status).toBe(202)
    expect(its.legs).toHaveLength(1)
  })
})

describe('an answer', () => {
  test('of another session, of another person, or after the first one, is nobody’s', async () => {
    const [client, other] = [await open(), await open()]
    const { accessToken } = await the.broker.signIn('bob', { changes: { resource: the.world.mcpUrl } })
    const bob = await LegacyClient.open(the.world.mcpUrl, accessToken, { capabilities: EVERYTHING })
    asking({ inputRequests: { who: ELICIT } }, { inputRequests: { who: ELICIT } })
    const stream = await client.stream('ask', {}, 1)
    const asked = await question(stream)
    for (const forger of [other, bob]) expect((await give(forger, asked, { action: 'accept' })).status).toBe(202)
    expect(its.legs).toHaveLength(1)
    await give(client, asked, { action: 'decline' })
    await expect.poll(() => its.legs.length).toBe(2)
    expect((await give(client, asked, { action: 'accept' })).status).toBe(202)
    expect(its.legs[1]?.params?.['inputResponses']).toEqual({ who: { action: 'decline' } })
    expect(its.legs).toHaveLength(2)
    await client.delete()
  })

  test('goes to the person’s own call where two use the same ids', async () => {
    const { accessToken } = await the.broker.signIn('bob', { changes: { resource: the.world.mcpUrl } })
    const both = [await open(), await LegacyClient.open(the.world.mcpUrl, accessToken, { capabilities: EVERYTHING })]
    the.server.onCall(({ message: { params = {} }, answer }) => {
      const given = params['inputResponses']
      answer(
        given
          ? { content: [{ type: 'text', text: JSON.stringify([params['arguments'], given]) }] }
          : { resultType: 'input_required', inputRequests: { k: ELICIT }, requestState: JSON.stringify(params['arguments']) },
      )
    })
    const streams = await Promise.all(both.map(async (client, who) => await client.stream('ask', { who }, 'same')))
    const questions = await Promise.all(streams.map(async (stream) => await question(stream)))
    await Promise.all(
      both.map(async (client, who) => await give(client, questions[who] ?? parsed(), { action: 'accept', content: { who } })),
    )
    const said = await Promise.all(streams.map(ended))
    expect(said.map((one) => JSON.stringify(one))).toEqual([
      expect.stringContaining('[{\\"who\\":0},{\\"k\\":{\\"action\\":\\"accept\\",\\"content\\":{\\"who\\":0}}}]'),
      expect.stringContaining('[{\\"who\\":1},{\\"k\\":{\\"action\\":\\"accept\\",\\"content\\":{\\"who\\":1}}}]'),
    ])
  })

  test('that comes after the runtime was killed still ends the call', async () => {
    const client = await open()
    asking({ inputRequests: { a: ELICIT, b: SAMPLE }, requestState: STATE })
    const stream = await client.stream('ask', { n: 1 }, 1)
    const first = await question(stream)
    const second = await question(stream, 'sampling/createMessage')
    await give(client, first, { action: 'accept', content: {} })
    const { lastId } = stream
    await the.world.killRuntime()
    await the.world.restartRuntime()
    const rest = await client.get(lastId)
    await give(client, second, { role: 'assistant', model: 'm', content: [] })
    expect(JSON.parse((await rest.message('done')).data ?? '')).toEqual(DONE)
    expect(its.legs[1]?.params).toMatchObject({
      inputResponses: { a: { action: 'accept' }, b: { role: 'assistant' } },
      requestState: STATE,
    })
  })

  test('is not passed on once access has been taken back', async () => {
    const tokens = await the.broker.signIn('alice', { changes: { resource: the.world.mcpUrl } })
    const client = await LegacyClient.open(the.world.mcpUrl, tokens.accessToken, { capabilities: EVERYTHING })
    asking({ inputRequests: { who: ELICIT } })
    const stream = await client.stream('ask', {}, 1)
    const asked = await question(stream)
    await the.broker.revoke(tokens.refreshToken)
    expect([await stream.over, stream.closeReason]).toEqual(['ended', 'credential_revoked'])
    expect((await give(client, asked, { action: 'accept' })).status).toBe(401)
    expect(its.legs).toHaveLength(1)
  })
})

test('whatever a server does, each request of a hundred random sequences gets one answer', async () => {
  expect(
    await bridgeSequences({ mcpUrl: the.world.mcpUrl, token: the.token, server: the.server, count: 100, seed: 20_261_128 }),
  ).toEqual([])
})
