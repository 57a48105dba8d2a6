// Signing in where there is a choice: who is asked, where each provider answers, and that no answer of one is taken for another's.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { app } from '../../../src/app.ts'
import { unsealed } from '../../../src/oauth/tokens/browser-state.ts'
import { foundation, wired } from '../../../src/services.ts'
import { AUDIENCE, startAccessApplication } from '../identity/dialects/access-application.ts'
import { startGithub, type GithubWorld } from '../identity/dialects/github.ts'
import { startGoogle, type GoogleWorld } from '../identity/dialects/google.ts'
import { assetFolder } from '../../world/asset-folder.ts'
import { fixture } from '../../world/fixture.ts'

const BASE_URL = 'https://mcp.example.com'
const SECRET = 'a secret of the tests'

beforeAll(() => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(console, level).mockReturnValue()
})
const the = fixture(async (closing) => {
  const [google, github, access] = await Promise.all([
    closing(startGoogle()),
    closing(startGithub('OAuth App')),
    closing(startAccessApplication()),
  ])
  return { google, github, access }
})
afterAll(() => void vi.restoreAllMocks())

const now = (): number => Math.floor(Date.now() / 1000)

function askedFor({ server }: GoogleWorld | GithubWorld, path: string): number {
  return server.asked.filter((asked) => asked === path).length
}

/** The Directory of a deployment that has never heard of anybody. */
const directory = Object.assign(Object.create(null), { pagesEnded: async () => ({ at: 0, except: '' }) })

/** One browser at a broker with all three of them: what it is told to keep, it brings along. */
async function browser(vars: object = {}) {
  const providers = [
    { name: 'google', kind: 'google', url: the.google.alice.issuer, client_id: 'broker', client_secret: '$GOOGLE_SECRET' },
    { name: 'github', kind: 'github', url: the.github.alice.issuer, client_id: 'broker', client_secret: '$GITHUB_SECRET' },
    { name: 'staff', title: 'Staff', kind: 'access-application', url: the.access.alice.issuer, audience: AUDIENCE },
  ]
  const base = await foundation({
    BASE_URL,
    DOWNSTREAM_MCP_URL: 'https://tools.example.com/mcp',
    IDENTITY_PROVIDERS: JSON.stringify(providers),
    GOOGLE_SECRET: SECRET,
    GITHUB_SECRET: SECRET,
    ENCRYPTION_KEY: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
    ...vars,
  })
  let met: object | undefined
  const person = Object.assign(Object.create(null), { visit: async (identity: object) => void (met = identity) })
  const floor = app(wired(base, { session: () => person, directory: () => directory, assets: assetFolder, now }))
  const cookies = new Map<string, string>()
  const get = async (path: string, headers: Record<string, string> = {}): Promise<Response> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await floor.request(new URL(path, BASE_URL).href, {
      headers: { ...headers, ...(cookie !== '' && { cookie }) },
    })
    for (const line of answer.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=')
      cookies.set(name, value)
    }
    return answer
  }
  const begin = async (name: string): Promise<URL> => {
    const answer = await get(`/account?sign_in_with=${name}`)
    return new URL(answer.headers.get('location') ?? '')
  }
  /** Whom the cookie names, and who that is as their object was told. */
  const visitor = async (): Promise<unknown> => {
    const cookie = await unsealed(base.keys, 'pages+jwe', cookies.get('__Host-mcp_pages') ?? '', now())
    return typeof cookie === 'object' ? { ...cookie, identity: met } : undefined
  }
  return { get, begin, visitor }
}

const pathAndQuery = ({ pathname, search }: URL): string => pathname + search

describe('where there are several providers', () => {
  test('a person who opens a page chooses, every time, without a script', async () => {
    const { get } = await browser()

    for (let time = 0; time < 2; time += 1) {
      const answer = await get('/account?receipt=r_1')
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
      const page = await answer.text()
      expect([...page.matchAll(/href="(\/account[^"]*)"/g)].map(([, href]) => href)).toEqual([
        '/account?receipt=r_1&amp;sign_in_with=google',
        '/account?receipt=r_1&amp;sign_in_with=github',
        '/account?receipt=r_1&amp;sign_in_with=staff',
      ])
      expect(page).not.toContain('<script')
    }
  })

  test('who names one that is not there chooses again', async () => {
    const { get } = await browser()

    expect(await (await get('/account?sign_in_with=evil')).text()).toContain('Choose where you have your account')
  })

  test.for(['google', 'github'])('%s answers at an address of its own, and the page opens for which it was', async (name) => {
    const { get, visitor } = await browser()
    const world = name === 'google' ? the.google : the.github
    const sentTo = new URL((await get(`/admin/people?search=a&sign_in_with=${name}`)).headers.get('location') ?? '')

    const answered = await world.signInAs('alice', sentTo)

    expect(answered.pathname).toBe(`/callback/${name}`)
    const answer = await get(pathAndQuery(answered))
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/admin/people?search=a'])
    // Organisations are groups only where the settings list them.
    const groups = name === 'google' ? world.alice.groups : []
    expect(await visitor()).toMatchObject({ identity: { ...world.alice, groups } })
  })

  test('attack 60: the same e-mail address at two providers is two people', async () => {
    const subjects: unknown[] = []
    for (const [name, world] of [
      ['google', the.google],
      ['github', the.github],
    ] as const) {
      const { get, begin, visitor } = await browser()
      await get(pathAndQuery(await world.signInAs('alice', await begin(name))))
      subjects.push(await visitor())
    }

    const [one, other] = subjects
    expect([one, other]).toMatchObject([
      { identity: { email: 'alice@example.com' } },
      { identity: { email: 'alice@example.com' } },
    ])
    expect(one).not.toMatchObject({ sub: Reflect.get(Object(other), 'sub') })
  })
})

describe('attack 22: an answer is not even looked at when', () => {
  test('the chosen provider sends the person on to another one, whose code it would then be handed', async () => {
    const { get, begin, visitor } = await browser()
    // What an evil provider would do: it knows the state, and the client id and redirect URI of the broker at the honest one are no secrets.
    const chosen = await begin('google')
    const honest = new URL(`${the.github.alice.issuer}/authorize`)
    for (const [name, value] of chosen.searchParams) honest.searchParams.set(name, value)
    honest.searchParams.set('redirect_uri', `${BASE_URL}/callback/github`)
    const [atGoogle, atGithub] = [askedFor(the.google, '/token'), askedFor(the.github, '/login/oauth/access_token')]

    const answer = await get(pathAndQuery(await the.github.signInAs('alice', honest)))

    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('another identity provider than the one that was chosen')
    expect([askedFor(the.google, '/token'), askedFor(the.github, '/login/oauth/access_token')]).toEqual([atGoogle, atGithub])
    expect(await visitor()).toBeUndefined()
  })

  test.for(['/callback', '/callback/', '/callback/github', '/callback/google/x', '/callback/GOOGLE', '/callback/staff'])(
    'an answer of Google comes to %s',
    async (path) => {
      const { get, begin, visitor } = await browser()
      const before = askedFor(the.google, '/token')
      const { search } = await the.google.signInAs('alice', await begin('google'))

      expect((await get(path + search)).status).toBe(400)
      expect(askedFor(the.google, '/token')).toBe(before)
      expect(await visitor()).toBeUndefined()
    },
  )

  test('it names another issuer (RFC 9207)', async () => {
    const { get, begin } = await browser()
    const answered = await the.google.signInAs('alice', await begin('google'))
    answered.searchParams.set('iss', the.github.alice.issuer)
    const before = askedFor(the.google, '/token')

    expect((await get(pathAndQuery(answered))).status).toBe(400)
    expect(askedFor(the.google, '/token')).toBe(before)
  })
})

describe('attack 23: an answer is refused', () => {
  test('in another browser than the one that began', async () => {
    const [mine, theirs] = [await browser(), await browser()]
    const answered = pathAndQuery(await the.github.signInAs('alice', await mine.begin('github')))

    const answer = await theirs.get(answered)

    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('Invalid or expired state')
  })

  test('the second time', async () => {
    const { get, begin } = await browser()
    const answered = pathAndQuery(await the.github.signInAs('alice', await begin('github')))
    expect((await get(answered)).status).toBe(303)

    expect((await get(answered)).status).toBe(400)
  })
})

test('a provider that refuses a scope is called that on the page, with the setting that cures it', async () => {
  const { get, begin } = await browser()
  const { searchParams } = await begin('google')
  const answer = await get(`/callback/google?error=invalid_scope&error_description=nope&state=${searchParams.get('state')}`)

  const page = await answer.text()
  expect(answer.status).toBe(502)
  expect(page).toContain('<h1>The identity provider refused to begin the sign-in</h1>')
  expect(page).toContain('It does not allow a scope that the broker asks for.')
  expect(page).toContain('SCOPES_SUPPORTED, or scopes of a provider in IDENTITY_PROVIDERS,')
  expect(page).toContain('identity_provider_refused')
  expect(page).not.toContain('Token exchange failed')
})

describe('where Cloudflare Access stands in front of the callback', () => {
  test('its assertion signs the person in', async () => {
    const { get, begin, visitor } = await browser()
    const own = await begin('staff')
    expect(own.href).toMatch(/^https:\/\/mcp\.example\.com\/callback\/staff\?state=/)

    const answer = await get(pathAndQuery(own), { 'Cf-Access-Jwt-Assertion': await the.access.assertion('alice') })

    expect(answer.status).toBe(303)
    expect(await visitor()).toMatchObject({ identity: the.access.alice })
  })

  test.for<[string, () => Promise<Record<string, string>>, number]>([
    ['without an assertion', async () => ({}), 400],
    [
      'with one for another application',
      async () => ({ 'Cf-Access-Jwt-Assertion': await the.access.assertion('alice', { aud: 'x' }) }),
      403,
    ],
    ['with the address alone', async () => ({ 'Cf-Access-Authenticated-User-Email': 'alice@example.com' }), 400],
  ])('attack 28: nobody is signed in %s', async ([, headers, status]) => {
    const { get, begin, visitor } = await browser()

    expect((await get(pathAndQuery(await begin('staff')), await headers())).status).toBe(status)
    expect(await visitor()).toBeUndefined()
  })

  test('attack 23: an assertion without a sign-in that was begun here does nothing', async () => {
    const { get, visitor } = await browser()

    const answer = await get('/callback/staff?state=x', { 'Cf-Access-Jwt-Assertion': await the.access.assertion('alice') })

    expect(answer.status).toBe(400)
    expect(await visitor()).toBeUndefined()
  })
})

test('with one provider nobody is asked: the page leads straight to it, and it answers at /callback', async () => {
  const { get } = await browser({
    IDENTITY_PROVIDERS: undefined,
    OAUTH_AUTHORIZE_URL: the.google.alice.issuer,
    OAUTH_CLIENT_ID: 'broker',
  })

  const answer = await get('/account')

  expect(answer.status).toBe(303)
  const sentTo = new URL(answer.headers.get('location') ?? '')
  expect([sentTo.origin, sentTo.searchParams.get('redirect_uri')]).toEqual([the.google.alice.issuer, `${BASE_URL}/callback`])
})
