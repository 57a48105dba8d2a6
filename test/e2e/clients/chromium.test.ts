// A person in a real browser: consent, sign-in, back to the client, with JavaScript and without; pictures go to test/artifacts/.
import { createServer } from 'node:http'
import type { Browser } from 'playwright-core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { BrokerClient, statusWith, tokensOf } from '../../world/broker-client.ts'
import { BROWSER_TESTS_RUN, examine, launchChromium, openTab, photograph, picturesOf } from '../../world/chromium.ts'
import { DESKTOP_CLIENTS } from '../../world/client-fixtures.ts'
import { fixture, perTest } from '../../world/fixture.ts'
import { close, listen } from '../../world/listening.ts'
import { startWorld } from '../../world/world.ts'

const PICTURES = picturesOf('journey')
const CURSOR = DESKTOP_CLIENTS[0]!

type Tab = Awaited<ReturnType<typeof openTab>>

/** A new one for each test. */
const tabOf = (program: () => Browser): Readonly<Tab> =>
  perTest(async (_, onEnd) => {
    const tab = await openTab(program())
    onEnd(() => tab.page.context().close())
    return tab
  })

/** Chromium reports the status of every page that is not fine; where it belongs to the story it is no complaint. */
function complaintsBesides(status: number, { complaints }: Tab): readonly string[] {
  return complaints.filter((text) => !text.includes(`status of ${status}`))
}

describe.runIf(BROWSER_TESTS_RUN)('a person in a browser', () => {
  const the = fixture(async (closing, onEnd) => {
    // The client: a program on this computer that waits to be called back.
    const done =
      '<!doctype html><html lang="en"><title>Client</title><link rel="icon" href="data:,"><h1>You may close this tab</h1>'
    const listener = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(done))
    onEnd(() => close(listener))
    const redirectUri = `http://127.0.0.1:${await listen(listener, 0)}/callback`
    const world = await closing(startWorld())
    const browser = await closing(launchChromium())
    return { world, browser, whole: await closing(launchChromium({ isWhole: true })), redirectUri }
  })

  const tab = tabOf(() => the.browser)

  test('allows a client, signs in and is back, step by step', async () => {
    const client = await BrokerClient.register(the.world.brokerUrl, {
      client_name: 'MCP Inspector',
      redirect_uris: [the.redirectUri],
    })
    const { url, verifier } = client.authorizeUrl({ resource: the.world.mcpUrl })
    await tab.page.goto(url)
    expect(await photograph(tab.page, PICTURES, '1-consent')).toEqual([])
    expect(await tab.page.textContent('main')).toContain('A program on this computer')
    for (const summary of await tab.page.locator('summary').all()) await summary.click()
    expect(await examine(tab.page, PICTURES, '2-consent-opened')).toEqual([])

    await tab.page.click('#allow')
    await tab.page.waitForSelector('#sign-in')
    expect(new URL(tab.page.url()).origin).toBe(the.world.idp.issuer)
    expect(await examine(tab.page, PICTURES, '3-sign-in')).toEqual([])

    await tab.page.click('#sign-in-alice')
    await tab.page.waitForURL(`${the.redirectUri}?*`)
    const back = new URL(tab.page.url())
    expect(back.searchParams.get('iss')).toBe(the.world.brokerUrl)
    const tokens = tokensOf(await client.redeem({ code: back.searchParams.get('code') ?? '', verifier }))
    expect(await statusWith(the.world.mcpUrl, tokens.accessToken)).toBe(200)
    expect(tab.complaints).toEqual([])
  })

  test('needs no JavaScript for it', async () => {
    const { page, complaints } = await openTab(the.browser, { javaScriptEnabled: false })
    onTestFinished(() => page.context().close())
    await page.goto(await link())
    await page.click('#allow')
    await page.click('#sign-in-alice')
    await page.waitForURL(`${the.redirectUri}?*`)
    expect(new URL(page.url()).searchParams.get('code')).toMatch(/./)
    expect(complaints).toEqual([])
  })

  test('says no, and the client is told so', async () => {
    await tab.page.goto(await link())
    await tab.page.click('#deny')
    await tab.page.waitForURL(`${the.redirectUri}?*`)
    const { searchParams } = new URL(tab.page.url())
    expect(Object.fromEntries(searchParams)).toMatchObject({ error: 'access_denied', iss: the.world.brokerUrl })
    expect(searchParams.get('state')).toMatch(/./)
    expect(tab.complaints).toEqual([])
  })

  test('cancels at the identity provider, and the client is told so', async () => {
    await tab.page.goto(await link())
    await tab.page.click('#allow')
    await tab.page.click('#sign-in-cancel')
    await tab.page.waitForURL(`${the.redirectUri}?*`)
    expect(new URL(tab.page.url()).searchParams.get('error')).toBe('access_denied')
    expect(tab.complaints).toEqual([])
  })

  test('opens the callback a second time and is told that it is spent', async () => {
    const seen: string[] = []
    tab.page.on('request', (request) => seen.push(request.url()))
    await tab.page.goto(await link())
    await tab.page.click('#allow')
    await tab.page.click('#sign-in-alice')
    await tab.page.waitForURL(`${the.redirectUri}?*`)
    const callback = seen.find((address) => address.startsWith(`${the.world.brokerUrl}/callback?`)) ?? ''
    await tab.page.goto(callback)
    expect(await tab.page.textContent('h1')).toBe('Invalid or expired state')
    expect(await photograph(tab.page, PICTURES, '8-callback-twice')).toEqual([])
    expect(complaintsBesides(400, tab)).toEqual([])
  })

  // Only a whole browser asks whether another program may be opened.
  describe('with a client that is an app on this computer', () => {
    const wholeTab = tabOf(() => the.whole)

    test('is handed to an app with a scheme of its own by a page', async () => {
      const client = await BrokerClient.register(the.world.brokerUrl, CURSOR.registration)
      const { url } = client.authorizeUrl({ resource: the.world.mcpUrl })
      await wholeTab.page.goto(url)
      expect(await photograph(wholeTab.page, PICTURES, '4-consent-cursor')).toEqual([])
      await wholeTab.page.click('#allow')
      // Chromium has no Cursor to open; that it tried is what can be seen.
      const opened = wholeTab.page.waitForEvent('requestfailed', (request) => request.url().startsWith('cursor:'))
      await wholeTab.page.click('#sign-in-bob')
      expect((await opened).url()).toMatch(/^cursor:\/\/anysphere\.cursor-mcp\/oauth\/callback\?code=/)
      expect(new URL(wholeTab.page.url()).pathname).toBe('/callback')
      expect(await photograph(wholeTab.page, PICTURES, '5-continue')).toEqual([])
      expect(wholeTab.complaints).toEqual([])
      expect(await wholeTab.page.getAttribute('#continue', 'href')).toMatch(
        /^cursor:\/\/anysphere\.cursor-mcp\/oauth\/callback\?code=/,
      )
    })

    test('refuses an app with a scheme of its own, and the app is told so by a page', async () => {
      const client = await BrokerClient.register(the.world.brokerUrl, CURSOR.registration)
      await wholeTab.page.goto(client.authorizeUrl({ resource: the.world.mcpUrl }).url)
      await wholeTab.page.click('#deny')
      expect(await wholeTab.page.getAttribute('#continue', 'href')).toContain('error=access_denied')
      expect(await photograph(wholeTab.page, PICTURES, '6-continue-denied')).toEqual([])
      expect(wholeTab.complaints).toEqual([])
    })

    test('goes back after the sign-in and is asked anew, and an answer given twice counts once', async () => {
      const client = await BrokerClient.register(the.world.brokerUrl, CURSOR.registration)
      await wholeTab.page.goto(client.authorizeUrl({ resource: the.world.mcpUrl }).url)
      const stale = await wholeTab.page.content()
      await wholeTab.page.click('#deny')
      await wholeTab.page.waitForSelector('#continue')

      // Reloading the answer sends the form once more.
      await wholeTab.page.reload()
      expect(await wholeTab.page.textContent('h1')).toBe('Invalid or expired state')
      expect(await photograph(wholeTab.page, PICTURES, '7-answered-twice')).toEqual([])

      await wholeTab.page.goBack()
      expect(await wholeTab.page.inputValue('input[name=ticket]')).not.toBe(/name="ticket" value="([^"]+)"/.exec(stale)?.[1])
      // Chromium's question whether it may open the app hangs over this tab, unseen and unanswered, and takes every click.
      await wholeTab.page.evaluate(`document.querySelector('#consent').requestSubmit(document.querySelector('#allow'))`)
      await wholeTab.page.waitForSelector('#sign-in')
      expect(complaintsBesides(400, wholeTab)).toEqual([])
    })
  })

  async function link(): Promise<string> {
    const client = await BrokerClient.register(the.world.brokerUrl, { redirect_uris: [the.redirectUri] })
    return client.authorizeUrl({ resource: the.world.mcpUrl }).url
  }
})
