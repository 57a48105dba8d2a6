// How people come to the portal and the account page in a real browser, decide something there, and are photographed.
import type { Browser, Page } from 'playwright-core'
import { openTab, photograph } from './chromium.ts'
import type { PersonKey } from './people.ts'

/** For what is looked at every two seconds. */
export const LONG_ENOUGH = { timeout: 10_000 } as const

interface Visit {
  readonly page: Page
  readonly complaints: readonly string[]
}

export async function openAs(person: PersonKey, browser: Browser, url: string, javaScriptEnabled = true): Promise<Visit> {
  const tab = await openTab(browser, { javaScriptEnabled })
  await tab.page.goto(url)
  await tab.page.click(`button[value=${person}]`)
  await tab.page.waitForURL(url)
  return tab
}

/** On the page that says what would happen: does it, and waits for the receipt. */
export async function decide(page: Page, reason: string): Promise<void> {
  await page.fill('#reason', reason)
  await page.click('#do')
  await page.waitForURL(/\/admin\/receipts\//)
}

/** What is wrong with the page; without a script only its picture is taken, for what looks at it is one. */
export async function pictured(page: Page, folder: string, name: string, hasScript: boolean): Promise<readonly string[]> {
  if (hasScript) return await photograph(page, folder, name)
  await page.screenshot({ path: `${folder}/${name}-no-script.png`, fullPage: true })
  return []
}

/** The kinds of the security events on the page about them. */
export async function eventsIn(page: Page, brokerUrl: string): Promise<readonly (string | null)[]> {
  await page.goto(`${brokerUrl}/admin/events`)
  const rows = await page.locator('tr[data-type]').all()
  return await Promise.all(rows.map(async (row) => await row.getAttribute('data-type')))
}
