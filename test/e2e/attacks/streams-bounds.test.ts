// Too much of everything: streams, bytes, and readers that do not read. Named after the cases they answer.
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import { BrokerClient, statusWith } from '../../world/broker-client.ts'
import { fixture } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { ScriptedServer } from '../../world/scripted-server.ts'
import { openSubscription } from '../../world/subscription.ts'
import { startWorld } from '../../world/world.ts'

const MAX_STREAMS = 30

const the = fixture(async (closing) => {
  const server = await closing(ScriptedServer.start({ resumable: true }))
  const bounds = {
    MAX_STREAMS: String(MAX_STREAMS),
    MAX_BODY_BYTES: '100000',
    EVENT_LOG_EVENTS: '200',
    RATE_LIMIT_REQUESTS: '100000',
  }
  const world = await closing(startWorld({ overrides: { DOWNSTREAM_MCP_URL: server.url, ...bounds } }))
  const client = await BrokerClient.register(world.brokerUrl)
  const resource = { changes: { resource: world.mcpUrl } }
  const alice = (await client.signIn('alice', resource)).accessToken
  const bob = (await client.signIn('bob', resource)).accessToken
  return { server, world, alice, bob }
})

beforeEach(() => {
  the.server.onCall((call) => call.answer({}))
})

/** Slowest of so many calls one after the other, in milliseconds. */
async function slowest(calls: number, call: () => Promise<number>): Promise<number> {
  let worst = 0
  for (let n = 0; n < calls; n += 1) {
    const at = performance.now()
    expect(await call()).toBe(200)
    worst = Math.max(worst, performance.now() - at)
  }
  return worst
}

/** A client that asks and then takes nothing. */
async function deaf(): Promise<IncomingMessage> {
  const asked = request(the.world.mcpUrl, {
    method: 'POST',
    agent: false,
    headers: {
      authorization: `Bearer ${the.bob}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
  })
  asked.end(JSON.stringify({ jsonrpc: '2.0', id: 'slow', method: 'tools/call', params: { name: 'flood' } }))
  const [answer]: IncomingMessage[] = await once(asked, 'response')
  if (!answer) throw new Error('no answer')
  return answer.pause()
}

describe('44 too many streams, too many bytes', () => {
  test('one person gets so many streams of each kind and no more; everybody else notices nothing', async () => {
    the.server.onCall((call) => void call.stream())
    const calls = new LegacyClient(the.world.mcpUrl, the.alice)
    const [subscriptions, streams] = await Promise.all([
      Promise.all(Array.from({ length: 100 }, async () => await openSubscription(the.world.mcpUrl, the.alice))),
      Promise.all(Array.from({ length: 100 }, async () => await calls.stream('x'))),
    ])
    for (const open of [subscriptions, streams]) {
      expect(open.filter(({ status }) => status === 200)).toHaveLength(MAX_STREAMS)
      const refused = open.find(({ status }) => status !== 200)
      expect(refused?.status).toBe(429)
    }
    // Nothing is held at the downstream for those that were refused.
    await expect.poll(() => the.server.requests.open.length).toBe(MAX_STREAMS * 2)
    the.server.onCall((call) => call.answer({}))
    const other = await LegacyClient.open(the.world.mcpUrl, the.bob)
    expect(await slowest(30, async () => await statusWith(the.world.mcpUrl, the.bob))).toBeLessThan(1000)
    expect(await slowest(30, async () => (await other.call('x')).status)).toBeLessThan(1000)
    // Short calls of the person themselves still get through: only long ones count.
    expect(await statusWith(the.world.mcpUrl, the.alice)).toBe(200)

    for (const stream of [...subscriptions, ...streams]) stream.leave()
    // A connection that was only closed shows when something is written to it.
    await expect
      .poll(async () => (await openSubscription(the.world.mcpUrl, the.alice)).status, { timeout: 15_000, interval: 500 })
      .toBe(200)
  })

  test.for<[string, () => BodyInit]>([
    ['as it announces itself', () => `{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":"${'x'.repeat(200_000)}"}}`],
    ['while it arrives', () => new Blob(['x'.repeat(200_000)]).stream()],
  ])('a body too large is refused %s', async ([, body]) => {
    the.server.requests.forget()
    const headers = { authorization: `Bearer ${the.alice}`, 'content-type': 'application/json' }
    const send = async (): Promise<Response> => {
      const init = { method: 'POST', headers, body: body(), duplex: 'half' }
      return await fetch(the.world.mcpUrl, init)
    }
    // The connection is closed on a client that still writes, and now and then it breaks there before the answer has been read.
    const response = await send().catch(send).catch(send).catch(send)
    expect([response.status, await response.json()]).toMatchObject([413, { error: { data: { code: 'body_too_large' } } }])
    expect(the.server.requests.all).toEqual([])
  })
})

describe('45 slow reader', () => {
  test('what is kept for it is bounded, and its stream ends with a reason instead of a gap', async () => {
    const called = the.server.nextStream()
    const answer = await deaf()
    const { call, feed } = await called
    const event = 'x'.repeat(20_000)
    for (let step = 1; step <= 2000; step += 1) {
      feed.notify({ step, event })
      if (step % 50 === 0) await sleep(5)
    }
    feed.respond(call.message.id, {})
    feed.end()
    await the.server.requests.find(({ body, closedAt }) => body.includes('flood') && closedAt !== undefined)

    let text = ''
    for await (const chunk of answer.setEncoding('utf8')) text += chunk
    const steps = [...text.matchAll(/"step":(\d+)/g)].map(([, step]) => Number(step))
    expect(steps).toEqual(steps.map((_, index) => index + 1))
    expect(text).toMatch(/: closed: limit_exceeded\n\n$/)
    // 200 events of the log and what fits into sockets on the way, of 40 MB in all.
    expect(text.length).toBeLessThan(16 * 1024 * 1024)
    const lastId = [...text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1]
    expect((await new LegacyClient(the.world.mcpUrl, the.bob).get(lastId)).status).toBe(404)
  })

  test('a reader that is slow but reads in time gets everything', async () => {
    const called = the.server.nextStream()
    const answer = await deaf()
    const { call, feed } = await called
    for (let step = 1; step <= 150; step += 1) feed.notify({ step, event: 'x'.repeat(20_000) })
    feed.respond(call.message.id, {})
    feed.end()
    await sleep(500)
    let text = ''
    for await (const chunk of answer.setEncoding('utf8')) text += chunk
    expect([...text.matchAll(/"step":/g)]).toHaveLength(150)
    expect(text.endsWith('"id":"slow","result":{}}\n\n')).toBe(true)
  })
})
