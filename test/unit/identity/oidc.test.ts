// How the broker behaves as a client: its own credentials, the scopes it asks for, and whom it asks about missing claims.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { perTest } from '../../world/fixture.ts'
import type { Identity } from '../../../src/caller.ts'
import { OidcProvider } from '../../../src/identity/oidc.ts'
import type { IdentityProviderSettings } from '../../../src/settings/providers.ts'
import { newLogin, settingsFor, signedIn } from './logins.ts'
import { ScriptedProvider, without, type Account, type Script } from './scripted-provider.ts'

beforeEach(() => {
  vi.spyOn(console, 'warn').mockReturnValue()
  vi.spyOn(console, 'info').mockReturnValue()
})
const its = perTest(async (closing) => {
  const server = await closing(ScriptedProvider.start())
  return { server }
})
afterEach(() => void vi.restoreAllMocks())

const newProvider = (change: Partial<IdentityProviderSettings> = {}): OidcProvider =>
  new OidcProvider(settingsFor(its.server.issuer, change))
const identityOf = async (provider = newProvider()): Promise<Identity> =>
  (await signedIn(provider, (url) => its.server.visit(url))).identity
const withMetadata = (more: Record<string, unknown>): Script => ({ metadata: (honest) => ({ ...honest, ...more }) })

describe('the broker shows its secret', () => {
  const inHeader = `Basic ${Buffer.from('broker:a+secret+of+the+tests').toString('base64')}`

  test.for<[string, string[] | undefined, string | undefined, string | undefined, string | null]>([
    ['in the header when the provider says nothing', undefined, 'a secret of the tests', inHeader, null],
    ['in the header when it may choose', ['client_secret_post', 'client_secret_basic'], 'a secret of the tests', inHeader, null],
    [
      'in the form when the provider takes it nowhere else',
      ['client_secret_post'],
      'a secret of the tests',
      undefined,
      'a secret of the tests',
    ],
    ['nowhere when it has none', ['client_secret_basic'], undefined, undefined, null],
    [
      'so that whoever decodes nothing reads it too',
      undefined,
      'ab_cd-ef.gh',
      `Basic ${Buffer.from('broker:ab_cd-ef.gh').toString('base64')}`,
      null,
    ],
    [
      'encoded where it has to be (RFC 6749 Appendix B)',
      undefined,
      'a~b:c+d é',
      `Basic ${Buffer.from('broker:a%7Eb%3Ac%2Bd+%C3%A9').toString('base64')}`,
      null,
    ],
  ])('%s', async ([, methods, clientSecret, authorization, secretInForm]) => {
    its.server.script = withMetadata(methods ? { token_endpoint_auth_methods_supported: methods } : {})

    await identityOf(newProvider({ clientSecret }))

    expect(its.server.lastTokenRequest?.authorization).toBe(authorization)
    expect(its.server.lastTokenRequest?.form.get('client_secret')).toBe(secretInForm)
  })
})

test.for<['client_secret_basic' | 'client_secret_basic_raw' | 'client_secret_post', string | undefined, string | null]>([
  ['client_secret_basic', 'mcp-broker:s%2Bt', null],
  ['client_secret_basic_raw', 'mcp-broker:s+t', null],
  ['client_secret_post', undefined, 's+t'],
])('an operator says %s, whatever the provider says', async ([clientAuth, inHeader, inForm]) => {
  its.server.script = withMetadata({ token_endpoint_auth_methods_supported: ['private_key_jwt', 'tls_client_auth'] })

  await identityOf(newProvider({ clientId: 'mcp-broker', clientSecret: 's+t', clientAuth })).catch(() => undefined)

  const basic = inHeader === undefined ? undefined : `Basic ${Buffer.from(inHeader).toString('base64')}`
  expect(its.server.lastTokenRequest?.authorization).toBe(basic)
  expect(its.server.lastTokenRequest?.form.get('client_secret')).toBe(inForm)
})

test('an operator’s parameters are asked for too, beside the broker’s own', async () => {
  const login = newLogin()
  const { searchParams } = await newProvider({
    parameters: { audience: 'https://api.example', prompt: 'login' },
  }).authorizationUrl(login)
  expect(Object.fromEntries(searchParams)).toMatchObject({ audience: 'https://api.example', prompt: 'login', state: login.state })
})

describe('a refresh token is asked for', () => {
  test.for<[string, string[] | undefined, string, string | null]>([
    ['with the consent OpenID Connect demands for it', undefined, 'openid offline_access', 'consent'],
    ['where the provider offers it', ['openid', 'offline_access'], 'openid offline_access', 'consent'],
    ['nowhere else', ['openid', 'email'], 'openid', null],
  ])('%s', async ([, supported, scope, prompt]) => {
    its.server.script = withMetadata(supported ? { scopes_supported: supported } : {})

    const { searchParams } = await newProvider({ scopes: ['openid', 'offline_access'] }).authorizationUrl(newLogin())

    expect([searchParams.get('scope'), searchParams.get('prompt')]).toEqual([scope, prompt])
  })
})

const ADDRESS = { sub: '1', email: 'a@example.com' }

describe('the person', () => {
  test.for<[string, Account, Partial<Identity>]>([
    [
      'has no e-mail when the provider did not verify it',
      { sub: '1', email: 'a@example.com', email_verified: false },
      { email: undefined },
    ],
    [
      'has none when the provider says so in text',
      { sub: '1', email: 'a@example.com', email_verified: 'false' },
      { email: undefined },
    ],
    [
      'has one when the provider verified it',
      { sub: '1', email: 'a@example.com', email_verified: true },
      { email: 'a@example.com' },
    ],
    ['has one when the provider says so in text', { ...ADDRESS, email_verified: 'true' }, { email: 'a@example.com' }],
    ['has none when the provider does not say that it verified it', ADDRESS, { email: undefined }],
    ['has none when verified is a number', { ...ADDRESS, email_verified: 1 }, { email: undefined }],
    ['has none when it is no text', { sub: '1', email: { at: 'example.com' } }, { email: undefined }],
    ['is in one group given as text', { sub: '1', groups: 'staff' }, { groups: ['staff'] }],
    ['is in the groups that are text', { sub: '1', groups: ['staff', 7, null, { name: 'admins' }, ''] }, { groups: ['staff'] }],
    ['is in no group when none is named', { sub: '1' }, { groups: [] }],
    ['is in no group when groups are something else', { sub: '1', groups: { admins: true } }, { groups: [] }],
  ])('%s', async ([, account, expected]) => {
    its.server.account = account

    expect(await identityOf()).toMatchObject(expected)
  })
})

const told = (change: object) => (honest: object) => ({ ...honest, ...change })

const withoutRules = (): OidcProvider => new OidcProvider(settingsFor(its.server.issuer), {}, () => false)

describe('what the ID token leaves out', () => {
  const onlySubject: Script = { claims: without('email', 'name', 'groups') }

  test('userinfo tells', async () => {
    its.server.script = onlySubject

    expect(await identityOf()).toMatchObject({ email: 'ada@example.com', name: 'Ada', groups: ['engineers'] })
  })

  test('userinfo tells without overruling the ID token', async () => {
    its.server.script = {
      claims: without('name'),
      userInfo: (honest) => ({ ...honest, email: 'eve@example.com', groups: ['admins'] }),
    }

    expect(await identityOf()).toMatchObject({ email: 'ada@example.com', name: 'Ada', groups: ['engineers'] })
  })

  test.for<[string, object, object, string | undefined]>([
    ['whether the address is verified', { email_verified: undefined }, { email_verified: true }, 'ada@example.com'],
    ['and not of another address than its own', { email_verified: undefined }, { email: 'eve@example.com' }, 'eve@example.com'],
    ['and that it is not', {}, { email_verified: false }, 'ada@example.com'],
    [
      'an address, for which the word beside no address is no word',
      { email: undefined },
      { email_verified: undefined },
      undefined,
    ],
  ])('userinfo tells %s', async ([, token, userInfo, email]) => {
    its.server.script = { claims: (honest) => told(token)(without('name')(honest)), userInfo: told(userInfo) }

    expect((await identityOf()).email).toBe(email)
  })

  test('stays unknown where userinfo refuses the token', async () => {
    its.server.script = { ...onlySubject, fail: { userinfo: 403 } }

    expect(await identityOf()).toMatchObject({ subject: 'person-1', email: undefined, groups: [] })
  })

  test.for<[string, Script, string]>([
    ['userinfo speaks of somebody else', { ...onlySubject, userInfo: (honest) => ({ ...honest, sub: 'person-2' }) }, 'invalid'],
    ['userinfo does not answer', { ...onlySubject, fail: { userinfo: 503 } }, 'unreachable'],
  ])('signs nobody in when %s', async ([, script, reason]) => {
    its.server.script = script

    await expect(identityOf()).rejects.toMatchObject({ reason })
  })

  describe.for<[string, Script]>([
    ['503', { fail: { userinfo: 503 } }],
    ['500', { fail: { userinfo: 500 } }],
    ['429', { fail: { userinfo: 429 } }],
    ['204', { fail: { userinfo: 204 } }],
    ['a web page', { fail: { userinfo: 'web page' } }],
    ['nothing', { fail: { userinfo: 'nothing' } }],
  ])('where userinfo answers %s', ([, failing]) => {
    test('and only groups are missing that no rule names, is that the person has none, and the log says so', async () => {
      const logged = vi.spyOn(console, 'warn').mockImplementation(() => {})
      its.server.script = { ...failing, claims: without('groups', 'name') }

      expect(await identityOf(withoutRules())).toMatchObject({ email: 'ada@example.com', name: undefined, groups: [] })
      expect(logged.mock.calls.map(([line]) => line)).toEqual([expect.stringContaining('identity.groups_unknown')])
    })

    test('and a rule names groups, signs nobody in', async () => {
      its.server.script = { ...failing, claims: without('groups') }

      await expect(identityOf()).rejects.toMatchObject({ reason: 'unreachable' })
    })

    test('and the address is missing, signs nobody in', async () => {
      its.server.script = { ...failing, claims: without('groups', 'email') }

      await expect(identityOf(withoutRules())).rejects.toMatchObject({ reason: 'unreachable' })
    })

    test('and the ID token too, signs nobody in', async () => {
      its.server.script = { ...failing, tokenAnswer: without('id_token') }
      const provider = new OidcProvider(settingsFor(its.server.issuer, { scopes: ['profile'] }), {}, () => false)

      await expect(identityOf(provider)).rejects.toMatchObject({ reason: 'unreachable' })
    })
  })

  test('of which userinfo speaks as of somebody else, signs nobody in, whatever rules there are', async () => {
    its.server.script = { claims: without('groups'), userInfo: (honest) => ({ ...honest, sub: 'person-2' }) }

    await expect(identityOf(withoutRules())).rejects.toMatchObject({ reason: 'invalid' })
  })

  test('is not asked for when nothing is missing', async () => {
    await identityOf()

    expect(its.server.calls.userinfo).toBe(0)
  })
})

test('a plain OAuth server without ID tokens signs people in by userinfo when OpenID Connect was not asked for', async () => {
  its.server.script = {
    wellKnown: '/.well-known/oauth-authorization-server',
    metadata: without('jwks_uri'),
    tokenAnswer: without('id_token'),
  }

  expect(await identityOf(newProvider({ scopes: ['profile'] }))).toMatchObject({ subject: 'person-1', groups: ['engineers'] })
  await expect(identityOf(newProvider())).rejects.toMatchObject({ reason: 'invalid' })
})

test.for<[string, Script, string]>([
  ['does not know the broker', { tokenError: [401, 'invalid_client'] }, 'refused'],
  ['sends an error with status 200', { tokenError: [200, 'bad_verification_code'] }, 'refused'],
  ['is down', { fail: { token: 503 } }, 'unreachable'],
  ['sends a web page', { fail: { token: 'web page' } }, 'unreachable'],
  ['sends no token', { tokenAnswer: () => ({}) }, 'unreachable'],
  ['sends a token of another kind', { tokenAnswer: (honest) => ({ ...honest, token_type: 'mac' }) }, 'invalid'],
])('a sign-in stops when the token endpoint %s', async ([, script, reason]) => {
  its.server.script = script

  await expect(identityOf()).rejects.toMatchObject({ reason })
})
