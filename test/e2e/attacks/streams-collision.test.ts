// Two clients that number their requests alike, on one server, all at once. Named after the case it answers.
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { credentialsFor } from '../../world/clients.ts'
import { fixture } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { ScriptedServer } from '../../world/scripted-server.ts'
import { startWorld } from '../../world/world.ts'

const CALLS_EACH = 750
const AT_ONCE = 25

const the = fixture(async (closing) => {
  const server = await closing(ScriptedServer.start())
  const world = await closing(startWorld({ overrides: { DOWNSTREAM_MCP_URL: server.url, RATE_LIMIT_REQUESTS: '100000' } }))
  return { server, world }
})

describe('32 JSON-RPC id collision', () => {
  test('3,000 interleaved calls with the same ids each get their own answer, in JSON and in streams', async () => {
    // Answers come late and out of order, half of them as streams with news of the call in between.
    the.server.onCall(async (call) => {
      const secret = call.message.params?.['arguments']
      const id = Number(call.message.id)
      await sleep((id * 7) % 5)
      if (id % 2 === 0) return call.answer({ secret, person: call.headers['x-user-email'] })
      const feed = call.stream()
      feed.notify({ secret })
      await sleep((id * 3) % 4)
      feed.respond(call.message.id, { secret, person: call.headers['x-user-email'] })
      feed.end()
    })
    const [alice, bob] = [await credentialsFor('alice', the.world.mcpUrl), await credentialsFor('bob', the.world.mcpUrl)]
    // Two people, and two sessions and two bare connections of the same person.
    const clients: readonly (readonly [string, LegacyClient])[] = [
      ['alice@example.com', await LegacyClient.open(the.world.mcpUrl, alice.accessToken)],
      ['alice@example.com', await LegacyClient.open(the.world.mcpUrl, alice.accessToken)],
      ['alice@example.com', new LegacyClient(the.world.mcpUrl, alice.accessToken)],
      ['bob@example.com', await LegacyClient.open(the.world.mcpUrl, bob.accessToken)],
    ]
    const wrong: string[] = []
    const runs = clients.flatMap(([person, client], who) => {
      let next = 0
      return Array.from({ length: AT_ONCE }, async () => {
        while (next < CALLS_EACH) {
          const id = (next += 1)
          const secret = { who, id }
          const text = await (await client.call('own', secret, id)).text()
          const others = [...text.matchAll(/"who":(\d+),"id":(\d+)/g)].filter(
            ([, of, n]) => Number(of) !== who || Number(n) !== id,
          )
          if (others.length > 0 || !text.includes(JSON.stringify({ secret, person }))) wrong.push(`${who} ${id}: ${text}`)
        }
      })
    })
    await Promise.all(runs)
    expect(wrong).toEqual([])
    expect(the.server.requests.all.length).toBeGreaterThanOrEqual(CALLS_EACH * clients.length)
  })
})
