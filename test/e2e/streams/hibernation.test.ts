// What an idle connected person costs: nothing. Their object sleeps while streams stay open, wakes for an event, and still revokes.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { LONGEST_LEASE_MS } from '../../../src/session/contract/lease.ts'
import { BrokerClient, callTool, type Tokens } from '../../world/broker-client.ts'
import type { Feed } from '../../world/feed.ts'
import { fixture } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { ScriptedServer } from '../../world/scripted-server.ts'
import { openSubscription } from '../../world/subscription.ts'
import { startWorld } from '../../world/world.ts'

/** The runtime lets an object sleep 10 s after its last event. */
const UNTIL_ASLEEP_MS = 13_000

const the = fixture(async (closing) => {
  const downstream = await closing(ScriptedServer.start({ resumable: true, exclusive: true }))
  const world = await closing(startWorld({ overrides: { DOWNSTREAM_MCP_URL: downstream.url } }))
  return { world, downstream }
})

/** How often the person's object was built: once more after every sleep. */
function wakes(): number {
  return the.world.logs.filter(({ message }) => message.includes('"session.woke"')).length
}

test('an object sleeps while its streams stay open, loses nothing when it wakes, and closes them at once when access is revoked', async () => {
  const client = await BrokerClient.register(the.world.brokerUrl)
  const tokens: Tokens = await client.signIn('alice', { changes: { resource: the.world.mcpUrl } })
  let modernFeed: Feed | undefined
  the.downstream.onCall((call) => {
    if (call.message.method === 'subscriptions/listen') modernFeed = call.stream()
    else call.answer({ content: [] })
  })
  const modern = await openSubscription(the.world.mcpUrl, tokens.accessToken)
  const legacy = await LegacyClient.open(the.world.mcpUrl, tokens.accessToken)
  const standing = await legacy.get()
  expect([modern.status, standing.status]).toEqual([200, 200])
  const { standing: standingFeed } = the.downstream.session

  standingFeed.notify({ number: 1 })
  modernFeed?.notify({ number: 1 })
  await standing.message('"number":1')
  await modern.message('"number":1')
  const before = wakes()

  // The lease of the modern request is given back first.
  await sleep(LONGEST_LEASE_MS + UNTIL_ASLEEP_MS)
  standingFeed.notify({ number: 2 })
  modernFeed?.notify({ number: 2 })
  await standing.message('"number":2')
  await modern.message('"number":2')
  expect(wakes(), 'the object slept and was woken to store the event').toBe(before + 1)

  const ids = standing.messages.map(({ id }) => id)
  expect(new Set(ids).size, 'every event has an id of its own').toBe(2)

  await sleep(UNTIL_ASLEEP_MS)
  await client.revoke(tokens.refreshToken)
  const revokedAt = Date.now()
  await Promise.all([modern.over, standing.over])
  expect(wakes()).toBe(before + 2)
  expect(Math.max(modern.endedAt ?? Infinity, standing.endedAt ?? Infinity) - revokedAt).toBeLessThan(250)
  expect([modern.closeReason, standing.closeReason]).toEqual(['credential_revoked', 'credential_revoked'])
  expect((await callTool(the.world.mcpUrl, tokens.accessToken)).status).toBe(401)
  expect(the.downstream.requests.open).toEqual([])
})
