// Two nodes that are one broker: access taken back at one of them ends streams at the other. Nodes that fail are for `npm run loss`.
import { expect, onTestFinished, test } from 'vitest'
import { BrokerClient } from '../world/broker-client.ts'
import { startCluster } from '../world/cluster.ts'
import { OpenStream } from '../world/open-stream.ts'

test('a stream that one node carries ends when access is taken away at the other', async () => {
  const world = await startCluster({ nodes: 2 })
  onTestFinished(async () => await world.close())
  const [a, b] = world.nodes
  if (!a || !b) throw new Error('the cluster has two nodes')
  const client = await BrokerClient.register(world.brokerUrl)
  const { accessToken } = await client.signIn('alice')
  // Both nodes may hold a lease by now.
  for (const node of [a, b, a, b]) expect(await node.statusWith(accessToken)).toBe(200)
  const counting = { tool: 'count', arguments: { to: 6_000, interval_ms: 100 }, meta: { progressToken: 'count' } }
  const stream = new OpenStream(await b.call(accessToken, counting))
  await stream.untilSaid('"progress":2')
  expect((await client.revoke(accessToken)).status).toBe(200)
  for (const node of [a, b]) expect(await node.statusWith(accessToken)).toBe(401)
  expect(await stream.endsWithin(1_000)).toBe(true)
  expect(stream.text).toContain('credential_revoked')
})

test('a node whose clock is another than the store’s does not join: leases are times', async () => {
  await expect(startCluster({ nodes: 1, skewsMs: [60_000] })).rejects.toThrow('clock off from the bucket')
})
