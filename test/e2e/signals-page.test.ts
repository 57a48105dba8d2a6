// The page Signals in a real browser: an administrator sets a stream up, tests it, and sees what came by each door.
import { describe, expect, test } from 'vitest'
import { BROWSER_TESTS_RUN, launchChromium, photograph, picturesOf } from '../world/chromium.ts'
import { CompanyDirectory } from '../world/company-directory.ts'
import { fixture } from '../world/fixture.ts'
import { PEOPLE } from '../world/people.ts'
import { openAs } from '../world/portal-visit.ts'
import { SignalTransmitter } from '../world/signal-transmitter.ts'
import { startWorld } from '../world/world.ts'

describe.runIf(BROWSER_TESTS_RUN)('the page Signals', () => {
  const the = fixture(async (closing) => {
    const transmitter = await closing(SignalTransmitter.start('okta'))
    const world = await closing(startWorld({ overrides: { OAUTH_SIGNALS: JSON.stringify({ transmitter: transmitter.issuer }) } }))
    const browser = await closing(launchChromium())
    return { world, browser }
  })

  test('sets a stream up, shows that it was verified, and names the last signal of each door', async () => {
    const { page, complaints } = await openAs('carol', the.browser, `${the.world.brokerUrl}/admin`)
    await page.click('a[href="/admin/signals"]')
    const stream = page.locator('#stream-oauth')
    expect(await stream.innerText()).toContain('Not set up')
    expect(await page.locator('tr[data-door="scim"]').innerText()).toContain(`${the.world.brokerUrl}/scim/v2`)
    await page.click('#setup-oauth')
    await page.waitForSelector('#notice')
    await expect
      .poll(async () => {
        await page.goto(`${the.world.brokerUrl}/admin/signals`)
        return await page.locator('[data-verified]').count()
      })
      .toBe(1)
    await page.click('#verify-oauth')
    await page.waitForSelector('#notice')

    const directory = await CompanyDirectory.open(the.world.brokerUrl)
    await directory.create('Users', { userName: 'alice', externalId: PEOPLE.alice.sub, active: false })
    await page.goto(`${the.world.brokerUrl}/admin/signals`)
    expect(await page.locator('tr[data-door="scim"]').innerText()).toContain('user not active')
    expect(await photograph(page, picturesOf('portal'), 'signals')).toEqual([])
    expect(complaints).toEqual([])
  })
})
