// The account page in a real browser: people see what is connected in their name, and end each of it or all.
import { describe, expect, test } from 'vitest'
import { BrokerClient, countForLong, statusWith } from '../world/broker-client.ts'
import { BROWSER_TESTS_RUN, picturesOf } from '../world/chromium.ts'
import { fixture } from '../world/fixture.ts'
import { openAs, pictured } from '../world/portal-visit.ts'
import { startBrowserWorld } from '../world/browser-world.ts'

const PICTURES = picturesOf('account')

describe.runIf(BROWSER_TESTS_RUN)('the account page', () => {
  const the = fixture(startBrowserWorld)

  describe.for([true, false])('with a script: %s,', (hasScript) => {
    test('it shows a person their own clients, and ends one and then all of them', async () => {
      const { world, browser, client } = the
      const [cursor, claude] = [client, await BrokerClient.register(world.brokerUrl, { client_name: 'Claude' })]
      const [one, other] = [await cursor.signIn('bob'), await claude.signIn('bob')]
      const stream = await countForLong(world.mcpUrl, one.accessToken)
      const { page, complaints } = await openAs('bob', browser, `${world.brokerUrl}/account`, hasScript)
      expect(await page.locator('text=Administration').count()).toBe(0)
      const card = page.locator('article[data-grant-id]', { hasText: 'tools/call count' })
      await card.locator('summary').click()
      expect(await card.locator('details p').textContent()).toContain('ends Cursor’s access at once and closes 1 open stream')
      expect(await pictured(page, PICTURES, 'account', hasScript)).toEqual([])
      await card.getByRole('button', { name: 'Disconnect Cursor' }).click()
      await page.waitForSelector('#ended')
      expect(await page.textContent('#ended')).toContain('Disconnected 1 application and closed 1 open stream')
      expect(await stream.endsWithin(500)).toBe(true)
      expect(await statusWith(world.mcpUrl, one.accessToken)).toBe(401)
      expect(await statusWith(world.mcpUrl, other.accessToken)).toBe(200)

      const third = await cursor.signIn('bob')
      await page.click('#refresh')
      await page.click('#disconnect-all summary')
      await page.click('#disconnect-go-all')
      await page.waitForSelector('#nothing')
      for (const { accessToken } of [other, third]) expect(await statusWith(world.mcpUrl, accessToken)).toBe(401)
      const copied = (await page.context().cookies(world.brokerUrl)).find(({ name }) => name === 'mcp_pages')?.value ?? ''
      const withCopy = async (): Promise<number> =>
        (await fetch(`${world.brokerUrl}/account`, { headers: { cookie: `mcp_pages=${copied}` }, redirect: 'manual' })).status
      expect(await withCopy()).toBe(200)
      await page.click('#sign-out-go')
      await page.waitForURL(`${world.brokerUrl}/`)
      expect(await withCopy()).toBe(303)
      expect((await page.context().cookies(world.brokerUrl)).map(({ name }) => name)).not.toContain('mcp_pages')
      expect(complaints).toEqual([])
      await page.context().close()
    })
  })
})
