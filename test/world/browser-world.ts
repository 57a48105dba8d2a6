// A broker, a Chromium, and a client that calls itself Cursor: what tests of pages stand on that people see of their connections.
import type { Browser } from 'playwright-core'
import { BrokerClient } from './broker-client.ts'
import { launchChromium } from './chromium.ts'
import { startWorld, type World } from './world.ts'

export interface BrowserWorld {
  readonly world: World
  readonly browser: Browser
  readonly client: BrokerClient
  readonly close: () => Promise<void>
}

export async function startBrowserWorld(): Promise<BrowserWorld> {
  const world = await startWorld()
  const browser = await launchChromium()
  const client = await BrokerClient.register(world.brokerUrl, { client_name: 'Cursor' })
  const close = async () => {
    await browser.close()
    await world.close()
  }
  return { world, browser, client, close }
}
