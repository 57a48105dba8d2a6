// Attacks 14 to 16 on the pages people sign in to: forms from elsewhere, links that should act, frames, and names that are scripts.
import { get } from 'node:http'
import { describe, expect, test, vi } from 'vitest'
import { pagesCookie } from '../../world/administrator.ts'
import { BrokerClient, statusWith } from '../../world/broker-client.ts'
import { fixture } from '../../world/fixture.ts'
import { formsOf } from '../../world/html-forms.ts'
import { startWorld } from '../../world/world.ts'

const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(1)>`

const world = fixture((closing) => closing(startWorld()))
const the = fixture(async () => {
  const client = await BrokerClient.register(world.brokerUrl, { client_name: HOSTILE })
  const { accessToken } = await client.signIn('alice')
  const carol = await pagesCookie(world.brokerUrl, 'carol')
  const cookie = await pagesCookie(world.brokerUrl, 'alice')
  const [, sub = ''] = /data-person="([\w-]{43})"/.exec(await (await open('/account', cookie)).text()) ?? []
  const alice = { sub, accessToken, cookie }
  // The index is a moment behind.
  await vi.waitUntil(async () => (await (await open(`/admin/events?sub=${sub}`, carol)).text()).includes('data-event'), {
    timeout: 10_000,
    interval: 100,
  })
  return { carol, alice }
})

describe('14. a decision that is not the person’s own:', () => {
  const good = { 'sec-fetch-site': 'same-origin' }

  test.for<[string, Record<string, string>, Record<string, string | undefined>]>([
    ['without the token of the session', good, { csrf: undefined }],
    ['with an empty one', good, { csrf: '' }],
    ['with an invented one', good, { csrf: 'AAAAAAAAAAAAAAAAAAAAAA' }],
    ['from a page of another site', { 'sec-fetch-site': 'cross-site' }, {}],
    ['from another origin of the same site', { 'sec-fetch-site': 'same-site' }, {}],
    ['that says it is from another origin', { ...good, origin: 'https://evil.example' }, {}],
    ['that does not say where it is from', { ...good, origin: 'null' }, {}],
  ])('a form %s does nothing', async ([, headers, fields]) => {
    for (const [path, cookie, form] of await dangerousForms()) {
      const answer = await post(path, cookie, { ...form, reason: 'evil', ...fields }, headers)
      expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining('access_denied')])
    }
    expect(await statusWith(world.mcpUrl, the.alice.accessToken)).toBe(200)
  })

  test('the token of one session is worth nothing in another', async () => {
    const [first] = await dangerousForms()
    const theirs = formsOf(await (await open('/account', the.alice.cookie)).text(), world.brokerUrl)[0]
    const csrf = theirs?.fields.find(([name]) => name === 'csrf')?.[1] ?? ''
    const [path = '', , form = {}] = first ?? []
    expect((await post(path, the.carol, { ...form, reason: 'evil', csrf }, good)).status).toBe(403)
  })

  test('who is no administrator can not use the forms of the portal with their own session', async () => {
    const [{ fields } = { fields: [] }] = formsOf(await (await open('/account', the.alice.cookie)).text(), world.brokerUrl)
    const csrf = Object.fromEntries(fields)['csrf'] ?? ''
    const forms = [
      ['/admin/confirm', { action: 'revoke', what: 'person', sub: the.alice.sub, reason: 'evil', csrf }],
      ['/admin/machines', { name: 'evil', owner: 'evil', reason: 'evil', admin: 'yes', days: '7', csrf }],
    ] as const
    for (const [path, form] of forms) expect((await post(path, the.alice.cookie, form, good)).status).toBe(403)
  })

  test('nobody can disconnect what is somebody else’s', async () => {
    const bob = await pagesCookie(world.brokerUrl, 'bob')
    const [{ fields } = { fields: [] }] = formsOf(await (await open('/account', bob)).text(), world.brokerUrl)
    const csrf = Object.fromEntries(fields)['csrf'] ?? ''
    const [grant = ''] = /(?<=data-grant-id=")[^"]+/.exec(await (await open('/account', the.alice.cookie)).text()) ?? []
    await post('/account/disconnect', bob, { what: 'grant', id: grant, sub: the.alice.sub, csrf }, good)
    expect(await statusWith(world.mcpUrl, the.alice.accessToken)).toBe(200)
  })
})

describe('15. a link that should act by itself:', () => {
  test('only shows what would happen, wherever it comes from', async () => {
    for (const query of [
      `action=revoke&what=person&sub=${the.alice.sub}&reason=evil`,
      `action=block&what=person&sub=${the.alice.sub}&reason=evil`,
    ]) {
      const answer = await open(`/admin/confirm?${query}`, the.carol, { 'sec-fetch-site': 'cross-site' })
      const page = await answer.text()
      expect([answer.status, page.includes('id="effects"'), page.includes('evil')]).toEqual([200, true, false])
    }
    expect(await statusWith(world.mcpUrl, the.alice.accessToken)).toBe(200)
  })

  test.for([
    '',
    '?action=revoke',
    '?action=block&what=everyone',
    '?action=revoke&what=person&sub=../x',
    '?action=unblock&what=grant&id=1',
  ])('says nothing it does not understand: %s', async (query) => {
    expect((await open(`/admin/confirm${query}`, the.carol)).status).toBe(400)
  })

  test.for<[string, () => Record<string, string>]>([
    ['without a cookie', () => ({ origin: world.brokerUrl })],
    ['with the cookie of who is no administrator', () => ({ origin: world.brokerUrl, cookie: the.alice.cookie })],
    ['from a page of another site', () => ({ origin: 'https://evil.example', cookie: the.carol })],
    ['without an origin', () => ({ cookie: the.carol })],
  ])('the live feed is not opened %s', async ([, headers]) => {
    expect(await upgraded(headers())).toBe(403)
  })

  test('the live feed is opened to an administrator’s own page', async () => {
    expect(await upgraded({ origin: world.brokerUrl, cookie: the.carol })).toBe(101)
  })
})

describe('16. clickjacking and script injection:', () => {
  const own = ['/account']
  const portal = ['', '/overview', '/people', '/clients', '/events', '/receipts', '/machines', '/connect', '/everyone']

  test('a client whose name is a script is a client with a strange name, on every page', async () => {
    const paths = [
      ...own,
      ...portal.map((path) => `/admin${path}`),
      `/admin/people/${the.alice.sub}`,
      `/admin/people/${the.alice.sub}/streams`,
    ]
    let shown = 0
    for (const path of paths) {
      const page = await (await open(path, path === '/account' ? the.alice.cookie : the.carol)).text()
      expect(page.replaceAll(/<script type="module" src="\/assets\/\w+\.js"><\/script>/g, '')).not.toMatch(/<script|<img/i)
      expect(page).not.toMatch(/<[^>"]*(?:"[^"]*"[^>"]*)*\son\w+\s*=/i)
      if (page.includes('&lt;script&gt;')) shown += 1
    }
    expect(shown).toBeGreaterThanOrEqual(6)
  })

  test.for(['search', 'type', 'client', 'after', 'before', 'sub'])('nor does %s of a link get into the page', async (name) => {
    for (const path of ['/admin/people', '/admin/clients', '/admin/events', '/admin/receipts', '/admin/machines']) {
      const page = await (await open(`${path}?${new URLSearchParams({ [name]: HOSTILE }).toString()}`, the.carol)).text()
      expect(page).not.toMatch(/<script>|<img/i)
    }
  })

  test.for([...own, ...portal.map((path) => `/admin${path}`)])(
    '%s is framed by nobody, and runs nothing but our script',
    async (path) => {
      const { headers } = await open(path, the.carol)
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toContain('unsafe')
      expect(/script-src ([^;]*)/.exec(policy)?.[1]).toBe(path === '/account' ? undefined : "'self'")
      expect(headers.get('x-frame-options')).toBe('DENY')
      expect(headers.get('cache-control')).toBe('no-store')
    },
  )
})

async function open(path: string, cookie: string, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(world.brokerUrl + path, { headers: { cookie, ...headers }, redirect: 'manual' })
}

type Posted = readonly [path: string, cookie: string, fields: Readonly<Record<string, string>>]

/** Every form that ends something of Alice, as it would be sent from its own page. */
async function dangerousForms(): Promise<readonly Posted[]> {
  const target = `what=person&sub=${the.alice.sub}`
  const pages = [
    [`/admin/confirm?action=revoke&${target}`, the.carol],
    [`/admin/confirm?action=block&${target}`, the.carol],
    ['/admin/everyone', the.carol],
    ['/admin/machines', the.carol],
    ['/account', the.alice.cookie],
  ] as const
  const forms = await Promise.all(
    pages.map(async ([path, cookie]) => {
      const found = formsOf(await (await open(path, cookie)).text(), world.brokerUrl + path)
      return found
        .filter(({ method }) => method === 'POST')
        .map((form): Posted => [
          new URL(form.action).pathname,
          cookie,
          { ...Object.fromEntries(form.fields), typed: 'everybody' },
        ])
    }),
  )
  return forms.flat()
}

async function post(
  path: string,
  cookie: string,
  fields: Readonly<Record<string, string | undefined>>,
  headers: Record<string, string>,
): Promise<Response> {
  const given = Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  return await fetch(world.brokerUrl + path, {
    method: 'POST',
    headers: { cookie, origin: world.brokerUrl, ...headers },
    body: new URLSearchParams(given),
    redirect: 'manual',
  })
}

/** The status an upgrade to the live feed is answered with. */
async function upgraded(headers: Record<string, string>): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  const asked = get(`${world.brokerUrl}/admin/live`, {
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': Buffer.alloc(16).toString('base64'),
      ...headers,
    },
  })
  asked.on('upgrade', (response, socket) => {
    socket.destroy()
    resolve(response.statusCode)
  })
  asked.on('response', (response) => {
    response.resume()
    resolve(response.statusCode)
  })
  asked.on('error', reject)
  return await promise
}
