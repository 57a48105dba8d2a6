// `npm run conformance:server`: whatever passes straight at an MCP server has to pass through the broker in front of it.
import { startWorld } from '../world/world.ts'
import { runBothWays } from './both-ways.ts'
import { accessToken } from './oauth-client.ts'
import { report } from './report.ts'

const runs = await runBothWays(async (downstreamUrl) => {
  const world = await startWorld({ overrides: { DOWNSTREAM_MCP_URL: downstreamUrl } })
  const token = await accessToken(world.brokerUrl, world.mcpUrl, 'alice')
  return { mcpUrl: world.mcpUrl, token, close: () => world.close() }
})
process.exitCode = report(runs)
