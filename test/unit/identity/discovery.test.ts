// Finding an issuer: every well-known address, one right name, and no memory of failures.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { perTest } from '../../world/fixture.ts'
import { OidcProvider } from '../../../src/identity/oidc.ts'
import { newLogin, settingsFor } from './logins.ts'
import { ScriptedProvider, without, type Script } from './scripted-provider.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
  vi.spyOn(console, 'warn').mockReturnValue()
})
const its = perTest(async (closing) => {
  const server = await closing(ScriptedProvider.start('/tenants/acme'))
  return { server }
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const providerAt = (url: string): OidcProvider => new OidcProvider(settingsFor(url))
const sentTo = async (provider: OidcProvider): Promise<string> => {
  const { origin, pathname } = await provider.authorizationUrl(newLogin())
  return `${origin}${pathname}`
}

test.for([
  '/tenants/acme/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server/tenants/acme',
  '/.well-known/openid-configuration/tenants/acme',
  '/tenants/acme/.well-known/oauth-authorization-server',
])('metadata is found at %s', async (wellKnown) => {
  its.server.script = { wellKnown }

  expect(await sentTo(providerAt(its.server.issuer))).toBe(`${its.server.issuer}/authorization`)
  expect(its.server.calls.discovery).toBe(1)
})

test.for([
  ['', '/'],
  ['/', ''],
])('an operator may forget or add the last slash ("%s" for "%s")', async ([typed, real]) => {
  its.server.script = { metadata: (honest) => ({ ...honest, issuer: `${its.server.issuer}${real}` }) }

  expect(await sentTo(providerAt(`${its.server.issuer}${typed}`))).toBe(`${its.server.issuer}/authorization`)
})

describe('nobody is sent anywhere when', () => {
  test.for<[string, () => Script, string]>([
    [
      'the document names another issuer',
      () => ({ metadata: (honest) => ({ ...honest, issuer: 'https://evil.example' }) }),
      'invalid',
    ],
    [
      'the document names the issuer’s parent',
      () => ({ metadata: (honest) => ({ ...honest, issuer: its.server.origin }) }),
      'invalid',
    ],
    ['the document has no token endpoint', () => ({ metadata: without('token_endpoint') }), 'invalid'],
    ['there is no document', () => ({ wellKnown: '/elsewhere' }), 'invalid'],
    ['there is a web page instead', () => ({ fail: { discovery: 'web page' } }), 'invalid'],
    ['the document moved', () => ({ fail: { discovery: 302 } }), 'invalid'],
    ['the provider is down', () => ({ fail: { discovery: 503 } }), 'unreachable'],
    ['the provider is overrun', () => ({ fail: { discovery: 429 } }), 'unreachable'],
  ])('%s, until it is mended', async ([, script, reason]) => {
    const provider = providerAt(its.server.issuer)
    its.server.script = script()

    await expect(provider.authorizationUrl(newLogin())).rejects.toMatchObject({ name: 'IdentityError', reason })

    its.server.script = {}
    expect(await sentTo(provider)).toBe(`${its.server.issuer}/authorization`)
  })

  test('the sign-in page is a script', async () => {
    its.server.script = { metadata: (honest) => ({ ...honest, authorization_endpoint: 'javascript:alert(1)' }) }

    await expect(providerAt(its.server.issuer).authorizationUrl(newLogin())).rejects.toMatchObject({ reason: 'invalid' })
  })

  test('nobody listens there', async () => {
    const { issuer } = its.server
    await its.server.close()

    await expect(providerAt(issuer).authorizationUrl(newLogin())).rejects.toMatchObject({ reason: 'unreachable' })
  })

  test('the provider is plain http on another machine', async () => {
    await expect(providerAt('http://login.example.com').authorizationUrl(newLogin())).rejects.toMatchObject({ reason: 'invalid' })
  })
})

test('metadata is asked for once an hour', async () => {
  const provider = providerAt(its.server.issuer)
  await sentTo(provider)
  vi.setSystemTime(Date.now() + 3_599_000)
  await sentTo(provider)
  expect(its.server.calls.discovery).toBe(1)

  vi.setSystemTime(Date.now() + 2000)
  await sentTo(provider)
  expect(its.server.calls.discovery).toBe(2)
})
