// An operator who told the broker something wrong hears all of it at once: which variable, what is wrong, and the cure.
import { describe, expect, test } from 'vitest'
import { foundation } from '../../../src/services.ts'
import { EXAMPLE_ENCRYPTION_KEY, readSettings, SettingsError, type Settings } from '../../../src/settings/settings.ts'
import type { SettingsProblem } from '../../../src/settings/problem.ts'
import { GOOD, ONE_SERVER } from './good.ts'

const SINGLE = { ...GOOD, ...ONE_SERVER, OAUTH_CLIENT_SECRET: 'kept by the operator' }
const KEY = SINGLE.ENCRYPTION_KEY
const NEW_KEY = 'openssl rand -hex 32'
type Environment = Readonly<Record<string, string | undefined>>

const settingsOf = (changes: Environment = {}): Settings => readSettings({ ...SINGLE, ...changes })

function problemsOf(changes: Environment): readonly SettingsProblem[] {
  try {
    settingsOf(changes)
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
  return []
}

const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64')

describe('settings that are right', () => {
  test('say where the broker is, what is behind it and who signs people in', () => {
    expect(settingsOf()).toMatchObject({
      baseUrl: 'https://mcp.example.com',
      downstreams: [
        { path: '/mcp', resource: 'https://mcp.example.com/mcp', url: 'https://tools.example.com/mcp', auth: 'identity-jwt' },
      ],
      identityProviders: [{ kind: 'oidc', url: 'https://idp.example.com/', clientId: 'broker', callback: '/callback' }],
      limits: { codeTtl: 300, accessTokenTtl: 3600, rateLimitRequests: 600 },
    })
  })

  test('a slash at the end of BASE_URL or of an allowed origin changes nothing', () => {
    const { baseUrl, allowedOrigins } = settingsOf({
      BASE_URL: 'https://mcp.example.com/',
      ALLOWED_ORIGINS: 'https://app.example.com/, chrome-extension://abcdef',
    })
    expect(baseUrl).toBe('https://mcp.example.com')
    expect(allowedOrigins).toEqual(['https://app.example.com', 'chrome-extension://abcdef'])
  })

  test.for([
    ['hex', KEY],
    ['HEX', KEY.toUpperCase()],
    ['base64', base64(KEY)],
    ['base64url', base64(KEY).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')],
  ])('a key may be written in %s', ([, written]) => {
    expect(settingsOf({ ENCRYPTION_KEY: written }).secret).toEqual(settingsOf().secret)
  })

  test.for([
    ['MCP_SERVER_URL', 'DOWNSTREAM_MCP_URL', 'https://tools.example.com/mcp'],
    ['COOKIE_ENCRYPTION_KEY', 'ENCRYPTION_KEY', KEY],
  ] as const)('%s is read as %s, which wins when both are there', ([alias, name, value]) => {
    expect(settingsOf({ [name]: undefined, [alias]: value })).toEqual(settingsOf())
    expect(settingsOf({ [alias]: 'of an older file' })).toEqual(settingsOf())
  })

  test.for([
    ['http://tools:3000', 'http://tools:3000/mcp'],
    ['http://tools:3000/', 'http://tools:3000/mcp'],
    ['http://tools:3000/v1', 'http://tools:3000/v1'],
  ])('MCP_SERVER_URL=%s is the server at %s', ([written, url]) => {
    const { downstreams } = settingsOf({ DOWNSTREAM_MCP_URL: undefined, MCP_SERVER_URL: written })
    expect(downstreams.map((downstream) => downstream.url)).toEqual([url])
  })

  test('without BASE_URL the broker is on this computer, where npm run dev listens', () => {
    expect(settingsOf({ BASE_URL: undefined })).toMatchObject({ baseUrl: 'http://localhost:8788', baseUrlIsAssumed: true })
  })

  test.for(['team', 'team.cloudflareaccess.com', 'https://team.cloudflareaccess.com/'])(
    'the Access team may be given as %s',
    (team) => {
      const { identityProviders } = settingsOf({
        OAUTH_AUTHORIZE_URL: undefined,
        OAUTH_CLIENT_ID: undefined,
        OAUTH_CLIENT_SECRET: undefined,
        CF_ACCESS_TEAM_DOMAIN: team,
        CF_ACCESS_CLIENT_ID: 'abc',
        CF_ACCESS_CLIENT_SECRET: 'kept by the operator',
      })
      expect(identityProviders).toMatchObject([
        { kind: 'access', url: 'https://team.cloudflareaccess.com/cdn-cgi/access/sso/oidc/abc', callback: '/callback' },
      ])
    },
  )

  test.for(['http://localhost:8788', 'http://127.0.0.1:8788', 'http://[::1]:8788', 'http://broker.localhost:8788'])(
    'BASE_URL may be %s: nothing leaves the machine',
    (url) => {
      expect(settingsOf({ BASE_URL: url }).baseUrl).toBe(url)
    },
  )

  test.for([
    ['https://tools.example.com/mcp', 'idp-token'],
    ['http://127.0.0.1:3000/mcp', 'idp-token'],
    ['http://tools.internal:3000/mcp', 'identity-jwt'],
  ])('a downstream at %s may be given %s', ([url, auth]) => {
    expect(settingsOf({ DOWNSTREAM_MCP_URL: url, DOWNSTREAM_AUTH: auth }).downstreams[0]).toMatchObject({ url, auth })
  })

  test('how a downstream is spoken to is found out unless it is said', () => {
    expect(settingsOf().downstreams[0]?.transport).toBe('auto')
    expect(settingsOf({ DOWNSTREAM_TRANSPORT: 'http-sse' }).downstreams[0]?.transport).toBe('http-sse')
    expect(settingsOf({ DOWNSTREAM_ERA: 'modern' }).downstreams[0]?.era).toBe('modern')
    expect(settingsOf({ DOWNSTREAM_ERA: 'auto' }).downstreams[0]?.era).toBeUndefined()
    expect(settingsOf({ DOWNSTREAM_ERA_BRIDGE: 'on' }).downstreams[0]?.eraBridge).toBe(true)
    expect(settingsOf({ DOWNSTREAM_ERA_BRIDGE: 'off' }).downstreams[0]?.eraBridge).toBeUndefined()
  })

  test('the line breaks of a PEM may be spelled out', () => {
    const { identityPem } = settingsOf({ OIDC_PROVIDER_KEY: '-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----' })
    expect(identityPem).toBe('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----')
  })
})

describe('a mistake is named with its cure:', () => {
  const HTTP_TOOLS = 'http://tools.internal/mcp'
  test.for<[what: string, changes: Environment, mistake: string, cure: string]>([
    ['an empty variable', { ENCRYPTION_KEY: '  ' }, 'ENCRYPTION_KEY not configured', 'openssl rand -hex 32'],
    ['a path', { BASE_URL: 'https://a.example/b' }, 'BASE_URL has a path', 'give the origin alone: https://a.example'],
    ['no scheme', { BASE_URL: 'mcp.example.com' }, 'BASE_URL is not an http(s) URL', 'https://host/path'],
    ['plain http', { BASE_URL: 'http://a.example' }, 'BASE_URL would send tokens over plain http', 'use https'],
    ['a false localhost', { BASE_URL: 'http://localhost.a.example' }, 'BASE_URL would send tokens over plain http', 'use https'],
    ['no downstream', { DOWNSTREAM_MCP_URL: undefined }, 'DOWNSTREAM_MCP_URL not configured', 'the MCP server behind'],
    ['a file', { DOWNSTREAM_MCP_URL: 'file:///etc/passwd' }, 'DOWNSTREAM_MCP_URL is not an http(s) URL', 'https://host/path'],
    ['a password', { DOWNSTREAM_MCP_URL: 'https://a:b@c.example' }, 'DOWNSTREAM_MCP_URL is not an http(s) URL', 'https://host'],
    [
      'tokens of people over http',
      { DOWNSTREAM_MCP_URL: HTTP_TOOLS, DOWNSTREAM_AUTH: 'idp-token' },
      "DOWNSTREAM_AUTH idp-token would send people's tokens over plain http",
      'DOWNSTREAM_AUTH=identity-jwt',
    ],
    ['an unknown mode', { DOWNSTREAM_AUTH: 'basic' }, 'DOWNSTREAM_AUTH Invalid option', 'docs/reference/settings.md'],
    [
      'an unknown transport',
      { DOWNSTREAM_TRANSPORT: 'sse' },
      'DOWNSTREAM_TRANSPORT Invalid option',
      'docs/reference/settings.md',
    ],
    [
      'signing in over http',
      { OAUTH_AUTHORIZE_URL: 'http://idp.example' },
      'OAUTH_AUTHORIZE_URL would sign people in over plain http',
      'use https',
    ],
    ['no key', { ENCRYPTION_KEY: undefined }, 'ENCRYPTION_KEY not configured', NEW_KEY],
    ['a short key', { ENCRYPTION_KEY: 'abc' }, 'ENCRYPTION_KEY is not 32 bytes in hex or base64', NEW_KEY],
    [
      'a short key under its other name',
      { ENCRYPTION_KEY: undefined, COOKIE_ENCRYPTION_KEY: 'abc' },
      'COOKIE_ENCRYPTION_KEY is not 32 bytes in hex or base64',
      NEW_KEY,
    ],
    ['a key of zeros', { ENCRYPTION_KEY: '0'.repeat(64) }, 'ENCRYPTION_KEY is not random', NEW_KEY],
    ['a previous key that is none', { ENCRYPTION_KEY_PREVIOUS: 'a' }, 'ENCRYPTION_KEY_PREVIOUS is not 32 bytes', NEW_KEY],
    ['an identity key that is none', { OIDC_PROVIDER_KEY: 'a' }, 'OIDC_PROVIDER_KEY is not a PKCS#8 PEM', 'openssl genpkey'],
    [
      'a time in words',
      { ACCESS_TOKEN_TTL: '1h' },
      'ACCESS_TOKEN_TTL is not a whole number above zero',
      'docs/reference/settings.md',
    ],
    ['a host as origin', { ALLOWED_ORIGINS: 'https://a.example b' }, 'ALLOWED_ORIGINS holds “b”, which is no origin', 'https://'],
    [
      'a team that is none',
      { CF_ACCESS_TEAM_DOMAIN: 'my team', CF_ACCESS_CLIENT_ID: 'a', CF_ACCESS_CLIENT_SECRET: 'b' },
      'CF_ACCESS_TEAM_DOMAIN is not a team name',
      'cloudflareaccess.com',
    ],
    [
      'half of Access',
      { CF_ACCESS_TEAM_DOMAIN: 'team', CF_ACCESS_CLIENT_ID: 'a' },
      'CF_ACCESS_CLIENT_SECRET not configured',
      'CF_ACCESS_*',
    ],
    ['half of Access in front of the portal', { ACCESS_TEAM_DOMAIN: 'team' }, 'ACCESS_AUD not configured', 'set both'],
    ['the other half', { ACCESS_AUD: 'abc' }, 'ACCESS_TEAM_DOMAIN not configured', 'set both'],
  ])('%s', ([, changes, mistake, cure]) => {
    const [problem, ...more] = problemsOf(changes)
    expect(`${problem?.variable} ${problem?.problem}`).toContain(mistake)
    expect(problem?.cure).toContain(cure)
    expect(more).toEqual([])
  })

  test.for(['OIDC_PROVIDER_KEY', 'OIDC_PROVIDER_KEY_PREVIOUS'])('a PEM in %s that holds no key', async (variable) => {
    const env = { ...SINGLE, [variable]: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----' }
    await expect(foundation(env)).rejects.toMatchObject({
      problems: [{ variable, problem: 'is not a P-256 or RSA private key', cure: expect.stringContaining('openssl genpkey') }],
    })
  })
})

test('all mistakes are reported at once', () => {
  const problems = problemsOf({
    BASE_URL: 'http://mcp.example.com',
    DOWNSTREAM_MCP_URL: undefined,
    OAUTH_CLIENT_ID: undefined,
    OAUTH_CLIENT_SECRET: 'change-me',
    ENCRYPTION_KEY: 'abc',
    RATE_LIMIT_REQUESTS: '0',
  })
  expect(problems.map(({ variable }) => variable)).toEqual([
    'BASE_URL',
    'DOWNSTREAM_MCP_URL',
    'ENCRYPTION_KEY',
    'OAUTH_CLIENT_ID',
    'OAUTH_CLIENT_SECRET',
    'RATE_LIMIT_REQUESTS',
  ])
})

test('no message repeats the value of a secret', () => {
  const secrets = { ENCRYPTION_KEY: 'hunter2hunter2', OIDC_PROVIDER_KEY: 'hunter2-pem', OAUTH_CLIENT_SECRET: 'changeme' }
  expect(JSON.stringify(problemsOf(secrets))).not.toMatch(/hunter2|changeme/)
})

describe('54. weak or default secrets: the examples of the documentation are refused', () => {
  test.for<[string, string, string]>([
    ['the demo key', 'ENCRYPTION_KEY', EXAMPLE_ENCRYPTION_KEY],
    ['the demo key in capitals', 'ENCRYPTION_KEY', EXAMPLE_ENCRYPTION_KEY.toUpperCase()],
    ['the demo key in base64', 'ENCRYPTION_KEY', base64(EXAMPLE_ENCRYPTION_KEY)],
    ['the demo key as the previous one', 'ENCRYPTION_KEY_PREVIOUS', EXAMPLE_ENCRYPTION_KEY],
    ['a client secret nobody chose', 'OAUTH_CLIENT_SECRET', 'change-me'],
    ['the client secret of the demo', 'OAUTH_CLIENT_SECRET', 'demo-secret'],
  ])('%s', ([, variable, value]) => {
    const [problem] = problemsOf({ [variable]: value })
    expect(problem).toMatchObject({ variable, problem: 'is the example value from the documentation' })
    // DEMO is a promise that only this machine can reach the broker, so it counts for nothing anywhere else.
    expect(problemsOf({ [variable]: value, DEMO: '1' })).toEqual([problem])
    expect(problemsOf({ [variable]: value, DEMO: '1', BASE_URL: 'http://localhost:8788' })).toEqual([])
  })

  test('the cure for a client secret is not a key of our own', () => {
    expect(problemsOf({ OAUTH_CLIENT_SECRET: 'change-me' })[0]?.cure).toContain('identity provider')
  })
})
