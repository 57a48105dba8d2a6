// Streams on which nothing happens stay open because something is said. Named after the case it answers.
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { credentialsFor } from '../../world/clients.ts'
import { fixture } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { ScriptedServer } from '../../world/scripted-server.ts'
import { openSubscription } from '../../world/subscription.ts'
import { startWorld } from '../../world/world.ts'

const the = fixture(async (closing) => {
  const server = await closing(ScriptedServer.start())
  const world = await closing(startWorld({ overrides: { DOWNSTREAM_MCP_URL: server.url } }))
  return { server, world }
})

describe('62 silent stream', () => {
  test('of every kind says something at once, and again within twenty-five seconds', async () => {
    the.server.onCall((call) => void call.stream())
    const { accessToken } = await credentialsFor('alice', the.world.mcpUrl)
    const client = await LegacyClient.open(the.world.mcpUrl, accessToken)
    const asked = Date.now()
    const streams = await Promise.all([client.get(), client.stream('x'), openSubscription(the.world.mcpUrl, accessToken)])
    await Promise.all(streams.map(async (stream) => await stream.find(({ comment }) => comment === 'ok', 1000)))
    await sleep(asked + 25_800 - Date.now())
    for (const { events, endedAt } of streams) {
      const [first, ...beats] = events.flatMap(({ comment, at }) => (comment === 'ok' || comment === 'keep-alive' ? [at] : []))
      const silences = [...beats, Date.now()].map((at, index) => at - ([first, ...beats][index] ?? 0))
      expect((first ?? Infinity) - asked).toBeLessThan(1000)
      expect(beats.length).toBeGreaterThan(0)
      expect(Math.max(...silences)).toBeLessThanOrEqual(25_500)
      expect(endedAt).toBeUndefined()
    }
    for (const stream of streams) stream.leave()
  })
})
