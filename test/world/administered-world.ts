// A broker, a client registered at it, and carol, its administrator: what tests of administration stand on.
import { AdminProgram } from './administrator.ts'
import type { Closing } from './begun.ts'
import { BrokerClient } from './broker-client.ts'
import { startWorld, type World } from './world.ts'

export interface AdministeredWorld {
  readonly world: World
  readonly client: BrokerClient
  readonly carol: AdminProgram
}

export async function startAdministeredWorld(closing: Closing): Promise<AdministeredWorld> {
  const world = await closing(startWorld())
  const client = await BrokerClient.register(world.brokerUrl)
  return { world, client, carol: await AdminProgram.signedIn(world.brokerUrl, 'carol') }
}
