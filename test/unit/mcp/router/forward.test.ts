// A request of 2026-07-28 that its server answers on a stream, and when that is over.
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, expect, test } from 'vitest'
import { fixture } from '../../../world/fixture.ts'
import { startRawDownstream } from '../../../world/raw-downstream.ts'
import { brokered } from '../brokered.ts'

const the = fixture(async (closing) => {
  const downstream = await closing(startRawDownstream(() => undefined))
  return { downstream }
})
beforeEach(() => the.downstream.requests.forget())

const ANSWER = 'data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n'
const NOTE = 'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"data":"and"}}\n\n'

/** Says these things, pauses between them, and never ends. */
function says(...pieces: readonly string[]): void {
  the.downstream.handleWith(async (_req, _body, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const piece of pieces) {
      res.write(piece)
      await sleep(10)
    }
  })
}

test('an answered request is over although its server leaves the stream open and its client stays', async () => {
  says(ANSWER)
  const { modern, leashes } = brokered(the.downstream.url)
  expect(await (await modern()).text()).toBe(`: ok\n\n${ANSWER}`)
  // This is what gives its place back.
  expect(leashes[0]?.closed).toEqual({ code: 1000, reason: 'ended' })
  const [asked] = the.downstream.requests.all
  await asked?.closed
  expect(asked?.aborted).toBe(true)
})

test('what its server says in the same breath as the answer still passes, and no second answer', async () => {
  says(ANSWER + NOTE, ANSWER)
  expect(await (await brokered(the.downstream.url).modern()).text()).toBe(`: ok\n\n${ANSWER}${NOTE}`)
})

test.for([
  ['an answer to somebody else', ANSWER.replace('1', '2')],
  ['an answer to an id that is spelled like it', ANSWER.replace('"id":1', '"id":"1"')],
  ['an answer under another event type', `event: result\n${ANSWER}`],
  ['a question with its id', 'data: {"jsonrpc":"2.0","id":1,"method":"ping"}\n\n'],
])('it is not answered by %s', async ([, other = '']) => {
  says(other)
  const client = new AbortController()
  const answer = await brokered(the.downstream.url).modern({}, {}, client.signal)
  const asked = await the.downstream.requests.find(() => true)
  await sleep(200)
  expect(asked.closedAt).toBeUndefined()
  await answer.body?.cancel()
  client.abort()
  await asked.closed
})

test('a subscription goes on after whatever comes', async () => {
  says(ANSWER)
  const { modern, leashes } = brokered(the.downstream.url)
  const answer = await modern({ method: 'subscriptions/listen' })
  await sleep(200)
  expect(leashes[0]?.closed).toBeUndefined()
  await answer.body?.cancel()
})

test('one that breaks after its answer is answered once', async () => {
  the.downstream.handleWith((_req, _body, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write(ANSWER)
    setTimeout(() => res.destroy(), 20)
  })
  expect(await (await brokered(the.downstream.url).modern()).text()).toBe(`: ok\n\n${ANSWER}`)
})
