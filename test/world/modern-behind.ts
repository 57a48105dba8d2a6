// A broker in front of a scripted server of 2026-07-28 alone, and Alice, who has signed in for it.
import type { Closing } from './begun.ts'
import { BrokerClient } from './broker-client.ts'
import { ScriptedModernServer } from './scripted-modern-server.ts'
import { startWorld, type World } from './world.ts'

export interface ModernBehind {
  readonly world: World
  readonly server: ScriptedModernServer
  readonly broker: BrokerClient
  /** Alice's access token. */
  readonly token: string
}

export async function startModernBehind(
  closing: Closing,
  overrides: Readonly<Record<string, string>> = {},
): Promise<ModernBehind> {
  const server = await closing(ScriptedModernServer.start())
  const world = await closing(startWorld({ overrides: { ...overrides, DOWNSTREAM_MCP_URL: server.url } }))
  const broker = await BrokerClient.register(world.brokerUrl)
  const { accessToken: token } = await broker.signIn('alice', { changes: { resource: world.mcpUrl } })
  return { world, server, broker, token }
}
