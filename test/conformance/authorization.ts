// `npm run conformance:authorization`: the broker as an authorization server, asked by the official program.
import { startWorld } from '../world/world.ts'
import { runAuthorization } from './authorization-runs.ts'
import { reportAuthorization } from './report.ts'
import { registerClient } from './oauth-client.ts'

const world = await startWorld()
try {
  const runs = await runAuthorization({
    issuer: world.brokerUrl,
    resource: world.mcpUrl,
    register: async (redirectUri) => ({ clientId: await registerClient(world.brokerUrl, redirectUri) }),
  })
  process.exitCode = reportAuthorization(runs)
} finally {
  await world.close()
}
