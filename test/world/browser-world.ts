// A broker, a Chromium, and a client that calls itself Cursor: what tests of pages stand on that people see of their connections.
import type { Browser } from 'playwright-core'
import type { Closing } from './begun.ts'
import { BrokerClient } from './broker-client.ts'
import { launchChromium } from './chromium.ts'
import { startWorld, type World } from './world.ts'

export interface BrowserWorld {
  readonly world: World
  readonly browser: Browser
  readonly client: BrokerClient
}

export async function startBrowserWorld(closing: Closing): Promise<BrowserWorld> {
  const world = await closing(startWorld())
  const browser = await closing(launchChromium())
  const client = await BrokerClient.register(world.brokerUrl, { client_name: 'Cursor' })
  return { world, browser, client }
}
