// Rules about tools while calls are open: what a person may not call any more ends, and everything else goes on.
import { expect, test } from 'vitest'
import { BrokerClient, tokensOf } from '../world/broker-client.ts'
import { startDownstream } from '../world/downstream.ts'
import { fixture } from '../world/fixture.ts'
import { LegacyClient } from '../world/legacy-client.ts'
import { ModernClient } from '../world/modern-client.ts'
import { startWorld } from '../world/world.ts'

/** Engineering calls everything; whoever is in no group at all, what says hello. */
const RULES = [{ groups: ['engineering'] }, { allow: ['echo'] }]
const SLOWLY = { to: 1_000, interval_ms: 50 }

const world = fixture(async (closing) => {
  const tools = await closing(startDownstream())
  return await closing(
    startWorld({ overrides: { DOWNSTREAMS: JSON.stringify([{ name: 'tools', url: tools.url, tools: RULES }]) } }),
  )
})

test('a call ends with policy_changed when its person leaves the group that allowed it, and the standing stream stays', async () => {
  const resource = `${world.brokerUrl}/servers/tools/mcp`
  const client = await BrokerClient.register(world.brokerUrl)
  const { accessToken, refreshToken } = await client.signIn('alice', { changes: { resource } })
  const legacy = await LegacyClient.open(resource, accessToken)
  const modern = new ModernClient(resource, accessToken)
  const standing = await legacy.get()
  const owned = await legacy.stream('count', SLOWLY)
  const leashed = await modern.stream('tools/call', { name: 'count', arguments: SLOWLY }, { meta: { progressToken: 'p' } })
  await leashed.find(({ data }) => data?.includes('notifications/progress') ?? false)
  world.idp.control.changeGroups('alice', ['sales'])
  const { accessToken: next } = tokensOf(await client.refresh(refreshToken))
  expect([await owned.over, owned.closeReason]).toEqual(['ended', 'policy_changed'])
  expect([await leashed.over, leashed.closeReason]).toEqual(['ended', 'policy_changed'])
  legacy.accessToken = next
  expect(await (await legacy.call('echo', { message: 'x' })).text()).toContain('x')
  expect(await (await legacy.call('count', SLOWLY)).text()).toContain('tool_not_allowed')
  expect(standing.closeReason).toBeUndefined()
})
