// A real Chromium for tests: started if there is one, listened to for complaints, and asked whether a page can be read and used.
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { ROOT } from './bundle.ts'

/** Where browsers that speak Chromium's protocol usually are, on Linux, macOS and Windows. */
const USUAL_PLACES: readonly string[] = [
  ...['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'].map((name) => `/usr/bin/${name}`),
  '/snap/bin/chromium',
  ...['Chromium', 'Google Chrome', 'Microsoft Edge'].map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`),
  ...['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap((variable) => {
    const folder = process.env[variable]
    if (folder === undefined) return []
    return ['Google/Chrome/Application/chrome.exe', 'Microsoft/Edge/Application/msedge.exe'].map((program) =>
      join(folder, program),
    )
  }),
]

export const CHROMIUM_PATH = [process.env['CHROMIUM_PATH'] ?? USUAL_PLACES].flat().find((path) => existsSync(path))
/** Where a system has it: the same engine without the rest of a browser, which takes half the time. */
const HEADLESS_SHELL = '/usr/lib/chromium/chromium-headless-shell'
const MISSING = 'no Chromium in the usual places: install it, or name it in CHROMIUM_PATH'

/** False where a person has no Chromium: tests that need it are skipped then. In CI they are not, and fail. */
export const BROWSER_TESTS_RUN = CHROMIUM_PATH !== undefined || Boolean(process.env['CI'])
if (!BROWSER_TESTS_RUN) console.warn(`Tests in a real browser are skipped: ${MISSING}.`)

/** What Chromium says when a page opens another program and nobody has clicked. */
export const NO_CLICK_YET = 'because a user gesture is required'

export const DEVICES = { phone: { width: 360, height: 780 }, desk: { width: 1440, height: 900 } } as const
const SCHEMES = ['light', 'dark'] as const

/** `isWhole`: with what a browser does besides showing pages, such as asking whether another program may be opened. */
export async function launchChromium({ isWhole = false } = {}): Promise<Browser> {
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--no-first-run',
  ]
  if (CHROMIUM_PATH === undefined) throw new Error(MISSING)
  const isEnough = !isWhole && process.env['CHROMIUM_PATH'] === undefined && existsSync(HEADLESS_SHELL)
  return await chromium.launch({ executablePath: isEnough ? HEADLESS_SHELL : CHROMIUM_PATH, args })
}

/** A page with cookies of its own; everything Chromium has to say about it is kept. */
export async function openTab(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  return { page, complaints }
}

/** Where pictures of a test go, for people to look at. */
export function picturesOf(test: string): string {
  const folder = join(ROOT, 'test/artifacts', test)
  mkdirSync(folder, { recursive: true })
  return folder
}

/**
 * Looks at the page on every device in every scheme, and answers what is wrong with it on any of them: contrast, width and targets.
 * Pictures are for people, and not taken in CI. Whether every kind of page keeps people out is asked once, by `examine`, of the
 * examples in `pages.test.ts`: axe takes four times as long as the rest.
 */
export async function photograph(page: Page, folder: string, name: string): Promise<readonly string[]> {
  return await lookAt(page, folder, name, async () => [])
}

/** The same, and axe: all it knows on the phone in light, and on the desk in dark all but contrast, which is measured on all four. */
export async function examine(page: Page, folder: string, name: string): Promise<readonly string[]> {
  return await lookAt(page, folder, name, async (device, scheme) => {
    if ((device === 'phone') !== (scheme === 'light')) return []
    return await barriersOf(page, { contrast: device === 'phone' })
  })
}

async function lookAt(
  page: Page,
  folder: string,
  name: string,
  moreOf: (device: string, scheme: string) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const wrong: string[] = []
  for (const [device, viewport] of Object.entries(DEVICES)) {
    await page.setViewportSize(viewport)
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme })
      const path = join(folder, `${name}-${device}-${colorScheme}.png`)
      if (!process.env['CI']) await page.screenshot({ path, fullPage: true })
      const flaws = [...(await moreOf(device, colorScheme)), ...(await flawsOf(page))]
      wrong.push(...flaws.map((flaw) => `${name} on a ${device} in ${colorScheme}: ${flaw}`))
    }
  }
  return wrong
}

async function flawsOf(page: Page): Promise<readonly string[]> {
  const [overflow, faint, small] = await Promise.all(
    [OVERFLOW, FAINT_TEXTS, SMALL_TARGETS].map((look) => page.evaluate<string[]>(look)),
  )
  return [
    ...(overflow ?? []).map((width) => `it is ${width} px too wide`),
    ...(faint ?? []).map((text) => `too faint: ${text}`),
    ...(small ?? []).map((text) => `too small to press: ${text}`),
  ]
}

const require = createRequire(import.meta.url)
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds that would keep people from reading or using the page: serious and critical, by the WCAG rules it knows. */
export async function barriersOf(page: Page, { contrast = true } = {}): Promise<readonly string[]> {
  const options = JSON.stringify({ resultTypes: ['violations'], rules: { 'color-contrast': { enabled: contrast } } })
  if (!(await page.evaluate<boolean>('"axe" in window'))) await page.evaluate(AXE)
  return await page.evaluate<string[]>(`axe.run(${options}).then(({ violations }) => violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => 'axe ' + id + ': ' + help + ' (' + nodes.map(({ html }) => html.slice(0, 120)).join(' ') + ')'))`)
}

const OVERFLOW = `[document.documentElement.scrollWidth - innerWidth].filter((width) => width > 0)`

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
