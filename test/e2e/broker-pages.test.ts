// What the running broker shows people besides the sign-in: its home page, and every way in which something is wrong.
import { describe, expect, test } from 'vitest'
import { BrokerClient } from '../world/broker-client.ts'
import { BROWSER_TESTS_RUN, launchChromium, openTab, photograph, picturesOf } from '../world/chromium.ts'
import { fixture, perTest } from '../world/fixture.ts'
import { startWorld } from '../world/world.ts'

const PICTURES = picturesOf('broker')
const NOBODY = 'http://127.0.0.1:9'

describe.runIf(BROWSER_TESTS_RUN)('the broker shows', () => {
  const the = fixture(async (closing) => {
    const world = await closing(startWorld({ mayBeUnhealthy: true }))
    const browser = await closing(launchChromium())
    return { world, browser }
  })

  const tab = perTest(async (_, onEnd) => {
    const { page, complaints } = await openTab(the.browser)
    onEnd(() => page.context().close())
    return { page, complaints }
  })

  test('how to connect, at its front door', async () => {
    const status = await open('/', 'home')
    expect(status).toBe(200)
    expect(await tab.page.textContent('.endpoint code')).toBe(the.world.mcpUrl)
    await tab.page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await tab.page.click('.endpoint .copy')
    await tab.page.waitForSelector('.endpoint .copy:text("Copied")')
    expect(await tab.page.evaluate('navigator.clipboard.readText()')).toBe(the.world.mcpUrl)
    expect(tab.complaints).toEqual([])
  })

  test('its files once, and then that they are still the same', async () => {
    const file = `${the.world.brokerUrl}/assets/pages.css`
    const first = await fetch(file)
    expect(await first.text()).toContain('--paper')
    const again = await fetch(file, { headers: { 'If-None-Match': first.headers.get('ETag') ?? '' } })
    expect([again.status, await again.text()]).toEqual([304, ''])
    const nothing = await fetch(`${the.world.brokerUrl}/assets/none.css`)
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
    const { url } = (await BrokerClient.register(the.world.brokerUrl)).authorizeUrl({
      redirect_uri: 'https://elsewhere.example/',
    })
    expect(await open(url, 'wrong-redirect')).toBe(400)
    expect(await refusal()).toEqual({ title: 'The application asked for a wrong address', code: 'invalid_redirect_uri' })
    expect(complaintsBesides(400)).toEqual([])
  })

  test('that the identity provider does not answer', async () => {
    const { url } = (await BrokerClient.register(the.world.brokerUrl)).authorizeUrl({ resource: the.world.mcpUrl })
    await the.world.restartRuntime({ OAUTH_AUTHORIZE_URL: NOBODY })
    await tab.page.goto(url)
    await tab.page.click('#allow')
    await tab.page.waitForSelector('.reference')
    expect(await photograph(tab.page, PICTURES, 'provider-down')).toEqual([])
    expect(await refusal()).toEqual({
      title: 'The sign-in service does not answer',
      code: 'identity_provider_unreachable',
    })
    expect(complaintsBesides(503)).toEqual([])
    await the.world.restartRuntime()
  })

  test('which settings are wrong, and how to correct them, but never what they are', async () => {
    const wrong = { ENCRYPTION_KEY: 'not-a-key-at-all', DOWNSTREAM_MCP_URL: undefined, ACCESS_TOKEN_TTL: 'an hour' }
    await the.world.restartRuntime(wrong)
    expect(await open('/', 'settings')).toBe(503)
    const said = (await tab.page.textContent('main')) ?? ''
    for (const variable of Object.keys(wrong)) expect(said).toContain(variable)
    expect(said).not.toContain('not-a-key-at-all')
    expect(complaintsBesides(503)).toEqual([])
    await the.world.restartRuntime()
  })

  async function open(path: string, picture: string): Promise<number | undefined> {
    const answer = await tab.page.goto(new URL(path, the.world.brokerUrl).href)
    expect(await photograph(tab.page, PICTURES, picture)).toEqual([])
    return answer?.status()
  }

  async function refusal(): Promise<{ title: string | null; code: string | null }> {
    return { title: await tab.page.textContent('h1'), code: await tab.page.locator('.reference code').first().textContent() }
  }

  /** Chromium reports the status of every page that is not fine; where it belongs to the story it is no complaint. */
  function complaintsBesides(status: number): readonly string[] {
    return tab.complaints.filter((text) => !text.includes(`status of ${status}`))
  }
})
