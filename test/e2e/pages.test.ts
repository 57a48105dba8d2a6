// The pages in a real browser, on a phone and on a desk, in light and in dark; pictures go to test/artifacts/.
import { mkdirSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PAGE_ASSETS } from '../../src/pages/assets.ts'
import { type Place, pageHeaders } from '../../src/pages/headers.ts'
import { EXAMPLES } from '../unit/pages/examples.ts'

const ARTIFACTS = new URL('../artifacts/pages/', import.meta.url).pathname
const PHONE = { width: 360, height: 780 }
const DESK = { width: 1440, height: 900 }

// What Chromium says when a page opens another program and nobody has clicked.
const NO_CLICK_YET = 'because a user gesture is required'

let browser: Browser
let server: Server
let origin = ''

beforeAll(async () => {
  mkdirSync(ARTIFACTS, { recursive: true })
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://pages.test')
    const asset = PAGE_ASSETS.find(({ path }) => path === pathname)
    if (asset !== undefined) return response.writeHead(200, asset.headers).end(asset.body)
    // An MCP client in the browser: it opens the sign-in in a popup, and the popup reports back.
    if (pathname === '/client') return response.writeHead(200, { 'Content-Type': 'text/html' }).end('<title>client</title>')
    const html = EXAMPLES[pathname.slice(1)]
    const place: Place = searchParams.get('place') === 'own' ? 'own' : 'sign-in'
    if (html !== undefined) return response.writeHead(200, pageHeaders(place)).end(html)
    return response.writeHead(404).end()
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server of the pages has no port')
  origin = `http://127.0.0.1:${address.port}`
  browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--no-first-run'],
  })
})

afterAll(async () => {
  await browser?.close()
  server?.close()
})

async function open(name: string, options: BrowserContextOptions): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  await page.goto(`${origin}/${name}`)
  return { page, complaints }
}

// WCAG 2.2, 1.4.3: the contrast of every text against the nearest painted background; 4.5, or 3 where it is large.
const FAINT_TEXTS = `(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number)
  const luminance = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0)
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = channels(getComputedStyle(e).backgroundColor)
      if (colour.length === 3 || colour[3] === 1) return colour
    }
    return [255, 255, 255]
  }
  const faint = []
  for (const element of document.querySelectorAll('body *')) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '')) continue
    const style = getComputedStyle(element)
    const [high, low] = [luminance(channels(style.color)), luminance(ground(element))].sort((a, b) => b - a)
    const large = parseFloat(style.fontSize) >= 24
    const ratio = (high + 0.05) / (low + 0.05)
    if (ratio < (large ? 3 : 4.5)) faint.push(element.className + ' ' + ratio.toFixed(2))
  }
  return faint
})()`

// WCAG 2.2, 2.5.8: what can be pressed is at least 24 px high.
const SMALL_TARGETS = `[...document.querySelectorAll('button, summary, .button, .nav a')]
  .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 24).map((e) => e.textContent)`

describe.for([
  ['phone', PHONE],
  ['desk', DESK],
] as const)('on a %s', ([device, viewport]) => {
  describe.for(['light', 'dark'] as const)('in %s', (colorScheme) => {
    it.for(Object.keys(EXAMPLES))('%s can be read, fits, and runs nothing', async (name) => {
      const { page, complaints } = await open(name, { viewport, colorScheme })
      await page.screenshot({ path: `${ARTIFACTS}${name}-${device}-${colorScheme}.png`, fullPage: true })

      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(viewport.width)
      expect(await page.evaluate(FAINT_TEXTS)).toEqual([])
      expect(await page.evaluate(SMALL_TARGETS)).toEqual([])
      expect(complaints.filter((text) => !text.includes(NO_CLICK_YET))).toEqual([])
      await page.context().close()
    })
  })
})

describe('returning to an app with a scheme of its own', () => {
  it('needs a click where the person has made none, and the button is that click', async () => {
    const { page, complaints } = await open('continue', {})
    await expect.poll(() => complaints).toEqual([expect.stringContaining(NO_CLICK_YET)])

    const launched = page.waitForEvent('requestfailed')
    await page.click('#continue')
    expect((await launched).url()).toMatch(/^cursor:/)
    expect(complaints).toHaveLength(1)
    await page.context().close()
  })
})

describe('without JavaScript', () => {
  it('the decision is posted with its ticket', async () => {
    const { page } = await open('consent-cursor', { javaScriptEnabled: false })
    const posted = page.waitForRequest((request) => request.method() === 'POST')
    await page.click('#allow')

    const request = await posted
    expect(new URL(request.url()).pathname).toBe('/authorize')
    expect(request.postData()).toBe('ticket=eyJhbGciOiJkaXIifQ.ticket&csrf=a-csrf-token&decision=allow')
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
    const { page } = await open('consent-cursor', { viewport: PHONE })
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
    await page.screenshot({ path: `${ARTIFACTS}consent-focus.png` })
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineWidth')).toBe('3px')
    await page.context().close()
  })
})

// The popup passes through another origin, then comes home; what counts is whether it still has its opener.
async function openerAfter(path: string): Promise<boolean> {
  const { page } = await open('client', {})
  const elsewhere = origin.replace('127.0.0.1', 'localhost')
  const [popup] = await Promise.all([
    page.waitForEvent('popup'),
    page.evaluate(`void window.open(${JSON.stringify(`${elsewhere}${path}`)})`),
  ])
  await popup.waitForURL(`${elsewhere}${path}`)
  // As a redirect would; a navigation from the address bar loses the opener in any case.
  await popup.evaluate(`location.assign(${JSON.stringify(`${origin}/client`)})`)
  await popup.waitForURL(`${origin}/client`)
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
