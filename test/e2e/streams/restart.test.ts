// The runtime is killed in the middle of everything: what was promised before is kept afterwards, or refused aloud.
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, expect, test } from 'vitest'
import { stepsOf } from '../../world/event-stream.ts'
import { scriptedWorld } from '../../world/scripted-world.ts'

const scripted = scriptedWorld()

beforeEach(() => {
  scripted.server.behaviour.resumable = true
})

async function restart(): Promise<void> {
  await scripted.world.killRuntime()
  await scripted.world.restartRuntime()
}

test('a call goes on where its downstream resumes: nothing is lost and nothing comes twice', async () => {
  const { client, stream, call, feed } = await scripted.call()
  for (let step = 1; step <= 5; step += 1) feed.notify({ step })
  await stream.message('"step":5')
  await scripted.world.killRuntime()
  expect(await stream.over).toBe('broken')
  for (let step = 6; step <= 10; step += 1) feed.notify({ step })
  await scripted.world.restartRuntime()
  const rest = await client.get(stream.lastId)
  await rest.message('"step":10')
  feed.notify({ step: 11 })
  feed.respond(call.message.id, {})
  feed.end()
  await rest.message('"result"')
  expect([await rest.over, stepsOf(stream, rest)]).toEqual(['ended', Array.from({ length: 11 }, (_, index) => index + 1)])
})

test('a call under fire is contiguous across three crashes', async () => {
  const client = await scripted.open()
  const called = scripted.server.nextStream()
  const streams = [await client.stream('count')]
  const { call, feed } = await called
  let step = 0
  const fire = setInterval(() => feed.notify({ step: (step += 1) }), 5)
  for (let crash = 0; crash < 3; crash += 1) {
    await sleep(200)
    await restart()
    const last = streams.at(-1)
    await last?.over
    streams.push(await client.get(last?.lastId))
  }
  await sleep(200)
  clearInterval(fire)
  feed.respond(call.message.id, {})
  feed.end()
  await streams.at(-1)?.message('"result"')
  expect(stepsOf(...streams)).toEqual(Array.from({ length: step }, (_, index) => index + 1))
})

test('every request that was lost is answered with an error where the downstream does not resume', async () => {
  scripted.server.behaviour.resumable = false
  const client = await scripted.open({ version: '2025-03-26' })
  const batch = [
    { jsonrpc: '2.0', id: 'one', method: 'tools/call', params: { name: 'count' } },
    { jsonrpc: '2.0', id: 2.0, method: 'tools/call', params: { name: 'count' } },
    { jsonrpc: '2.0', id: 'answered', method: 'tools/call', params: { name: 'count' } },
  ]
  const called = scripted.server.nextStream()
  const stream = await client.open(batch)
  const { feed } = await called
  feed.notify({ step: 1 })
  feed.respond('answered', {})
  await stream.message('"answered"')
  await restart()
  await stream.over
  const rest = await client.get(stream.lastId)
  expect(await rest.over).toBe('ended')
  expect(rest.messages.map(({ data }) => JSON.parse(data ?? ''))).toMatchObject([
    { id: 'one', error: { code: -32603, data: { code: 'downstream_broken' } } },
    { id: 2, error: { code: -32603, data: { code: 'downstream_broken' } } },
  ])
  expect((await client.get(rest.lastId)).status).toBe(405)
})

test('a standing stream goes on from its client’s last event', async () => {
  const client = await scripted.open()
  const stream = await client.get()
  const { standing } = scripted.server.session
  await expect.poll(() => standing.isRead).toBe(true)
  for (let step = 1; step <= 3; step += 1) standing.notify({ step })
  await stream.message('"step":3')
  await scripted.world.killRuntime()
  await stream.over
  for (let step = 4; step <= 6; step += 1) standing.notify({ step })
  await scripted.world.restartRuntime()
  const rest = await client.get(stream.lastId)
  await rest.message('"step":6')
  standing.notify({ step: 7 })
  await rest.message('"step":7')
  expect(stepsOf(stream, rest)).toEqual([1, 2, 3, 4, 5, 6, 7])
  rest.leave()
})

test('a session and its tokens outlive it', async () => {
  const client = await scripted.open()
  scripted.server.onCall((call) => call.answer({ from: call.session?.id }))
  const { id } = scripted.server.session
  await restart()
  expect(await (await client.call('who')).json()).toMatchObject({ result: { from: id } })
})

test('a call nobody comes back for is finished all the same: the object wakes by itself', async () => {
  const { client, stream, call, feed } = await scripted.callWithStep()
  await restart()
  await expect.poll(() => feed.isRead, { timeout: 25_000 }).toBe(true)
  feed.respond(call.message.id, {})
  feed.end()
  await expect.poll(() => feed.isRead).toBe(false)
  const rest = await client.get(stream.lastId)
  expect([await rest.over, rest.messages.length]).toEqual(['ended', 1])
})
