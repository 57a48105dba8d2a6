import { Hono } from 'hono'
import { expect, test } from 'vitest'
import {
  isAllowedOrigin,
  isFromOurPage,
  isFromOurPageOrTyped,
  isSocketOfOurPage,
  isSurelyFromOurPage,
} from '../../../src/routes/request-source.ts'

const OURS = 'https://mcp.example.com'
const LISTED: ReadonlySet<string> = new Set([OURS, 'https://app.example'])

async function opened(origin: string | undefined, site: string | undefined): Promise<string> {
  const doors = new Hono().get('/', (c) => {
    const open = {
      form: isFromOurPage(c, OURS),
      'form with a foreign cookie': isSurelyFromOurPage(c, OURS),
      'admin API': isFromOurPageOrTyped(c, OURS),
      socket: isSocketOfOurPage(c, OURS),
      MCP: isAllowedOrigin(c, LISTED),
    }
    return c.text(
      Object.entries(open)
        .flatMap(([door, isOpen]) => (isOpen ? [door] : []))
        .join(', '),
    )
  })
  const headers = { ...(origin !== undefined && { origin }), ...(site !== undefined && { 'sec-fetch-site': site }) }
  return await (await doors.request('/', { headers })).text()
}

test.for<[string, string | undefined, string | undefined, string]>([
  ['one of our pages', OURS, 'same-origin', 'form, form with a foreign cookie, admin API, socket, MCP'],
  [
    'one of our pages, in a browser that sends no Origin with it',
    undefined,
    'same-origin',
    'form, form with a foreign cookie, admin API, MCP',
  ],
  ['a program, or an old browser', undefined, undefined, 'form, admin API, MCP'],
  ['the address bar', undefined, 'none', 'admin API, MCP'],
  ['a page of another site', 'https://evil.example', 'cross-site', ''],
  ['a page of another site that hides its origin', 'null', 'cross-site', ''],
  ['another host of our site', 'https://other.example.com', 'same-site', ''],
  ['an application that the operator lists', 'https://app.example', 'cross-site', 'MCP'],
  ['a program on the person’s computer', 'http://127.0.0.1:6274', 'cross-site', 'MCP'],
])('%s gets through the doors that are meant for it', async ([, origin, site, doors]) => {
  expect(await opened(origin, site)).toBe(doors)
})
