// A real server that is killed in the middle of a call in which it asks something, and comes back or does not, and the runtime with it or not:
// each request gets one answer or one error, nothing is done twice, and no client is told that its session is over.
import { randomInt } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { AskingServer } from '../../world/asking-server.ts'
import { brokerBefore } from '../../world/broker-before.ts'
import { credentialsFor } from '../../world/clients.ts'
import type { EventStream } from '../../world/event-stream.ts'
import { fixture, perTest } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { ASKABLE } from '../../world/legacy-questions.ts'
import { ModernClient, type ModernAnswered } from '../../world/modern-client.ts'

const ADA = { action: 'accept', content: { name: 'Ada' } }
const HANGS_MS = 30_000

const the = fixture(async (closing) => {
  const server = await closing(AskingServer.start('related'))
  const listed = [
    { name: 'greeter', url: server.url, era_bridge: true },
    { name: 'old', url: server.url, transport: 'http-sse', era_bridge: true },
  ]
  return {
    server,
    ...(await brokerBefore(closing, server, { DOWNSTREAMS: JSON.stringify(listed), DOWNSTREAM_TIMEOUT: '4' }, 'greeter')),
  }
})

/** Another one in each test: what was done for it is found in the journal. */
const its = perTest(() => ({ as: `x${randomInt(2 ** 31)}` }))

interface Alice {
  readonly url: string
  readonly token: string
}

async function aliceAt(name: string): Promise<Alice> {
  const url = `${the.world.brokerUrl}/servers/${name}/mcp`
  return { url, token: (await credentialsFor('alice', url)).accessToken }
}

const said = () => [{ type: 'text', text: `${its.as} accept Ada` }]
/** What was done for the greeting of this test. */
const done = async () =>
  (await the.server.journal()).filter((line) => line.endsWith(` ${its.as}`)).map((line) => line.split(' ')[0])

const modern = ({ url, token }: Alice) => new ModernClient(url, token, ASKABLE)
const answersTo = ({ last: { result } }: ModernAnswered) => ({
  inputResponses: Object.fromEntries(Object.keys(result?.['inputRequests'] ?? {}).map((key) => [key, ADA])),
  requestState: result?.['requestState'],
})

async function askedModern(alice: Alice, slow = false): Promise<ModernAnswered> {
  const answered = await modern(alice).call('greet', { as: its.as, slow })
  expect(answered.last.result?.['resultType']).toBe('input_required')
  return answered
}

async function worksAgainModern(alice: Alice): Promise<void> {
  const again = await askedModern(alice)
  const { status, last } = await modern(alice).call('greet', { as: its.as, slow: false }, {}, answersTo(again))
  expect([status, last.result?.['content']]).toEqual([200, said()])
}

/** The responses there are, which is one. */
async function responses(stream: EventStream): Promise<readonly unknown[]> {
  await stream.over
  return stream.messages.map(({ data = '' }) => JSON.parse(data)).filter((message) => !('method' in message))
}

const failed = () => [expect.objectContaining({ id: its.as, error: expect.objectContaining({ code: -32603 }) })]

describe.for([
  ['asks on the stream of the call', 'related'],
  ['asks on its standing stream', 'legacy'],
  ['speaks HTTP+SSE', 'sse'],
] as const)('a client of 2026-07-28 at an older server that %s and is killed', ([, kind]) => {
  const RESTARTED = { code: -32602, data: expect.objectContaining({ code: 'request_state_refused', reason: 'restarted' }) }

  const alice = perTest(async () => {
    await the.server.become(kind)
    return await aliceAt(kind === 'sse' ? 'old' : 'greeter')
  })

  test('while it waits for the answer: the answer is refused once and for all, and the next call is made in a new session', async () => {
    const before = await askedModern(alice)
    await the.server.replaceBy(kind)
    const refused = await modern(alice).call('greet', { as: its.as, slow: false }, {}, answersTo(before))
    expect([refused.status, refused.last.error]).toEqual([200, expect.objectContaining(RESTARTED)])
    expect(await done()).toEqual(['asked'])
    await worksAgainModern(alice)
    expect(await done()).toEqual(['asked', 'asked', 'answered', 'done'])
    // Whoever sends the first state once more is told that it is used, and nothing is done.
    const twice = await modern(alice).call('greet', { as: its.as, slow: false }, {}, answersTo(before))
    expect(twice.last.error).toMatchObject({ code: -32602, data: { reason: 'used' } })
    expect((await done()).filter((did) => did === 'done')).toHaveLength(1)
  })

  test('and stays away: the answer is refused at once, other calls are errors, and all is well when it is back', async () => {
    const before = await askedModern(alice)
    await the.server.kill()
    const began = Date.now()
    const refused = await modern(alice).call('greet', { as: its.as, slow: false }, {}, answersTo(before))
    const other = await modern(alice).ask('tools/list')
    expect(refused.last.error).toMatchObject(RESTARTED)
    expect([other.status, other.last.error]).toEqual([502, expect.objectContaining({ code: -32603 })])
    expect(Date.now() - began).toBeLessThan(HANGS_MS)
    await the.server.become(kind)
    await worksAgainModern(alice)
  })

  test('or does not answer any more: an error in time, and all is well with the next one', async () => {
    const before = await askedModern(alice)
    the.server.freeze()
    const began = Date.now()
    const { status, last } = await modern(alice).call('greet', { as: its.as, slow: false }, {}, answersTo(before))
    expect([status, last.error]).toEqual([504, expect.objectContaining({ code: -32603 })])
    expect(Date.now() - began).toBeLessThan(HANGS_MS)
    await the.server.replaceBy(kind)
    await worksAgainModern(alice)
    expect((await done()).filter((did) => did === 'done')).toHaveLength(1)
  })

  test('after it has the answer, and before it has answered: one error, and nothing is asked or done again', async () => {
    const before = await askedModern(alice, true)
    const answering = modern(alice).call('greet', { as: its.as, slow: true }, {}, answersTo(before))
    await expect.poll(done).toContain('answered')
    await the.server.replaceBy(kind)
    const { messages, last } = await answering
    expect(messages.filter(({ id }) => id !== undefined)).toHaveLength(1)
    expect(last.error).toMatchObject({
      code: -32603,
      message: expect.stringContaining('whether the request took effect is unknown'),
    })
    expect(await done()).toEqual(['asked', 'answered'])
    await worksAgainModern(alice)
  })

  test('and the runtime with it: the answer is refused, and the next call works', async () => {
    const before = await askedModern(alice)
    await Promise.all([the.server.kill(), the.world.killRuntime()])
    await Promise.all([the.server.become(kind), the.world.restartRuntime()])
    const refused = await modern(alice).call('greet', { as: its.as, slow: false }, {}, answersTo(before))
    expect(refused.last.error).toMatchObject(RESTARTED)
    await worksAgainModern(alice)
    expect(await done()).toEqual(['asked', 'asked', 'answered', 'done'])
  })
})

describe('a client of 2025-11-25 at a server of 2026-07-28 that is killed', () => {
  const here = perTest(async () => {
    await the.server.become('modern')
    const { url, token } = await aliceAt('greeter')
    return { client: await LegacyClient.open(url, token, { capabilities: ASKABLE }) }
  })

  async function asked(slow = false): Promise<{ readonly stream: EventStream; readonly question: string }> {
    const stream = await here.client.stream('greet', { as: its.as, slow }, its.as)
    const { id } = JSON.parse((await stream.message('elicitation/create')).data ?? '')
    return { stream, question: id }
  }

  const give = async (id: string): Promise<number> => (await here.client.post({ jsonrpc: '2.0', id, result: ADA })).status

  /** In the session there is. */
  async function worksAgain(): Promise<void> {
    const { stream, question } = await asked()
    expect(await give(question)).toBe(202)
    expect(await responses(stream)).toEqual([expect.objectContaining({ id: its.as, result: { content: said() } })])
  }

  test('while it waits for the answer: the call is finished by the next one, and done once', async () => {
    const { stream, question } = await asked()
    await the.server.replaceBy('modern')
    expect(await give(question)).toBe(202)
    expect(await responses(stream)).toEqual([expect.objectContaining({ id: its.as, result: { content: said() } })])
    expect(await done()).toEqual(['asked', 'answered', 'done'])
    // The same answer once more is nobody's.
    expect(await give(question)).toBe(202)
    await worksAgain()
    expect(await done()).toEqual(['asked', 'answered', 'done', 'asked', 'answered', 'done'])
  })

  test('and stays away: the answer ends the call with an error, and the session is there when the server is back', async () => {
    const { stream, question } = await asked()
    await the.server.kill()
    const began = Date.now()
    expect(await give(question)).toBe(202)
    expect(await responses(stream)).toEqual(failed())
    const other = await here.client.post({ jsonrpc: '2.0', id: 'o', method: 'tools/list' })
    // 404 would say that the session is over, 400 that the connection does not work.
    expect([other.status, await other.json()]).toEqual([502, expect.objectContaining({ id: 'o', error: expect.anything() })])
    expect(Date.now() - began).toBeLessThan(HANGS_MS)
    await the.server.become('modern')
    await worksAgain()
  })

  test('or does not answer any more: an error in time, and its session goes on with the next one', async () => {
    const { stream, question } = await asked()
    the.server.freeze()
    const began = Date.now()
    expect(await give(question)).toBe(202)
    expect(await responses(stream)).toEqual(failed())
    expect(Date.now() - began).toBeLessThan(HANGS_MS)
    await the.server.replaceBy('modern')
    await worksAgain()
    expect((await done()).filter((did) => did === 'done')).toHaveLength(1)
  })

  test('after it has the answer, and before it has answered: one error, and nothing is asked or done again', async () => {
    const { stream, question } = await asked(true)
    expect(await give(question)).toBe(202)
    await expect.poll(done).toContain('answered')
    await the.server.replaceBy('modern')
    expect(await responses(stream)).toEqual(failed())
    expect(await done()).toEqual(['asked', 'answered'])
    await worksAgain()
  })

  test('and the runtime with it: the client takes its stream up, answers, and has its result', async () => {
    const { stream, question } = await asked()
    await Promise.all([the.server.kill(), the.world.killRuntime()])
    await stream.over
    await Promise.all([the.server.become('modern'), the.world.restartRuntime()])
    const rest = await here.client.get(stream.lastId)
    expect(rest.status).toBe(200)
    expect(await give(question)).toBe(202)
    expect(JSON.parse((await rest.message('accept Ada')).data ?? '')).toMatchObject({ id: its.as, result: { content: said() } })
    expect(await done()).toEqual(['asked', 'answered', 'done'])
    await worksAgain()
  })
})
