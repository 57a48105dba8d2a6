// A person in a real browser: consent, sign-in, back to the client, with JavaScript and without; pictures go to test/artifacts/.
import { createServer, type Server } from 'node:http'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BrokerClient, statusWith, tokensOf } from '../../world/broker-client.ts'
import { BROWSER_TESTS_RUN, examine, launchChromium, openTab, photograph, picturesOf } from '../../world/chromium.ts'
import { DESKTOP_CLIENTS } from '../../world/client-fixtures.ts'
import { close, listen } from '../../world/listening.ts'
import { startWorld, type World } from '../../world/world.ts'
import { forEveryTry } from '../../world/each-try.ts'

const PICTURES = picturesOf('journey')
const CURSOR = DESKTOP_CLIENTS[0]!

describe.runIf(BROWSER_TESTS_RUN)('a person in a browser', () => {
  let world: World
  let browser: Browser
  let whole: Browser
  let listener: Server
  let redirectUri = ''
  let complaints: string[] = []
  let page: Page

  forEveryTry(async () => {
    // The client: a program on this computer that waits to be called back.
    const done =
      '<!doctype html><html lang="en"><title>Client</title><link rel="icon" href="data:,"><h1>You may close this tab</h1>'
    listener = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(done))
    redirectUri = `http://127.0.0.1:${await listen(listener, 0)}/callback`
    world = await startWorld()
    browser = await launchChromium()
    whole = await launchChromium({ isWhole: true })
    return async () => {
      await browser?.close()
      await whole?.close()
      await world?.close()
      await close(listener)
    }
  })

  beforeEach(async () => {
    await newTab()
  })

  afterEach(async () => {
    await page.context().close()
  })

  test('allows a client, signs in and is back, step by step', async () => {
    const client = await BrokerClient.register(world.brokerUrl, { client_name: 'MCP Inspector', redirect_uris: [redirectUri] })
    const { url, verifier } = client.authorizeUrl({ resource: world.mcpUrl })
    await page.goto(url)
    expect(await photograph(page, PICTURES, '1-consent')).toEqual([])
    expect(await page.textContent('main')).toContain('A program on this computer')
    for (const summary of await page.locator('summary').all()) await summary.click()
    expect(await examine(page, PICTURES, '2-consent-opened')).toEqual([])

    await page.click('#allow')
    await page.waitForSelector('#sign-in')
    expect(new URL(page.url()).origin).toBe(world.idp.issuer)
    expect(await examine(page, PICTURES, '3-sign-in')).toEqual([])

    await page.click('#sign-in-alice')
    await page.waitForURL(`${redirectUri}?*`)
    const back = new URL(page.url())
    expect(back.searchParams.get('iss')).toBe(world.brokerUrl)
    const tokens = tokensOf(await client.redeem({ code: back.searchParams.get('code') ?? '', verifier }))
    expect(await statusWith(world.mcpUrl, tokens.accessToken)).toBe(200)
    expect(complaints).toEqual([])
  })

  test('needs no JavaScript for it', async () => {
    await newTab({ javaScriptEnabled: false })
    await page.goto(await link())
    await page.click('#allow')
    await page.click('#sign-in-alice')
    await page.waitForURL(`${redirectUri}?*`)
    expect(new URL(page.url()).searchParams.get('code')).toMatch(/./)
    expect(complaints).toEqual([])
  })

  test('says no, and the client is told so', async () => {
    await page.goto(await link())
    await page.click('#deny')
    await page.waitForURL(`${redirectUri}?*`)
    const { searchParams } = new URL(page.url())
    expect(Object.fromEntries(searchParams)).toMatchObject({ error: 'access_denied', iss: world.brokerUrl })
    expect(searchParams.get('state')).toMatch(/./)
    expect(complaints).toEqual([])
  })

  test('cancels at the identity provider, and the client is told so', async () => {
    await page.goto(await link())
    await page.click('#allow')
    await page.click('#sign-in-cancel')
    await page.waitForURL(`${redirectUri}?*`)
    expect(new URL(page.url()).searchParams.get('error')).toBe('access_denied')
    expect(complaints).toEqual([])
  })

  test('opens the callback a second time and is told that it is spent', async () => {
    const seen: string[] = []
    page.on('request', (request) => seen.push(request.url()))
    await page.goto(await link())
    await page.click('#allow')
    await page.click('#sign-in-alice')
    await page.waitForURL(`${redirectUri}?*`)
    const callback = seen.find((address) => address.startsWith(`${world.brokerUrl}/callback?`)) ?? ''
    await page.goto(callback)
    expect(await page.textContent('h1')).toBe('Invalid or expired state')
    expect(await photograph(page, PICTURES, '8-callback-twice')).toEqual([])
    expect(complaintsBesides(400)).toEqual([])
  })

  // Only a whole browser asks whether another program may be opened.
  describe('with a client that is an app on this computer', () => {
    beforeEach(async () => {
      await newTab({}, whole)
    })

    test('is handed to an app with a scheme of its own by a page', async () => {
      const client = await BrokerClient.register(world.brokerUrl, CURSOR.registration)
      const { url } = client.authorizeUrl({ resource: world.mcpUrl })
      await page.goto(url)
      expect(await photograph(page, PICTURES, '4-consent-cursor')).toEqual([])
      await page.click('#allow')
      // Chromium has no Cursor to open; that it tried is what can be seen.
      const opened = page.waitForEvent('requestfailed', (request) => request.url().startsWith('cursor:'))
      await page.click('#sign-in-bob')
      expect((await opened).url()).toMatch(/^cursor:\/\/anysphere\.cursor-mcp\/oauth\/callback\?code=/)
      expect(new URL(page.url()).pathname).toBe('/callback')
      expect(await photograph(page, PICTURES, '5-continue')).toEqual([])
      expect(complaints).toEqual([])
      expect(await page.getAttribute('#continue', 'href')).toMatch(/^cursor:\/\/anysphere\.cursor-mcp\/oauth\/callback\?code=/)
    })

    test('refuses an app with a scheme of its own, and the app is told so by a page', async () => {
      const client = await BrokerClient.register(world.brokerUrl, CURSOR.registration)
      await page.goto(client.authorizeUrl({ resource: world.mcpUrl }).url)
      await page.click('#deny')
      expect(await page.getAttribute('#continue', 'href')).toContain('error=access_denied')
      expect(await photograph(page, PICTURES, '6-continue-denied')).toEqual([])
      expect(complaints).toEqual([])
    })

    test('goes back after the sign-in and is asked anew, and an answer given twice counts once', async () => {
      const client = await BrokerClient.register(world.brokerUrl, CURSOR.registration)
      await page.goto(client.authorizeUrl({ resource: world.mcpUrl }).url)
      const stale = await page.content()
      await page.click('#deny')
      await page.waitForSelector('#continue')

      // Reloading the answer sends the form once more.
      await page.reload()
      expect(await page.textContent('h1')).toBe('Invalid or expired state')
      expect(await photograph(page, PICTURES, '7-answered-twice')).toEqual([])

      await page.goBack()
      expect(await page.inputValue('input[name=ticket]')).not.toBe(/name="ticket" value="([^"]+)"/.exec(stale)?.[1])
      // Chromium's question whether it may open the app hangs over this tab, unseen and unanswered, and takes every click.
      await page.evaluate(`document.querySelector('#consent').requestSubmit(document.querySelector('#allow'))`)
      await page.waitForSelector('#sign-in')
      expect(complaintsBesides(400)).toEqual([])
    })
  })

  /** Chromium reports the status of every page that is not fine; where it belongs to the story it is no complaint. */
  function complaintsBesides(status: number): readonly string[] {
    return complaints.filter((text) => !text.includes(`status of ${status}`))
  }

  async function newTab(options?: BrowserContextOptions, program = browser): Promise<void> {
    await page?.context().close()
    ;({ page, complaints } = await openTab(program, options))
  }

  async function link(): Promise<string> {
    const client = await BrokerClient.register(world.brokerUrl, { redirect_uris: [redirectUri] })
    return client.authorizeUrl({ resource: world.mcpUrl }).url
  }
})
