// `npm run conformance:authorization`: the broker as an authorization server, asked by the official program.
import { BrokerClient } from '../world/broker-client.ts'
import { startWorld } from '../world/world.ts'
import { runAuthorization } from './authorization-runs.ts'
import { reportAuthorization } from './report.ts'

const world = await startWorld()
try {
  const runs = await runAuthorization({
    issuer: world.brokerUrl,
    resource: world.mcpUrl,
    register: (redirectUri) =>
      BrokerClient.register(world.brokerUrl, { redirect_uris: [redirectUri], application_type: 'native' }),
  })
  process.exitCode = reportAuthorization(runs)
} finally {
  await world.close()
}
