// What a client hears that ends its session: the status, and never a body that breaks on the way.
import { expect, test, vi } from 'vitest'
import { endAnswer } from '../../../../src/mcp/object/end-answer.ts'

const session = {
  id: 'ours',
  grantId: 'grant',
  resource: 'https://broker.example/mcp',
  downstreamId: 'theirs',
  initialize: '{}',
  protocolVersion: undefined,
  lastUsedAt: 0,
}
const broken = (): ReadableStream<Uint8Array> =>
  new ReadableStream({ pull: (controller) => controller.error(new TypeError('Gzip decompression failed.')) })

test.for([200, 204, 405, 500, 503])('a server whose answer of %i breaks off has given its status', async (status) => {
  const told = new Response(status === 204 ? null : broken(), { status, headers: { 'content-type': 'text/html' } })
  const answer = await endAnswer(
    session,
    async () => ({ answer: told }),
    () => undefined,
  )
  expect([answer.status, await answer.text()]).toEqual([status, ''])
})

test('a session is forgotten though the answer breaks off', async () => {
  const forget = vi.fn<() => void>()
  const answer = await endAnswer(session, async () => ({ answer: new Response(broken(), { status: 200 }) }), forget)
  expect([answer.status, await answer.text(), forget.mock.calls.length]).toEqual([200, '', 1])
})

test('what a server says of its refusal is passed on', async () => {
  const said = '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Method not allowed."}}'
  const told = new Response(said, { status: 405, headers: { 'content-type': 'application/json', allow: 'POST' } })
  const answer = await endAnswer(
    session,
    async () => ({ answer: told }),
    () => expect.unreachable('405 ends nothing'),
  )
  expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([405, 'application/json', said])
})
