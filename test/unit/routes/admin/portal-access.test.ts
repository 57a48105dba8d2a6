// The portal behind Cloudflare Access: its pages open for whom Access vouches, in that person's name, and for no form from elsewhere.
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { app } from '../../../../src/app.ts'
import { sha256 } from '../../../../src/platform/crypto.ts'
import type { Outside } from '../../../../src/services.ts'
import { BASE_URL, exampleDeployment } from '../example-deployment.ts'

const TEAM = 'https://team.cloudflareaccess.com'
const ACCESS = { ACCESS_TEAM_DOMAIN: 'team', ACCESS_AUD: 'portal' }
const key = await generateKeyPair('RS256')
const foreign = await generateKeyPair('RS256')

beforeEach(() => {
  vi.stubGlobal('fetch', async (url: string) => {
    if (url !== `${TEAM}/cdn-cgi/access/certs`) return Response.json({}, { status: 404 })
    return Response.json({ keys: [{ ...(await exportJWK(key.publicKey)), kid: 'one', alg: 'RS256' }] })
  })
})
afterEach(() => {
  vi.unstubAllGlobals()
})

/** What the Directory was told to do to everybody; it knows nobody. */
const ordered: { by: string; why: string }[] = []
const blocked = new Set<string>()
const directory = Object.assign(Object.create(null), {
  named: async (subs: readonly string[]) => subs.map((sub) => ({ sub, blocked: blocked.has(sub) })),
  counts: async () => ({ people: 0, connected: 0, streams: 0 }),
  begin: async (order: { by: string; why: string; target: object }) => {
    ordered.push(order)
    return order
  },
})

/** A person’s object and the Directory as they are called, in order. */
function called() {
  const calls: string[] = []
  const [sub, identity] = ['p'.repeat(43), { issuer: 'https://idp.example', subject: '1', groups: [] }]
  const answers: Readonly<Record<string, unknown>> = {
    describe: { sub, identity, blocked: false, lastSeenAt: 1, grants: [], streams: [], requests: [] },
    carryOut: { id: 'r1', action: 'revoke', by: 'access:user-1', target: { what: 'person', sub } },
  }
  const object = new Proxy(Object.create(null), {
    get: (_, name) => async () => {
      calls.push(String(name))
      return answers[String(name)]
    },
  })
  return { calls, sub, session: () => object, directory: () => object }
}

async function ask(
  path: string,
  headers: Record<string, string>,
  form?: Record<string, string>,
  vars: object = ACCESS,
  objects: Partial<Outside> = { directory: () => directory },
) {
  const floor = app(await exampleDeployment(vars, objects))
  const init = form ? { method: 'POST', body: new URLSearchParams(form).toString() } : {}
  const type = form && { 'content-type': 'application/x-www-form-urlencoded' }
  const context = Object.assign(Object.create(null), { waitUntil: () => undefined, passThroughOnException: () => undefined })
  return await floor.request(BASE_URL + path, { ...init, headers: { accept: 'text/html', ...type, ...headers } }, {}, context)
}

async function assertion(claims: object = {}, signing = key.privateKey): Promise<Record<string, string>> {
  const iat = Math.floor(Date.now() / 1000)
  const said = { email: 'Carol@example.com', sub: 'user-1', type: 'app', iat, ...claims }
  const signed = new SignJWT(said).setProtectedHeader({ alg: 'RS256', kid: 'one' }).setIssuer(TEAM)
  return { 'cf-access-jwt-assertion': await signed.setAudience('portal').setExpirationTime('1 minute').sign(signing) }
}

const tokenOn = (html: string): string => /name="csrf" value="([^"]+)"/.exec(html)?.[1] ?? ''
const SAME_SITE = { origin: BASE_URL, 'sec-fetch-site': 'same-origin' }
const EVERYBODY = { action: 'revoke', what: 'everyone', reason: 'a drill', typed: 'everybody' }

describe('the pages', () => {
  test('open for whom Access vouches, without a cookie of ours', async () => {
    const page = await ask('/admin/connect', await assertion())
    expect([page.status, page.headers.get('set-cookie')]).toEqual([200, null])
    expect(await page.text()).toContain('<h1')
  })

  test.for<[string, object, string]>([
    ['the application in front of the broker', { IDENTITY_PROVIDER: 'access', ADMIN_EMAILS: 'access:carol@example.com' }, TEAM],
    [
      'an application of the same team',
      {
        CF_ACCESS_TEAM_DOMAIN: 'team',
        CF_ACCESS_CLIENT_ID: 'saas',
        CF_ACCESS_CLIENT_SECRET: 's',
        OAUTH_AUTHORIZE_URL: undefined,
        OAUTH_CLIENT_ID: undefined,
      },
      `${TEAM}/cdn-cgi/access/sso/oidc/saas`,
    ],
  ])('do not open for who is blocked as a person who signs in with %s', async ([, vars, issuer]) => {
    const sub = await sha256(`${issuer}\0user-1`)
    const statuses = async (): Promise<readonly number[]> => [
      (await ask('/admin/connect', await assertion(), undefined, { ...ACCESS, ...vars })).status,
      (await ask('/admin/api/session', await assertion(), undefined, { ...ACCESS, ...vars })).status,
    ]
    const before = await statuses()
    blocked.add(sub)
    expect([before[0], await statuses()]).toEqual([200, [403, 403]])
    blocked.delete(sub)
  })

  test('where a sealing key is made send whose assertion is old away from Access first', async () => {
    const objects = { directory: () => Object.assign(Object.create(null), { sealingKeys: async () => [] }) }
    const old = await assertion({ iat: Math.floor(Date.now() / 1000) - 600 })
    const late = await (await ask('/admin/sealing-key', old, undefined, ACCESS, objects)).text()
    expect(late).toContain('href="/cdn-cgi/access/logout"')
    const page = await (await ask('/admin/sealing-key', await assertion(), undefined, ACCESS, objects)).text()
    expect(page).toContain('id="key-maker"')
  })

  test('of the person themselves do not: Access says who they are there, not here', async () => {
    // Sent to sign in at the identity provider, which is not there.
    const page = await ask('/account', await assertion())
    expect(page.status).not.toBe(200)
  })

  test.for<[string, object, object, CryptoKey | undefined]>([
    ['who is not listed', { ...ACCESS, ADMIN_EMAILS: 'dave@example.com' }, {}, undefined],
    ['a program', ACCESS, { email: undefined, common_name: 'robot.access' }, undefined],
    ['who signs for themselves', ACCESS, {}, foreign.privateKey],
  ])('are closed to %s', async ([, vars, claims, signing]) => {
    const page = await ask('/admin/connect', await assertion(claims, signing), undefined, vars)
    expect(page.status).toBe(403)
  })
})

describe('somebody is revoked', () => {
  test('by three calls, and nothing is counted once the button was pressed', async () => {
    const { calls, sub, ...objects } = called()
    const page = await ask(`/admin/confirm?action=revoke&what=person&sub=${sub}`, await assertion(), undefined, ACCESS, objects)
    const csrf = tokenOn(await page.text())
    expect([page.status, calls.splice(0)]).toEqual([200, ['describe', 'person']])
    const form = { action: 'revoke', what: 'person', sub, reason: 'left the company', csrf }
    const done = await ask('/admin/confirm', { ...(await assertion()), ...SAME_SITE }, form, ACCESS, objects)
    expect([done.status, calls]).toEqual([303, ['describe', 'carryOut', 'keepReceipt']])
  })
})

describe('a form', () => {
  test('acts in the name of who Access says is there', async () => {
    ordered.length = 0
    const csrf = tokenOn(await (await ask('/admin/everyone', await assertion())).text())
    const done = await ask('/admin/confirm', { ...(await assertion()), ...SAME_SITE }, { ...EVERYBODY, csrf })
    expect([done.status, done.headers.get('location')]).toEqual([303, expect.stringMatching(/^\/admin\/receipts\//)])
    expect(ordered).toMatchObject([
      { by: 'access:user-1', byName: 'Carol@example.com', why: 'a drill', target: { what: 'everyone' } },
    ])
  })

  test.for<[string, Record<string, string>, (own: string, other: string) => string]>([
    ['a page of another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, (own) => own],
    ['a browser that does not say from where', {}, (own) => own],
    ['a page of ours, without a token', SAME_SITE, () => ''],
    ['a page of ours, with the token of another administrator', SAME_SITE, (_, other) => other],
  ])('15. that %s sends does nothing', async ([, headers, token]) => {
    ordered.length = 0
    const tokenOf = async (claims: object): Promise<string> =>
      tokenOn(await (await ask('/admin/everyone', await assertion(claims))).text())
    const csrf = token(await tokenOf({}), await tokenOf({ sub: 'user-2', email: 'dave@example.com' }))
    const answer = await ask('/admin/confirm', { ...(await assertion()), ...headers }, { ...EVERYBODY, csrf })
    expect([answer.status, ordered]).toEqual([403, []])
  })
})
