// Where people sign in, as the settings say it: which kind each provider is, where it answers, and every mistake named.
import { describe, expect, test } from 'vitest'
import { readSettings, SettingsError, type Settings } from '../../../src/settings/settings.ts'

const TENANT = '833ced3d-cb2e-41de-92f1-29e2af035ddc'
const GOOD = {
  BASE_URL: 'https://mcp.example.com',
  DOWNSTREAM_MCP_URL: 'https://tools.example.com/mcp',
  ENCRYPTION_KEY: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
}
const OAUTH = { OAUTH_AUTHORIZE_URL: 'https://idp.example.com', OAUTH_CLIENT_ID: 'broker', OAUTH_CLIENT_SECRET: 'kept' }
const SAAS = { CF_ACCESS_TEAM_DOMAIN: 'team', CF_ACCESS_CLIENT_ID: 'abc', CF_ACCESS_CLIENT_SECRET: 'kept' }
const IN_FRONT = { ACCESS_TEAM_DOMAIN: 'team', ACCESS_AUD: 'the-aud', IDENTITY_PROVIDER: 'access' }
type Given = Readonly<Record<string, string>>

const settingsOf = (given: Given): Settings => readSettings({ ...GOOD, ...given })
const list = (...entries: readonly object[]): Given => ({ IDENTITY_PROVIDERS: JSON.stringify(entries) })

function problemsOf(given: Given): readonly string[] {
  try {
    settingsOf(given)
  } catch (error) {
    if (error instanceof SettingsError) return error.problems.map(({ variable, problem }) => `${variable} ${problem}`)
    throw error
  }
  return []
}

test.for([
  ['https://accounts.google.com', 'google'],
  [`https://login.microsoftonline.com/${TENANT}/v2.0`, 'entra'],
  [`https://login.microsoftonline.us/${TENANT}/v2.0`, 'entra'],
  ['https://github.com/login/oauth', 'github'],
  ['https://team.cloudflareaccess.com/cdn-cgi/access/sso/oidc/abc', 'access'],
  ['https://github.com.evil.example/login/oauth', 'oidc'],
  ['https://accounts.google.com.evil.example', 'oidc'],
  ['https://idp.example.com/realms/x', 'oidc'],
] as const)('%s is %s', ([url, kind]) => {
  expect(settingsOf({ ...OAUTH, OAUTH_AUTHORIZE_URL: url }).identityProviders).toMatchObject([{ kind, callback: '/callback' }])
})

test('every provider that is set is offered, and each answers at an address of its own', () => {
  const { identityProviders } = settingsOf({
    ...SAAS,
    ...OAUTH,
    ...IN_FRONT,
    ...list(
      { name: 'google', url: 'https://accounts.google.com', client_id: 'g', client_secret: '$GOOGLE_SECRET', hd: 'Example.com' },
      { name: 'entra', url: 'https://login.microsoftonline.com/common/v2.0', client_id: 'e', tenants: [TENANT] },
      {
        name: 'ghes',
        kind: 'github',
        url: 'https://ghe.example.com/login/oauth',
        client_id: 'h',
        client_secret: 'x',
        organizations: ['Acme'],
      },
      { name: 'partners', title: 'Partners', url: 'https://partners.cloudflareaccess.com', audience: 'their-aud' },
    ),
    GOOGLE_SECRET: 'of Google',
  })

  expect(identityProviders.map(({ kind, callback }) => `${kind} ${callback}`)).toEqual([
    'access /callback',
    'oidc /callback/oauth',
    'access-application /callback/access',
    'google /callback/google',
    'entra /callback/entra',
    'github /callback/ghes',
    'access-application /callback/partners',
  ])
  expect(identityProviders.slice(3)).toMatchObject([
    { clientSecret: 'of Google', restrictedTo: ['example.com'], scopes: ['openid', 'email', 'profile'] },
    { restrictedTo: [TENANT], scopes: expect.arrayContaining(['offline_access', 'User.Read']) },
    { restrictedTo: ['acme'], scopes: ['read:user', 'user:email', 'read:org'] },
    { title: 'Partners', clientId: 'their-aud' },
  ])
})

test('the two variables of /admin alone sign nobody in: that has to be said', () => {
  const { ACCESS_TEAM_DOMAIN, ACCESS_AUD } = IN_FRONT
  expect(settingsOf({ ...OAUTH, ACCESS_TEAM_DOMAIN, ACCESS_AUD }).identityProviders).toHaveLength(1)
  expect(settingsOf(IN_FRONT).identityProviders).toMatchObject([
    { kind: 'access-application', url: 'https://team.cloudflareaccess.com' },
  ])
})

describe('attack 55: the Access application that everybody signs in through makes nobody an administrator', () => {
  test.for<[string, Given, boolean]>([
    ['not without a list of administrators', IN_FRONT, false],
    ['only who is on the list', { ...IN_FRONT, ADMIN_EMAILS: 'carol@example.com' }, true],
    [
      'neither where it is one of a list of providers',
      {
        ACCESS_TEAM_DOMAIN: 'team',
        ACCESS_AUD: 'the-aud',
        ...list({ name: 'a', url: 'https://team.cloudflareaccess.com', audience: 'the-aud' }),
      },
      false,
    ],
    [
      'another application in front of /admin does',
      {
        ACCESS_TEAM_DOMAIN: 'team',
        ACCESS_AUD: 'of-admin',
        ...list({ name: 'a', url: 'https://team.cloudflareaccess.com', audience: 'the-aud' }),
      },
      true,
    ],
  ])('%s', ([, given, isOpen]) => {
    expect(settingsOf(given).administrators.access !== undefined).toBe(isOpen)
  })
})

const GOOGLE = { name: 'google', url: 'https://accounts.google.com', client_id: 'g' }

describe('settings are refused when', () => {
  test.for<[string, Given, string]>([
    ['nobody can sign in', {}, 'OAUTH_AUTHORIZE_URL not configured'],
    ['Access in front is half set', { IDENTITY_PROVIDER: 'access', ACCESS_AUD: 'x' }, 'ACCESS_TEAM_DOMAIN not configured'],
    [
      'the one word is another',
      { ...OAUTH, ...IN_FRONT, IDENTITY_PROVIDER: 'google' },
      'IDENTITY_PROVIDER is not access, the only word there is',
    ],
    [
      'the whole world of Microsoft could sign in',
      { ...OAUTH, OAUTH_AUTHORIZE_URL: 'https://login.microsoftonline.com/common/v2.0' },
      'OAUTH_RESTRICT_TO not configured',
    ],
    [
      'the same by a list',
      list({ name: 'ms', url: 'https://login.microsoftonline.com/organizations/v2.0', client_id: 'e' }),
      'IDENTITY_PROVIDERS ms: tenants is missing',
    ],
    ['the list is none', { IDENTITY_PROVIDERS: '{}' }, 'IDENTITY_PROVIDERS is not a JSON array of identity providers'],
    ['the list is empty', { IDENTITY_PROVIDERS: '[]' }, 'IDENTITY_PROVIDERS is not a JSON array of identity providers'],
    [
      'a name could not be part of an address',
      list({ ...GOOGLE, name: 'Goo/gle' }),
      'IDENTITY_PROVIDERS 0.name is not of lower-case letters, digits and -',
    ],
    ['a field is unknown', list({ ...GOOGLE, secret: 'x' }), 'IDENTITY_PROVIDERS 0 unrecognized key: "secret"'],
    [
      'a secret is not there',
      list({ ...GOOGLE, client_secret: '$NOWHERE' }),
      'IDENTITY_PROVIDERS google: client_secret names $NOWHERE, which is not set',
    ],
    ['a client has no id', list({ name: 'google', url: GOOGLE.url }), 'IDENTITY_PROVIDERS google: client_id is missing'],
    [
      'an application has no audience',
      list({ name: 'a', url: 'https://team.cloudflareaccess.com' }),
      'IDENTITY_PROVIDERS a: audience is missing',
    ],
    [
      'people would sign in over plain http',
      list({ ...GOOGLE, url: 'http://idp.example.com' }),
      'IDENTITY_PROVIDERS google: url would sign people in over plain http',
    ],
    [
      'a restriction is another provider’s',
      list({ ...GOOGLE, tenants: [TENANT] }),
      'IDENTITY_PROVIDERS google: tenants means nothing to a provider of the kind google',
    ],
    [
      'two have one name',
      list(GOOGLE, { ...GOOGLE, url: 'https://idp.example.com' }),
      'IDENTITY_PROVIDERS google: is there twice',
    ],
    [
      'two are one issuer',
      list(GOOGLE, { ...GOOGLE, name: 'again' }),
      'IDENTITY_PROVIDERS holds https://accounts.google.com twice',
    ],
    [
      'a tenant would be of two entries',
      list(
        { name: 'all', url: 'https://login.microsoftonline.com/common/v2.0', client_id: 'e', tenants: [TENANT] },
        { name: 'one', url: `https://login.microsoftonline.com/${TENANT}/v2.0`, client_id: 'e' },
      ),
      'IDENTITY_PROVIDERS holds an entry for many tenants of Microsoft Entra beside another one',
    ],
    [
      'a restriction could not be applied, and everybody would get in',
      { ...OAUTH, OAUTH_RESTRICT_TO: 'example.com' },
      'OAUTH_RESTRICT_TO means nothing at idp.example.com: everybody who has an account there would get in',
    ],
    ...['', ' ', ',', ' , '].map((blank): [string, Record<string, string>, string] => [
      `a restriction came out as ${JSON.stringify(blank)}, and everybody would get in`,
      { ...OAUTH, OAUTH_AUTHORIZE_URL: 'https://accounts.google.com', OAUTH_RESTRICT_TO: blank },
      'OAUTH_RESTRICT_TO is set, and names nothing',
    ]),
    ...['ADMIN_EMAILS', 'ADMIN_GROUPS'].map((variable): [string, Record<string, string>, string] => [
      `${variable} came out as a comma, and whoever Access lets through would be an administrator`,
      { ...OAUTH, ACCESS_TEAM_DOMAIN: 'team', ACCESS_AUD: 'portal', [variable]: ',' },
      `${variable} is set, and names nothing`,
    ]),
    [
      'the URL has a query',
      { ...OAUTH, OAUTH_AUTHORIZE_URL: 'https://tenant.auth0.example/?audience=api' },
      'OAUTH_AUTHORIZE_URL has a query',
    ],
    [
      'or that of an entry',
      list({ ...GOOGLE, url: 'https://idp.example.com/?audience=api' }),
      'IDENTITY_PROVIDERS google: url has a query',
    ],
    ...['redirect_uri', 'STATE', 'nonce', 'code_challenge', 'response_mode', 'scope', 'request'].map(
      (name): [string, Record<string, string>, string] => [
        `${name} is to be another one`,
        { ...OAUTH, OAUTH_AUTHORIZE_PARAMETERS: JSON.stringify({ [name]: 'x' }) },
        `OAUTH_AUTHORIZE_PARAMETERS names ${name}, which is a parameter that the broker sets itself`,
      ],
    ),
    [
      'parameters are no JSON',
      { ...OAUTH, OAUTH_AUTHORIZE_PARAMETERS: 'audience=api' },
      'OAUTH_AUTHORIZE_PARAMETERS is not a JSON object of texts',
    ],
    [
      'a name is taken by the variables',
      { ...OAUTH, ...list({ ...GOOGLE, name: 'oauth' }) },
      'IDENTITY_PROVIDERS oauth: is the name of the one in OAUTH_AUTHORIZE_URL',
    ],
    [
      'a server would get what Access says to the broker',
      { ...IN_FRONT, DOWNSTREAM_AUTH: 'idp-token' },
      'DOWNSTREAM_AUTH idp-token would give mcp what Cloudflare Access says to the broker alone',
    ],
  ])('%s', ([, given, problem]) => {
    expect(problemsOf(given)).toContain(problem)
  })
})

test('groups may be under another claim, where a provider has such a thing', () => {
  const claim = 'https://app.example/groups'
  expect(settingsOf({ ...OAUTH, OAUTH_GROUPS_CLAIM: claim }).identityProviders).toMatchObject([{ groupsClaim: claim }])
  const listed = list({ name: 'a', url: 'https://a.example', client_id: 'a', groups_claim: 'realm_access.roles' })
  expect(settingsOf(listed).identityProviders).toMatchObject([{ groupsClaim: 'realm_access.roles' }])
  expect(problemsOf({ ...OAUTH, OAUTH_AUTHORIZE_URL: 'https://github.com/login/oauth', OAUTH_GROUPS_CLAIM: 'x' })).toEqual([
    'OAUTH_GROUPS_CLAIM means nothing at github.com, which has no claim of groups',
  ])
  expect(problemsOf(list({ ...GOOGLE, groups_claim: 'x' }))).toEqual([
    'IDENTITY_PROVIDERS google: groups_claim means nothing to a provider of the kind google',
  ])
  expect(problemsOf({ ...OAUTH, OAUTH_GROUPS_CLAIM: 'a.'.repeat(9) })).toEqual([
    'OAUTH_GROUPS_CLAIM is no claim: a name, or a path with dots, of 200 characters at most',
  ])
})
