// MCP Inspector in the browser, started with the line of the front page: connect, sign in, run a tool, all by hand in Chromium.
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { setupsFor } from '../../../src/pages/setups.ts'
import { BROWSER_TESTS_RUN, launchChromium, openTab } from '../../world/chromium.ts'
import { fixture } from '../../world/fixture.ts'
import { freePort } from '../../world/listening.ts'
import { Home, SpawnedClient } from '../../world/spawned-client.ts'
import { startWorld } from '../../world/world.ts'

const require = createRequire(import.meta.url)
const INSPECTOR = require.resolve('@modelcontextprotocol/inspector/clients/launcher/build/index.js')

describe.runIf(BROWSER_TESTS_RUN)('MCP Inspector in the browser', () => {
  const the = fixture(async (closing, onEnd) => {
    const world = await closing(startWorld())
    const browser = await closing(launchChromium())
    const home = await Home.create()
    onEnd(() => home.remove())
    const line = setupsFor(world.mcpUrl).find(({ client }) => client === 'MCP Inspector')?.text ?? ''
    const [, , ...args] = line.split(' ')
    const ports = { CLIENT_PORT: String(await freePort()), MCP_SANDBOX_PORT: String(await freePort()) }
    const inspector = new SpawnedClient(home, INSPECTOR, args, ports)
    onEnd(() => inspector.end())
    return { world, browser, inspector }
  })

  test('finds the server in its list, signs in as Alice and learns who she is', async () => {
    const { page, complaints } = await openTab(the.browser)
    await page.goto(await the.inspector.opens())
    await page.getByRole('switch', { name: new URL(the.world.mcpUrl).host }).click({ force: true })
    await page.click('#allow')
    await page.click('#sign-in-alice')
    await page.getByText('Tools', { exact: true }).first().click()
    await page.getByText('whoami', { exact: true }).click()
    await page.getByRole('button', { name: 'Execute Tool' }).click()
    await page.getByText('alice@example.com').first().waitFor()
    expect(await page.textContent('body')).toMatch(/"?verified"?:\s*true/)
    // Its fonts are on the internet, which tests do without.
    expect(complaints.filter((text) => !text.includes('net::ERR_'))).toEqual([])
  })
})
