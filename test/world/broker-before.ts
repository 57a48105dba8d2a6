// A server that a test has started, the broker before it, and alice signed in there: what most tests of streams stand on.
import { credentialsFor, type Credentials } from './clients.ts'
import { startWorld, type World } from './world.ts'

interface BrokerBefore {
  readonly world: World
  /** Where the server is reached through the broker. */
  readonly url: string
  readonly alice: Credentials
  readonly token: string
  /** Ends the server too. */
  readonly close: () => Promise<void>
}

/** The server stands at `/mcp`, unless it is listed under a name. */
export async function brokerBefore(
  server: { readonly url: string; close(): Promise<void> },
  overrides: Readonly<Record<string, string>> = {},
  name?: string,
): Promise<BrokerBefore> {
  const world = await startWorld({ overrides: { ...(name === undefined && { DOWNSTREAM_MCP_URL: server.url }), ...overrides } })
  const url = name === undefined ? world.mcpUrl : `${world.brokerUrl}/servers/${name}/mcp`
  const alice = await credentialsFor('alice', url)
  const close = async () => {
    await world.close()
    await server.close()
  }
  return { world, url, alice, token: alice.accessToken, close }
}
