// Servers that ask on their standing stream, so that nothing says in which call: each call is asked its own nevertheless.
import { expect, test } from 'vitest'
import { legacyGreeter } from '../../world/asking-server.ts'
import { brokerBefore } from '../../world/broker-before.ts'
import { credentialsFor } from '../../world/clients.ts'
import { fixture } from '../../world/fixture.ts'
import { ASKABLE, question } from '../../world/legacy-questions.ts'
import { ModernClient, type ModernAnswered } from '../../world/modern-client.ts'
import { ScriptedServer } from '../../world/scripted-server.ts'
import { startSdkV1Server } from '../../world/sdk-v1-server.ts'

const ADA = { action: 'accept', content: { name: 'Ada' } } as const

const the = fixture(async (closing) => {
  const server = await closing(ScriptedServer.start())
  const official = await closing(startSdkV1Server({ newServer: () => legacyGreeter() }))
  const listed = [
    { name: 'old', url: server.url, era: 'legacy', era_bridge: true },
    { name: 'official', url: official.url, era_bridge: true },
  ]
  const before = await brokerBefore(closing, server, { DOWNSTREAMS: JSON.stringify(listed), DOWNSTREAM_TIMEOUT: '4' }, 'old')
  const alice = new ModernClient(before.url, before.token, ASKABLE)
  const bob = await clientAs('bob', before.url)
  const another = await clientAs('alice', before.url.replace('/old/', '/official/'))
  return { server, official, alice, bob, another }
})

async function clientAs(person: 'bob' | 'alice', url: string): Promise<ModernClient> {
  return new ModernClient(url, (await credentialsFor(person, url)).accessToken, ASKABLE)
}

const answering = ({ last }: ModernAnswered, answer: object = ADA) => ({
  inputResponses: { q1: answer },
  requestState: last.result?.['requestState'],
})
const textIn = ({ last }: ModernAnswered): unknown => last.result?.['content']
const text = (said: string): object[] => [{ type: 'text', text: said }]

test('the one call that is open is asked', async () => {
  const answers: unknown[] = []
  the.server.onNotification((message, res) => {
    if (message.method === undefined) answers.push(message)
    res.writeHead(202).end()
  })
  const calling = the.server.nextStream()
  const asked = the.alice.call('ask')
  const { call, feed } = await calling
  // The stream was there before the call: a server that asks at once is heard.
  expect(call.session?.standing.isRead).toBe(true)
  call.session?.standing.send(question(1))
  const first = await asked
  const retrying = the.alice.call('ask', {}, {}, answering(first))
  await expect.poll(() => answers).toEqual([{ jsonrpc: '2.0', id: 1, result: ADA }])
  feed.respond(call.message.id, { content: text('done') })
  expect(textIn(await retrying)).toEqual(text('done'))
})

test('a client that has declared nothing is not asked, and its first call does not wait for what it can not answer', async () => {
  const answers: unknown[] = []
  the.server.onNotification((message, res) => {
    if (message.method === undefined) answers.push(message)
    res.writeHead(202).end()
  })
  const calling = the.server.nextStream()
  const asked = the.alice.call('ask', {}, { capabilities: {} })
  const { call, feed } = await calling
  expect(call.session?.standing.isRead).toBe(true)
  call.session?.standing.send(question(2, 'roots/list', {}))
  await expect.poll(() => answers).toMatchObject([{ id: 2, error: { code: -32603 } }])
  feed.respond(call.message.id, { content: text('without') })
  expect(textIn(await asked)).toEqual(text('without'))
})

test('two calls of a server nobody knows yet share a session: what it asks is declined', async () => {
  const declined = Promise.withResolvers<unknown>()
  the.server.onNotification((message, res) => {
    if (message.id === 9) declined.resolve(message)
    res.writeHead(202).end()
  })
  let open = 0
  the.server.onCall(async (call) => {
    const feed = call.stream()
    open += 1
    if (open === 2) call.session?.standing.send(question(9))
    await declined.promise
    feed.respond(call.message.id, { content: [] })
  })
  const both = await Promise.all([the.bob.call('ask'), the.bob.call('ask')])
  expect(both.map(({ last }) => last.result?.['resultType'])).toEqual(['complete', 'complete'])
  expect(await declined.promise).toMatchObject({ result: { action: 'cancel' } })
})

test('two calls of one that has asked so before are asked their own, by the official SDK 1.x', async () => {
  const first = await the.another.call('greet', { as: 'first' })
  expect(first.last.result?.['inputRequests']).toMatchObject({
    q1: { method: 'elicitation/create', params: { message: 'first' } },
  })
  // The first one is still waiting for its answer, and then more of them than there are sessions.
  const names = ['one', 'two', 'three', 'four', 'five']
  const asked = await Promise.all(names.slice(0, 3).map(async (as) => await the.another.call('greet', { as })))
  for (const as of names.slice(3)) asked.push(await the.another.call('greet', { as }))
  expect(asked.map(({ last }) => last.result?.['inputRequests'])).toMatchObject(
    names.map((message) => ({ q1: { params: { message } } })),
  )
  expect(the.official.sessions).toBe(4)
  const ends = [...asked.map((one, index) => [one, names[index]] as const), [first, 'first'] as const].toReversed()
  for (const [one, as] of ends)
    expect(textIn(await the.another.call('greet', { as }, {}, answering(one)))).toEqual(text(`${as} accept Ada`))
  // Whoever comes later is at home in the sessions there are.
  expect((await the.another.call('greet', { as: 'later' })).last.result?.['resultType']).toBe('input_required')
  expect(the.official.sessions).toBe(4)
})
