// Answers nobody should believe: forged ID tokens, callbacks of another provider, clocks that are wrong.
import { SignJWT, UnsecuredJWT } from 'jose'
import { describe, expect, test, vi } from 'vitest'
import type { IdentityError } from '../../../src/identity/provider.ts'
import { CALLBACK, newLogin, signedIn } from './logins.ts'
import { newSigningKey, sign, without, type Script } from './scripted-provider.ts'
import { atScriptedProvider } from './scripted-clock.ts'

const its = atScriptedProvider()

type Claims = Record<string, unknown>

const otherKey = newSigningKey()
const withClaims = (change: Claims): Script => ({ claims: (honest) => ({ ...honest, ...change }) })
const now = (): number => Math.floor(Date.now() / 1000)
const visit = (url: URL): Promise<URL> => its.server.visit(url)

describe('attack 24: nobody is signed in by an ID token that', () => {
  test.for<[string, () => Script]>([
    ['has no signature (alg none)', () => ({ idToken: (claims) => new UnsecuredJWT(claims).encode() })],
    ['has alg none in other letters', () => ({ idToken: (claims) => unsigned({ alg: 'nOnE' }, claims) })],
    ['is signed with the published key as HMAC secret (HS256)', () => ({ idToken: hmacWithPublicKey })],
    [
      'is signed with HS256 although the metadata allows it',
      () => ({
        idToken: hmacWithPublicKey,
        metadata: (honest) => ({ ...honest, id_token_signing_alg_values_supported: ['HS256', 'none', 'RS256'] }),
      }),
    ],
    [
      'is signed by a stranger under the name of a known key',
      () => ({ idToken: async (claims) => sign({ ...(await otherKey), kid: its.server.signingKey.kid }, claims) }),
    ],
    [
      'is signed by a stranger under a name nobody published',
      () => ({ idToken: async (claims) => sign(await otherKey, claims) }),
    ],
    ['brings its own key', () => ({ idToken: signedWithEmbeddedKey })],
    ['was changed after signing', () => ({ idToken: async (claims) => tampered(await sign(its.server.signingKey, claims)) })],
    ['is for another audience', () => withClaims({ aud: 'somebody-else' })],
    ['is for several audiences and names no authorized party', () => withClaims({ aud: ['broker', 'somebody-else'] })],
    ['was issued to another client', () => withClaims({ azp: 'somebody-else' })],
    ['is for several audiences and was issued to another client', () => withClaims({ aud: ['broker', 'x'], azp: 'x' })],
    ['answers another login', () => withClaims({ nonce: 'another' })],
    ['answers no login', () => ({ claims: without('nonce') })],
    ['names another issuer', () => withClaims({ iss: 'https://evil.example' })],
    ['names the issuer with a slash more', () => withClaims({ iss: `${its.server.issuer}/` })],
    ['expired ten minutes ago', () => withClaims({ exp: now() - 600 })],
    ['is not valid for ten more minutes', () => withClaims({ nbf: now() + 600 })],
    ['was issued in ten minutes', () => withClaims({ iat: now() + 600 })],
    ['never expires', () => ({ claims: without('exp') })],
    ['names nobody', () => ({ claims: without('sub') })],
    ['names nobody (empty)', () => withClaims({ sub: '' })],
    ['is no token', () => ({ idToken: () => 'not.a-token' })],
    ['is missing', () => ({ tokenAnswer: without('id_token') })],
  ])('%s', async ([, script]) => {
    its.server.script = script()

    await expect(signedIn(its.provider, visit)).rejects.toMatchObject({ name: 'IdentityError', reason: 'invalid' })

    its.server.script = {}
    await expect(signedIn(its.provider, visit)).resolves.toMatchObject({ identity: { subject: 'person-1' } })
  })
})

test('an ID token for several audiences is believed where it names the broker as its authorized party, and the log says what is missing', async () => {
  its.server.script = withClaims({ aud: ['broker', 'somebody-else'], azp: 'broker' })
  await expect(signedIn(its.provider, visit)).resolves.toMatchObject({ identity: { subject: 'person-1' } })

  its.server.script = withClaims({ aud: ['broker', 'somebody-else'] })
  await expect(signedIn(its.provider, visit)).rejects.toMatchObject({
    detail: expect.stringContaining('expected the client ID alone, or azp beside it, got ["broker","somebody-else"]'),
  })
})

describe('what the provider refuses before anybody signs in is called that, not a token exchange:', () => {
  test.for<[string, string, string | undefined, string]>([
    ['invalid_scope', 'refused', 'scope', 'refused to begin the sign-in: it does not allow a scope that the broker asks for.'],
    ['unauthorized_client', 'refused', 'client', 'refused to begin the sign-in: it does not let the broker ask.'],
    ['invalid_client', 'refused', 'client', 'refused to begin the sign-in'],
    ['application_suspended', 'refused', 'client', 'refused to begin the sign-in'],
    ['invalid_request', 'refused', 'request', 'it does not take the request as the broker sends it.'],
    ['unsupported_response_type', 'refused', 'request', 'refused to begin the sign-in'],
    ['redirect_uri_mismatch', 'refused', 'request', 'refused to begin the sign-in'],
    ['access_denied', 'denied', undefined, 'did not let you in'],
    ['consent_required', 'denied', undefined, 'did not let you in'],
    ['temporarily_unavailable', 'unreachable', undefined, 'did not answer'],
  ])('%s', async ([error, reason, fault, message]) => {
    const login = newLogin()
    const callback = new URL(`${CALLBACK}?error=${error}&state=${login.state}`)

    await expect(its.provider.signIn(callback, login)).rejects.toMatchObject({
      reason,
      code: error,
      fault,
      message: expect.stringContaining(message),
    })
  })
})

describe('attack 26: a provider whose clock is', () => {
  test.for<[string, number, string]>([
    ['a minute behind is believed', -60, 'signed in'],
    ['a minute ahead is believed', 60, 'signed in'],
    ['ten minutes behind is not believed', -600, 'invalid'],
    ['ten minutes ahead is not believed', 600, 'invalid'],
  ])('%s', async ([, skew, expected]) => {
    its.server.script = { claims: (honest) => ({ ...honest, iat: now() + skew, nbf: now() + skew, exp: now() + skew + 300 }) }

    const answer = await signedIn(its.provider, visit).then(
      () => 'signed in',
      (error: IdentityError) => error.reason,
    )

    expect(answer).toBe(expected)
  })
})

describe('attack 22: a callback is refused before its code travels when', () => {
  test.for<[string, { announces: boolean; iss: string | undefined }]>([
    ['it names another issuer', { announces: true, iss: 'https://evil.example' }],
    ['it names another issuer and the provider never said it would name one', { announces: false, iss: 'https://evil.example' }],
    ['it names no issuer although the provider said it would', { announces: true, iss: undefined }],
  ])('%s', async ([, { announces, iss }]) => {
    its.server.script = { metadata: (honest) => ({ ...honest, authorization_response_iss_parameter_supported: announces }) }
    const login = newLogin()
    const callback = await visit(await its.provider.authorizationUrl(login))
    if (iss !== undefined) callback.searchParams.set('iss', iss)

    await expect(its.provider.signIn(callback, login)).rejects.toMatchObject({ reason: 'invalid' })

    expect(its.server.calls.token).toBe(0)
    callback.searchParams.set('iss', its.server.issuer)
    await expect(its.provider.signIn(callback, login)).resolves.toBeDefined()
  })
})

describe('a callback that brings an error instead of a code', () => {
  test.for([
    ['access_denied', 'denied'],
    ['login_required', 'denied'],
    ['temporarily_unavailable', 'unreachable'],
    ['server_error', 'unreachable'],
    ['invalid_scope', 'refused'],
    ['unauthorized_client', 'refused'],
  ] as const)('%s means %s', async ([error, reason]) => {
    const login = newLogin()
    const callback = new URL(`${login.redirectUri}?state=${login.state}&error=${error}`)

    await expect(its.provider.signIn(callback, login)).rejects.toMatchObject({ reason, code: error })
  })

  test.for<[string, (state: string) => string]>([
    ['an error for another login', () => 'state=another&error=access_denied'],
    ['two codes', (state) => `state=${state}&code=1&code=2`],
    ['two states', (state) => `state=${state}&state=${state}&code=1`],
    ['no code and no error', (state) => `state=${state}`],
  ])('%s is believed by nobody', async ([, query]) => {
    const login = newLogin()

    const answer = its.provider.signIn(new URL(`${login.redirectUri}?${query(login.state)}`), login)

    await expect(answer).rejects.toMatchObject({ reason: 'invalid' })
    expect(its.server.calls.token).toBe(0)
  })
})

test('the page gets a sentence, the log gets the cause, and neither gets a token', async () => {
  its.server.script = { claims: (honest) => ({ ...honest, iss: 'https://moved.example', email: 'ada@example.com' }) }

  const error: unknown = await signedIn(its.provider, visit).catch((thrown: unknown) => thrown)

  expect(error).toHaveProperty(
    'message',
    'The answer of the identity provider could not be verified, so the sign-in was stopped.',
  )
  const [line] = vi.mocked(console.warn).mock.lastCall ?? []
  expect(JSON.parse(String(line))).toMatchObject({
    event: 'identity.failed',
    step: 'sign in',
    reason: 'invalid',
    detail: expect.stringContaining(`expected ${its.server.issuer}, got "https://moved.example"`),
  })
  expect(line).not.toMatch(/eyJ|ada@example\.com/)
})

async function hmacWithPublicKey(claims: Claims): Promise<string> {
  const { kid, publicJwk } = its.server.signingKey
  return await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', kid })
    .sign(new TextEncoder().encode(JSON.stringify(publicJwk)))
}

async function signedWithEmbeddedKey(claims: Claims): Promise<string> {
  const { kid, privateKey, publicJwk } = await otherKey
  return await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid, jwk: publicJwk }).sign(privateKey)
}

function unsigned(header: object, claims: Claims): string {
  return `${[header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`
}

function tampered(token: string): string {
  const [header, payload = '', signature] = token.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
  return [header, Buffer.from(JSON.stringify({ ...claims, groups: ['admins'] })).toString('base64url'), signature].join('.')
}
