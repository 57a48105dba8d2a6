// A client that comes back while its old stream still counts as open. Named after the case it answers.
import { describe, expect, test } from 'vitest'
import { credentialsFor } from '../../world/clients.ts'
import { stepsOf, type EventStream } from '../../world/event-stream.ts'
import { fixture } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { ScriptedServer } from '../../world/scripted-server.ts'
import { startWorld } from '../../world/world.ts'

const the = fixture(async (closing) => {
  // As the official SDK: a second reader is refused while the first is there, and what was sent can be asked for again.
  const server = await closing(ScriptedServer.start({ resumable: true, exclusive: true }))
  const world = await closing(startWorld({ overrides: { DOWNSTREAM_MCP_URL: server.url, RATE_LIMIT_REQUESTS: '100000' } }))
  const token = (await credentialsFor('alice', world.mcpUrl)).accessToken
  return { server, world, token }
})

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

/** What each stream brought begins right after the cursor it was opened with, and has no hole. */
function expectGapless(streams: readonly EventStream[], cursors: readonly number[]): void {
  const odd = streams.flatMap((stream, index) => {
    const steps = stepsOf(stream)
    const expected = steps.map((_, at) => (cursors[index] ?? 0) + 1 + at)
    return JSON.stringify(steps) === JSON.stringify(expected) ? [] : [{ after: cursors[index], got: steps }]
  })
  expect(odd).toEqual([])
}

describe('61 reconnect while the old stream is still registered', () => {
  test('a thousand times in a row: the new one wins, the old one ends as superseded, nothing is lost or doubled', async () => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.token)
    const { standing } = the.server.session
    let step = 0
    const streams: EventStream[] = [await client.get()]
    const cursors: number[] = [0]
    // What a server says before anybody listens is nobody's.
    await expect.poll(() => standing.isRead).toBe(true)
    const fire = setInterval(() => standing.notify({ step: (step += 1) }), 10)
    await streams[0]?.message('"step":1}')
    while (streams.length < 1000) {
      const last = streams.findLast(({ messages }) => messages.length > 0)
      cursors.push(last ? (stepsOf(last).at(-1) ?? 0) : 0)
      streams.push(await client.get(last?.lastId))
    }
    clearInterval(fire)
    standing.notify({ step: (step += 1) })
    // A busy machine is slower than the server speaks, and has some of it to catch up with.
    await streams.at(-1)?.message(`"step":${step}}`, 60_000)
    const old = streams.slice(0, -1)
    await Promise.all(old.map(async ({ over }) => await over))
    expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(old.map(({ closeReason }) => closeReason))).toEqual(new Set(['superseded']))
    expect(streams.at(-1)?.endedAt).toBeUndefined()
    expectGapless(streams, cursors)
    expect([...new Set(stepsOf(...streams))].toSorted((a, b) => a - b)).toEqual(upTo(step))
    expect(the.server.requests.open.length).toBe(1)
    streams.at(-1)?.leave()
  })

  test('twenty at once: one is left, the others were told, and it hears everything', async () => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.token)
    const { standing } = the.server.session
    const since = Date.now()
    const streams = await Promise.all(Array.from({ length: 20 }, async () => await client.get()))
    expect(Date.now() - since).toBeLessThan(1500)
    expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]))
    await expect.poll(() => streams.filter(({ endedAt }) => endedAt === undefined).length).toBe(1)
    const [left] = streams.filter(({ endedAt }) => endedAt === undefined)
    expect(streams.filter(({ closeReason }) => closeReason === 'superseded')).toHaveLength(19)
    await expect.poll(() => standing.isRead).toBe(true)
    for (let step = 1; step <= 5; step += 1) standing.notify({ step })
    await left?.message('"step":5')
    expect(stepsOf(...streams)).toEqual(upTo(5))
    left?.leave()
  })

  test('of a call: three hundred times, and the result comes once', async () => {
    const client = await LegacyClient.open(the.world.mcpUrl, the.token)
    const called = the.server.nextStream()
    const streams: EventStream[] = [await client.stream('count')]
    const { call, feed } = await called
    await streams[0]?.find(({ id }) => id !== undefined)
    let step = 0
    const fire = setInterval(() => feed.notify({ step: (step += 1) }), 5)
    const cursors = [0]
    while (streams.length < 300) {
      const last = streams.findLast(({ lastId }) => lastId !== undefined)
      cursors.push(last ? (stepsOf(last).at(-1) ?? cursors[streams.indexOf(last)] ?? 0) : 0)
      streams.push(await client.get(last?.lastId))
    }
    clearInterval(fire)
    feed.respond(call.message.id, { done: true })
    feed.end()
    const last = streams.at(-1)
    expect(await last?.over).toBe('ended')
    await Promise.all(streams.map(async ({ over }) => await over))
    expect(new Set(streams.slice(0, -1).map(({ closeReason }) => closeReason))).toEqual(new Set(['superseded']))
    expectGapless(streams, cursors)
    expect([...new Set(stepsOf(...streams))].toSorted((a, b) => a - b)).toEqual(upTo(step))
    expect(streams.flatMap(({ messages }) => messages.filter(({ data }) => data?.includes('"done"')))).toHaveLength(1)
  })
})
