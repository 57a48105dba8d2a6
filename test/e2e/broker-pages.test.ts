// What the running broker shows people besides the sign-in: its home page, and every way in which something is wrong.
import type { Browser, Page } from 'playwright-core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BrokerClient } from '../world/broker-client.ts'
import { BROWSER_TESTS_RUN, launchChromium, openTab, photograph, picturesOf } from '../world/chromium.ts'
import { startWorld, type World } from '../world/world.ts'
import { forEveryTry } from '../world/each-try.ts'

const PICTURES = picturesOf('broker')
const NOBODY = 'http://127.0.0.1:9'

describe.runIf(BROWSER_TESTS_RUN)('the broker shows', () => {
  let world: World
  let browser: Browser
  let page: Page
  let complaints: string[] = []

  forEveryTry(async () => {
    world = await startWorld({ mayBeUnhealthy: true })
    browser = await launchChromium()
    return async () => {
      await browser?.close()
      await world?.close()
    }
  })

  beforeEach(async () => {
    ;({ page, complaints } = await openTab(browser))
  })

  afterEach(async () => {
    await page.context().close()
  })

  test('how to connect, at its front door', async () => {
    const status = await open('/', 'home')
    expect(status).toBe(200)
    expect(await page.textContent('.endpoint code')).toBe(world.mcpUrl)
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.click('.endpoint .copy')
    await page.waitForSelector('.endpoint .copy:text("Copied")')
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(world.mcpUrl)
    expect(complaints).toEqual([])
  })

  test('its files once, and then that they are still the same', async () => {
    const file = `${world.brokerUrl}/assets/pages.css`
    const first = await fetch(file)
    expect(await first.text()).toContain('--paper')
    const again = await fetch(file, { headers: { 'If-None-Match': first.headers.get('ETag') ?? '' } })
    expect([again.status, await again.text()]).toEqual([304, ''])
    const nothing = await fetch(`${world.brokerUrl}/assets/none.css`)
    expect([nothing.status, nothing.headers.get('X-Request-Id')]).toEqual([404, expect.any(String)])
  })

  test.for<[string, string, string, number, string, string]>([
    ['that there is nothing', 'nothing', '/no/such/page', 404, 'Nothing here', 'not_found'],
    [
      'that it does not know an application',
      'unknown-client',
      '/authorize?client_id=nobody',
      400,
      'This application is not known here',
      'invalid_client',
    ],
    [
      'that an application did not say who it is',
      'no-client',
      '/authorize',
      400,
      'This request cannot be answered',
      'invalid_request',
    ],
    [
      'that a callback belongs to no sign-in',
      'no-sign-in',
      '/callback?code=a&state=b',
      400,
      'Invalid or expired state',
      'invalid_request',
    ],
  ])('%s', async ([, picture, path, status, title, code]) => {
    expect(await open(path, picture)).toBe(status)
    expect(await refusal()).toEqual({ title, code })
    expect(complaintsBesides(status)).toEqual([])
  })

  test('that an application wants its answer somewhere else', async () => {
    const { url } = (await BrokerClient.register(world.brokerUrl)).authorizeUrl({ redirect_uri: 'https://elsewhere.example/' })
    expect(await open(url, 'wrong-redirect')).toBe(400)
    expect(await refusal()).toEqual({ title: 'The application asked for a wrong address', code: 'invalid_redirect_uri' })
    expect(complaintsBesides(400)).toEqual([])
  })

  test('that the identity provider does not answer', async () => {
    const { url } = (await BrokerClient.register(world.brokerUrl)).authorizeUrl({ resource: world.mcpUrl })
    await world.restartRuntime({ OAUTH_AUTHORIZE_URL: NOBODY })
    await page.goto(url)
    await page.click('#allow')
    await page.waitForSelector('.reference')
    expect(await photograph(page, PICTURES, 'provider-down')).toEqual([])
    expect(await refusal()).toEqual({
      title: 'The sign-in service does not answer',
      code: 'identity_provider_unreachable',
    })
    expect(complaintsBesides(503)).toEqual([])
    await world.restartRuntime()
  })

  test('which settings are wrong, and how to correct them, but never what they are', async () => {
    const wrong = { ENCRYPTION_KEY: 'not-a-key-at-all', DOWNSTREAM_MCP_URL: undefined, ACCESS_TOKEN_TTL: 'an hour' }
    await world.restartRuntime(wrong)
    expect(await open('/', 'settings')).toBe(503)
    const said = (await page.textContent('main')) ?? ''
    for (const variable of Object.keys(wrong)) expect(said).toContain(variable)
    expect(said).not.toContain('not-a-key-at-all')
    expect(complaintsBesides(503)).toEqual([])
    await world.restartRuntime()
  })

  async function open(path: string, picture: string): Promise<number | undefined> {
    const answer = await page.goto(new URL(path, world.brokerUrl).href)
    expect(await photograph(page, PICTURES, picture)).toEqual([])
    return answer?.status()
  }

  async function refusal(): Promise<{ title: string | null; code: string | null }> {
    return { title: await page.textContent('h1'), code: await page.locator('.reference code').first().textContent() }
  }

  /** Chromium reports the status of every page that is not fine; where it belongs to the story it is no complaint. */
  function complaintsBesides(status: number): readonly string[] {
    return complaints.filter((text) => !text.includes(`status of ${status}`))
  }
})
