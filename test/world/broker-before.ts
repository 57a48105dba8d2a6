// A server that a test has started, the broker before it, and alice signed in there: what most tests of streams stand on.
import type { Closing } from './begun.ts'
import { credentialsFor, type Credentials } from './clients.ts'
import { startWorld, type World } from './world.ts'

interface BrokerBefore {
  readonly world: World
  /** Where the server is reached through the broker. */
  readonly url: string
  readonly alice: Credentials
  readonly token: string
}

/** The server stands at `/mcp`, unless it is listed under a name. */
export async function brokerBefore(
  closing: Closing,
  server: { readonly url: string },
  overrides: Readonly<Record<string, string>> = {},
  name?: string,
): Promise<BrokerBefore> {
  const own = name === undefined && { DOWNSTREAM_MCP_URL: server.url }
  const world = await closing(startWorld({ overrides: { ...own, ...overrides } }))
  const url = name === undefined ? world.mcpUrl : `${world.brokerUrl}/servers/${name}/mcp`
  const alice = await credentialsFor('alice', url)
  return { world, url, alice, token: alice.accessToken }
}
