// Rules about people: whose word counts for a name, where there is one identity provider and where there are several.
import { describe, expect, test } from 'vitest'
import type { Identity } from '../../../src/caller.ts'
import { identityProviderFor } from '../../../src/identity/identity-providers.ts'
import { readSettings, SettingsError, type Settings } from '../../../src/settings/settings.ts'
import { authoritiesOf } from '../../../src/settings/people-names.ts'
import { isOf, meansPerson } from '../../../src/settings/people.ts'
import { GOOD, ONE_SERVER } from './good.ts'

const TENANT = '833ced3d-cb2e-41de-92f1-29e2af035ddc'
const OTHER_TENANT = '0d7c8b1c-9f0f-4c0e-8a52-6b1a37b2d9aa'
const SINGLE = { ...GOOD, ...ONE_SERVER }
const PARTNERS = { name: 'partners', url: 'https://partners.example', client_id: 'p' }
const GITHUB = {
  name: 'github',
  url: 'https://github.com/login/oauth',
  client_id: 'h',
  client_secret: 's',
  organizations: ['acme'],
}
const ENTRA = { name: 'ms', url: 'https://login.microsoftonline.com/common/v2.0', client_id: 'e' }
type Given = Readonly<Record<string, string>>

const listed = (...entries: readonly object[]): Given => ({ IDENTITY_PROVIDERS: JSON.stringify(entries) })
const SEVERAL = listed(PARTNERS, GITHUB)
const settingsOf = (given: Given): Settings => readSettings({ ...SINGLE, ...given })

function problemsOf(given: Given): readonly string[] {
  try {
    settingsOf(given)
  } catch (error) {
    if (error instanceof SettingsError) return error.problems.map((one) => `${one.variable} ${one.problem} | ${one.cure}`)
    throw error
  }
  return []
}

function person(issuer: string, groups: readonly string[], email?: string): Identity {
  return { issuer, subject: 's', groups, email }
}
const isAdministrator = (given: Given, who: Identity): boolean => meansPerson(settingsOf(given).administrators.named, who)
const server = (rules: object): Given => ({
  DOWNSTREAMS: JSON.stringify([{ name: 'billing', url: 'https://billing.example.com/mcp', ...rules }]),
})

describe('with several providers, a rule', () => {
  test.for<[string, Given, Identity, boolean]>([
    [
      'means the group of the provider it names',
      { ADMIN_GROUPS: 'partners:admins' },
      person('https://partners.example', ['admins']),
      true,
    ],
    ['and not that of another one', { ADMIN_GROUPS: 'partners:admins' }, person('https://idp.example.com', ['admins']), false],
    [
      'nor a group that is called like the whole rule',
      { ADMIN_GROUPS: 'oauth:admins' },
      person('https://partners.example', ['oauth:admins', 'admins']),
      false,
    ],
    [
      'means an organisation of GitHub',
      { ADMIN_GROUPS: 'github:acme' },
      person('https://github.com/login/oauth', ['acme']),
      true,
    ],
    [
      'that says so itself is believed nowhere else',
      { ADMIN_GROUPS: 'github:acme' },
      person('https://partners.example', ['acme', 'github:acme']),
      false,
    ],
    [
      'means the address at its provider',
      { ADMIN_EMAILS: 'oauth:Carol@example.com' },
      person('https://idp.example.com', [], 'carol@Example.com'),
      true,
    ],
    [
      'and the same address at another one is somebody else',
      { ADMIN_EMAILS: 'oauth:carol@example.com' },
      person('https://partners.example', [], 'carol@example.com'),
      false,
    ],
    [
      'keeps the colons of a name',
      { ADMIN_GROUPS: 'partners:urn:x:admins' },
      person('https://partners.example', ['urn:x:admins']),
      true,
    ],
  ])('%s', ([, rule, who, expected]) => {
    expect(isAdministrator({ ...SEVERAL, ...rule }, who)).toBe(expected)
  })

  test.for<[string, Given, string]>([
    ['an administrator by address', { ADMIN_EMAILS: 'carol@example.com' }, 'ADMIN_EMAILS “carol@example.com” does not say'],
    ['an administrator by group', { ADMIN_GROUPS: 'admins' }, 'ADMIN_GROUPS “admins” does not say'],
    ['a name with colons of its own', { ADMIN_GROUPS: 'urn:x:admins' }, 'ADMIN_GROUPS “urn:x:admins” does not say'],
    ['a provider that is not there', { ADMIN_GROUPS: 'gitlab:admins' }, 'ADMIN_GROUPS “gitlab:admins” does not say'],
    ['a provider and nobody there', { ADMIN_GROUPS: 'partners:' }, 'ADMIN_GROUPS “partners:” does not say'],
    [
      'who may use a server',
      server({ allow: { groups: ['finance'] } }),
      'DOWNSTREAMS server “billing”, field allow.groups: “finance” does not say',
    ],
    [
      'by address',
      server({ allow: { emails: ['a@example.com'] } }),
      'DOWNSTREAMS server “billing”, field allow.emails: “a@example.com” does not say',
    ],
    [
      'what may be called',
      server({ tools: [{ groups: ['finance'] }] }),
      'DOWNSTREAMS server “billing”, field tools.groups: “finance” does not say',
    ],
  ])('is refused where it does not name one: %s', ([, given, problem]) => {
    const [first = '', ...others] = problemsOf({ ...SEVERAL, ...given })
    expect(first).toContain(`${problem} whose word counts`)
    expect(first).toMatch(/ \| write oauth:\S+, with one of these names in front: oauth, partners, github$/)
    expect(others).toEqual([])
  })
})

describe('with one provider, a rule', () => {
  test.for<[string, string, readonly string[], boolean]>([
    ['means the group of that name', 'admins', ['admins'], true],
    ['with colons means the group that is called so', 'urn:mace:example.com:admins', ['urn:mace:example.com:admins'], true],
    ['and no shorter one', 'cognito:admins', ['admins'], false],
    ['may name the provider already', 'oauth:admins', ['admins'], true],
    ['and a group that begins like it stays that group', 'oauth:admins', ['oauth:admins'], true],
    ['is of the letters that are written', 'Admins', ['admins'], false],
  ])('%s', ([, rule, groups, expected]) => {
    expect(isAdministrator({ ADMIN_GROUPS: rule }, person('https://idp.example.com', groups))).toBe(expected)
    expect(isAdministrator({ ADMIN_GROUPS: rule }, person('https://former.example', groups))).toBe(false)
  })

  test('about an issuer whose tokens are exchanged names that issuer', () => {
    const exchange = { AUTH_ISSUER: 'https://ci.example.com/', AUTH_AUDIENCE: 'broker' }
    const builder = person('https://ci.example.com', ['admins'], 'carol@example.com')
    expect(isAdministrator({ ...exchange, ADMIN_GROUPS: 'admins', ADMIN_EMAILS: 'carol@example.com' }, builder)).toBe(false)
    expect(isAdministrator({ ...exchange, ADMIN_GROUPS: 'https://ci.example.com:admins' }, builder)).toBe(true)
  })
})

const carolAt = (tenant: string): Identity => person(`https://login.microsoftonline.com/${tenant}/v2.0`, [], 'carol@example.com')

test('several tenants of one Entra are several providers: one must not name the people of another', () => {
  const given = listed({ ...ENTRA, tenants: [TENANT, OTHER_TENANT] })
  const tenants = { ...SINGLE, OAUTH_AUTHORIZE_URL: undefined, OAUTH_CLIENT_ID: undefined, ...given }
  const rule = { ADMIN_EMAILS: `ms/${TENANT}:carol@example.com` }
  const { named } = readSettings({ ...tenants, ...rule }).administrators
  expect([meansPerson(named, carolAt(TENANT)), meansPerson(named, carolAt(OTHER_TENANT))]).toEqual([true, false])
  expect(() => readSettings({ ...tenants, ADMIN_EMAILS: 'ms:carol@example.com' })).toThrow(/does not say whose word counts/)
})

test.for<[string, object, string]>([
  ['any issuer', PARTNERS, 'https://partners.example'],
  ['GitHub', GITHUB, 'https://github.com/login/oauth'],
  ['one tenant', { ...ENTRA, tenants: [TENANT] }, `https://login.microsoftonline.com/${TENANT}/v2.0`],
  ['every tenant', { ...ENTRA, tenants: ['*'] }, `https://login.microsoftonline.com/${OTHER_TENANT}/v2.0`],
  ['Access', { name: 'a', url: 'https://team.cloudflareaccess.com', audience: 'x' }, 'https://team.cloudflareaccess.com'],
])('a person of %s belongs to the same provider for rules and for sign-ins', ([, entry, issuer]) => {
  const { identityProviders, exchange } = settingsOf(listed(entry))
  const [, settings] = identityProviders
  const [, authority] = authoritiesOf(identityProviders, exchange)
  if (!settings || !authority) throw new Error('the second provider is not there')
  const provider = identityProviderFor(settings)
  for (const named of [
    issuer,
    `${issuer}.evil.example`,
    `https://evil.example/${issuer}`,
    `${issuer}/x`,
    'https://idp.example.com',
    '',
  ])
    expect([named, isOf(authority, named)]).toEqual([named, provider.issues(named)])
  expect(isOf(authority, issuer)).toBe(true)
})

test.for(['notmail', 'admins', 'carol@', '@example.com'])(
  '“%s” among ADMIN_EMAILS is refused: it would never be anybody',
  (name) => {
    expect(() => readSettings({ ...SINGLE, ADMIN_EMAILS: `carol@example.com,${name}` })).toThrow(
      `“${name}” is not an e-mail address`,
    )
  },
)
