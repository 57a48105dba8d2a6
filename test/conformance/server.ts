// `npm run conformance:server`: whatever passes straight at an MCP server has to pass through the broker in front of it.
import { BrokerClient } from '../world/broker-client.ts'
import { startWorld } from '../world/world.ts'
import { runBothWays } from './both-ways.ts'
import { report } from './report.ts'

const runs = await runBothWays(async (downstreamUrl) => {
  const world = await startWorld({ overrides: { DOWNSTREAM_MCP_URL: downstreamUrl } })
  const client = await BrokerClient.register(world.brokerUrl)
  const { accessToken: token } = await client.signIn('alice', { changes: { resource: world.mcpUrl } })
  return { mcpUrl: world.mcpUrl, token, close: () => world.close() }
})
process.exitCode = report(runs)
