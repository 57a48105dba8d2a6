// A real server that dies the hard way: between a question and its answer, and for one of the other era at the same address.
import { describe, expect, test } from 'vitest'
import { AskingServer } from '../../world/asking-server.ts'
import { brokerBefore } from '../../world/broker-before.ts'
import { fixture } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { ASKABLE } from '../../world/legacy-questions.ts'
import { ModernClient, type ModernAnswered } from '../../world/modern-client.ts'

const ADA = { action: 'accept', content: { name: 'Ada' } }
const SAID = [{ type: 'text', text: 'x accept Ada' }]

const the = fixture(async (closing) => {
  const server = await closing(AskingServer.start('legacy'))
  const listed = [{ name: 'greeter', url: server.url, era_bridge: true }]
  return {
    server,
    ...(await brokerBefore(closing, server, { DOWNSTREAMS: JSON.stringify(listed), DOWNSTREAM_TIMEOUT: '4' }, 'greeter')),
  }
})

const modern = () => new ModernClient(the.url, the.token, ASKABLE)
const legacy = async () => await LegacyClient.open(the.url, the.token, { capabilities: ASKABLE })
const answering = ({ last }: ModernAnswered) => ({
  inputResponses: keyed(last.result),
  requestState: last.result?.['requestState'],
})
const keyed = (result: Readonly<Record<string, unknown>> | undefined) =>
  Object.fromEntries(Object.keys(result?.['inputRequests'] ?? {}).map((key) => [key, ADA]))

/** Asked, answered, and the result. */
async function greetedModern(by = modern()): Promise<unknown> {
  const asked = await by.call('greet', { as: 'x' })
  const { last } = await by.call('greet', { as: 'x' }, {}, answering(asked))
  return last.result?.['content'] ?? asked.last
}

async function greetedLegacy(by: LegacyClient, meanwhile: () => Promise<void> = async () => undefined): Promise<unknown> {
  const stream = await by.stream('greet', { as: 'x' })
  const { id } = JSON.parse((await stream.message('elicitation/create')).data ?? '')
  await meanwhile()
  await (await by.post({ jsonrpc: '2.0', id, result: ADA })).text()
  await stream.over
  const { result, error } = JSON.parse(stream.messages.at(-1)?.data ?? '')
  return result?.content ?? error
}

describe('a server that is killed between its question and the answer', () => {
  test('of 2025-11-25: its client of 2026-07-28 is told to begin again, and then it works, whatever comes back', async () => {
    await the.server.become('legacy')
    const asked = await modern().call('greet', { as: 'x' })
    expect(asked.last.result?.['resultType']).toBe('input_required')
    await the.server.replaceBy('modern')
    const { last } = await modern().call('greet', { as: 'x' }, {}, answering(asked))
    expect(last.error).toMatchObject({ code: -32602, data: { code: 'request_state_refused', reason: 'restarted' } })
    expect(await greetedModern()).toEqual(SAID)
  })

  test('of 2026-07-28: its client of 2025-11-25 answers, and its call is finished by the next one', async () => {
    await the.server.become('modern')
    const client = await legacy()
    expect(await greetedLegacy(client, async () => await the.server.replaceBy('modern'))).toEqual(SAID)
  })
})

test('a server that comes back as one of the other era is used by clients of both, in the session they had', async () => {
  await the.server.become('modern')
  const [client, newer] = [await legacy(), modern()]
  expect([await greetedLegacy(client), await greetedModern(newer)]).toEqual([SAID, SAID])
  await the.server.replaceBy('legacy')
  expect(await greetedModern(newer)).toEqual(SAID)
  expect(await (await client.post({ jsonrpc: '2.0', id: 'l', method: 'tools/list' })).text()).toContain('"greet"')
  await the.server.replaceBy('modern')
  expect([await greetedModern(newer), await greetedLegacy(client)]).toEqual([SAID, SAID])
  // And one that stays away is an error in place of a result.
  expect(await greetedLegacy(client, async () => await the.server.kill())).toMatchObject({ code: -32603 })
})
