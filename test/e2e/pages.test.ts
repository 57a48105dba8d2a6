// The pages in a real browser, on a phone and on a desk, in light and in dark; pictures go to test/artifacts/.
import { createServer } from 'node:http'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { pageAsset } from '../../src/pages/assets.ts'
import { type Place, pageHeaders } from '../../src/pages/headers.ts'
import { EXAMPLES } from '../unit/pages/examples.ts'
import { OWN_EXAMPLES, PORTAL_EXAMPLES } from '../unit/pages/portal/pages.ts'
import { BROWSER_TESTS_RUN, DEVICES, examine, launchChromium, NO_CLICK_YET, openTab, picturesOf } from '../world/chromium.ts'
import { assetFolder } from '../world/asset-folder.ts'
import { fixture } from '../world/fixture.ts'

const PICTURES = picturesOf('pages')
/** Nobody feeds the portal here. */
const FEED = '/admin/live'
const PAGES: Readonly<Record<string, string>> = { ...EXAMPLES, ...OWN_EXAMPLES, ...PORTAL_EXAMPLES }

function placeOf(name: string): Place {
  if (Object.hasOwn(PORTAL_EXAMPLES, name)) return 'portal'
  if (name.startsWith('home')) return 'front'
  return Object.hasOwn(OWN_EXAMPLES, name) ? 'own' : 'sign-in'
}

describe.runIf(BROWSER_TESTS_RUN)('in Chromium', () => {
  const the = fixture(async (closing, onEnd) => {
    const server = createServer(async (request, response) => {
      const { href, pathname, searchParams } = new URL(request.url ?? '/', 'http://pages.test')
      const asset = await pageAsset(assetFolder, new Request(href))
      const html = PAGES[pathname.slice(1)]
      const place: Place = searchParams.get('place') === 'own' ? 'own' : placeOf(pathname.slice(1))
      if (asset !== undefined) response.writeHead(200, Object.fromEntries(asset.headers)).end(await asset.text())
      // An MCP client in the browser: it opens the sign-in in a popup, and the popup reports back.
      else if (pathname === '/client') response.writeHead(200, { 'Content-Type': 'text/html' }).end('<title>client</title>')
      else if (html !== undefined) response.writeHead(200, pageHeaders(place)).end(html)
      // What a region of the portal asks for after a while stays open: the page is read as it was drawn.
      else if (request.headers['sec-fetch-dest'] !== 'empty') response.writeHead(404).end()
    })
    onEnd(() => server.close())
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the server of the pages has no port')
    const origin = `http://127.0.0.1:${address.port}`
    const browser = await closing(launchChromium())
    return { browser, origin }
  })

  async function open(
    name: string,
    options: BrowserContextOptions,
    program = the.browser,
  ): Promise<{ page: Page; complaints: string[] }> {
    const tab = await openTab(program, options)
    await tab.page.goto(`${the.origin}/${name}`)
    return tab
  }

  // Several at once: one is read while another one is drawn. A tab that is done shows the next page.
  describe.concurrent('on a phone and on a desk, in light and in dark', () => {
    const idle: Awaited<ReturnType<typeof openTab>>[] = []
    it.for(Object.keys(PAGES))('%s can be read, fits, and runs nothing', async (name) => {
      const tab = idle.pop() ?? (await openTab(the.browser))
      await tab.page.goto(`${the.origin}/${name}`)
      expect(await examine(tab.page, PICTURES, name)).toEqual([])
      const complaints = tab.complaints.splice(0)
      expect(complaints.filter((text) => !text.includes(NO_CLICK_YET) && !text.includes(FEED))).toEqual([])
      idle.push(tab)
    })
  })

  describe('returning to an app with a scheme of its own', () => {
    it('needs a click where the person has made none, and the button is that click', async () => {
      const whole = await launchChromium({ isWhole: true })
      // The first page of a browser that wants to open a program is let; what counts is that the button works for those after it.
      await open('continue', {}, whole)
      const { page, complaints } = await open('continue', {}, whole)
      await expect.poll(() => complaints).toEqual([expect.stringContaining(NO_CLICK_YET)])

      const launched = page.waitForEvent('requestfailed')
      await page.click('#continue')
      expect((await launched).url()).toMatch(/^cursor:/)
      expect(complaints).toHaveLength(1)
      await whole.close()
    })
  })

  describe('without JavaScript', () => {
    it('the decision is posted with its ticket', async () => {
      const { page } = await open('consent-cursor', { javaScriptEnabled: false })
      const posted = page.waitForRequest((request) => request.method() === 'POST')
      await page.click('#allow')

      const request = await posted
      expect(new URL(request.url()).pathname).toBe('/authorize')
      expect(request.postData()).toBe('ticket=eyJhbGciOiJkaXIifQ.ticket&decision=allow')
      await page.context().close()
    })

    it('opening the set-up of one client closes the other', async () => {
      const { page } = await open('home', { javaScriptEnabled: false })
      await page.click('text=VS Code')
      expect(await page.locator('details[open] > summary > span:first-child').allTextContents()).toEqual(['VS Code'])
      await page.context().close()
    })
  })

  describe('with the keyboard', () => {
    it('nothing is focused at first, Deny comes before Allow, and focus can be seen', async () => {
      const { page } = await open('consent-cursor', { viewport: DEVICES.phone })
      const focused = () => page.evaluate<string>('document.activeElement.id || document.activeElement.tagName')
      expect(await focused()).toBe('BODY')

      const order: string[] = []
      for (let presses = 0; presses < 8; presses++) {
        await page.keyboard.press('Tab')
        order.push(await focused())
      }
      expect(order.filter((id) => ['allow', 'deny'].includes(id))).toEqual(['deny', 'allow'])

      await page.focus('#allow')
      await page.keyboard.press('Shift+Tab')
      await page.screenshot({ path: `${PICTURES}/consent-focus.png` })
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineWidth')).toBe('3px')
      await page.context().close()
    })
  })

  // The popup passes through another origin, then comes home; what counts is whether it still has its opener.
  async function openerAfter(path: string): Promise<boolean> {
    const { page } = await open('client', {})
    const elsewhere = the.origin.replace('127.0.0.1', 'localhost')
    const [popup] = await Promise.all([
      page.waitForEvent('popup'),
      page.evaluate(`void window.open(${JSON.stringify(`${elsewhere}${path}`)})`),
    ])
    await popup.waitForURL(`${elsewhere}${path}`)
    // As a redirect would; a navigation from the address bar loses the opener in any case.
    await popup.evaluate(`location.assign(${JSON.stringify(`${the.origin}/client`)})`)
    await popup.waitForURL(`${the.origin}/client`)
    const kept = await popup.evaluate<boolean>('window.opener !== null')
    await page.context().close()
    return kept
  }

  describe('a client that opened the sign-in in a popup', () => {
    it('hears from it after the consent page', async () => {
      expect(await openerAfter('/consent-claude')).toBe(true)
    })

    it('would never hear from it after a page of our own', async () => {
      expect(await openerAfter('/home?place=own')).toBe(false)
    })
  })
})
