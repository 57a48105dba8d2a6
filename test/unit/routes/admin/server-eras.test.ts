// What administrators are shown of the revision each MCP server speaks: as it is set, or as the server says, with the time it was asked.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ServerEras } from '../../../../src/routes/admin/server-eras.ts'
import { PORTAL_EXAMPLES } from '../../pages/portal/pages.ts'
import { exampleDeployment } from '../example-deployment.ts'

const url = (name: string): string => `https://${name}.example.com/mcp`
const LISTED = [
  { name: 'modern', url: url('modern') },
  { name: 'old', url: url('old'), auth: 'static', headers: { 'X-Key': 'secret' } },
  { name: 'signs-in', url: url('signs-in') },
  { name: 'away', url: url('away') },
  { name: 'set', url: url('set'), era: 'modern' },
  { name: 'sse', url: 'https://sse.example.com/sse', transport: 'http-sse' },
]

/** Whom, and with which secret. */
const asked: string[] = []

beforeEach(() => {
  asked.length = 0
  vi.stubGlobal('fetch', async (to: string | URL, init: RequestInit) => {
    const { hostname } = new URL(to)
    asked.push(`${hostname} ${new Headers(init.headers).get('x-key')}`)
    if (hostname.startsWith('modern'))
      return Response.json({ jsonrpc: '2.0', id: 'broker-discover', result: { supportedVersions: ['2026-07-28'] } })
    if (hostname.startsWith('old')) return Response.json({ jsonrpc: '2.0', error: { code: -32_000 }, id: null }, { status: 400 })
    if (hostname.startsWith('signs-in')) return new Response(null, { status: 401 })
    throw new TypeError('fetch failed')
  })
})
afterEach(() => void vi.unstubAllGlobals())

test('each server is asked in nobody’s name, at most once a minute, and not at all where it is set', async () => {
  const { settings } = await exampleDeployment({ DOWNSTREAM_MCP_URL: undefined, DOWNSTREAMS: JSON.stringify(LISTED) })
  let now = 1_000
  const eras = new ServerEras(() => now)
  const shown = async () => [...(await eras.of(settings.downstreams)).values()].map(({ era, askedAt }) => [era, askedAt])
  const expected = [
    ['modern', 1_000],
    ['legacy', 1_000],
    [undefined, 1_000],
    [undefined, 1_000],
    ['modern', undefined],
    ['legacy', undefined],
  ]
  expect(await shown()).toEqual(expected)
  expect(asked.toSorted()).toEqual([
    'away.example.com null',
    'modern.example.com null',
    'old.example.com secret',
    'signs-in.example.com null',
  ])
  now += 59
  expect(await shown()).toEqual(expected)
  expect(asked).toHaveLength(4)
  now += 1
  expect((await shown())[0]).toEqual(['modern', 1_060])
})

test('the page says it in words', () => {
  const page = (PORTAL_EXAMPLES['connect'] ?? '').replaceAll(/<[^>]+>/g, '')
  expect(page).toContain('The server speaks MCP 2026-07-28, as the settings say.')
  expect(page).toContain('The server speaks the revisions of MCP up to 2025-11-25, asked 1 min ago.')
})
