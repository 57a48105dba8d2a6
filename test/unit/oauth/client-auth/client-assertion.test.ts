// Assertions that clients sign: which prove the client, and what every other one is told.
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type JSONWebKeySet } from 'jose'
import { describe, expect, test } from 'vitest'
import { verifiedWith } from '../../../../src/oauth-client/key-set.ts'
import { verifiedAssertion, type Verify } from '../../../../src/oauth/client-auth/client-assertion.ts'

const CLIENT = 'https://client.dev/client.json'
const ISSUER = 'https://mcp.widgets.dev'
const NOW = 1_800_000_000
const terms = { clientId: CLIENT, audiences: [ISSUER, `${ISSUER}/token`], now: NOW }

const es = await generateKeyPair('ES256', { extractable: true })
const rs = await generateKeyPair('RS256', { extractable: true })
const stranger = await generateKeyPair('ES256', { extractable: true })
const esJwk = { ...(await exportJWK(es.publicKey)), kid: 'es' }
const rsJwk = { ...(await exportJWK(rs.publicKey)), kid: 'rs' }
const signedBy =
  (set: JSONWebKeySet): Verify =>
  (token, options) =>
    verifiedWith(set, token, options)
const keys = signedBy({ keys: [esJwk, rsJwk] })
const sharedSecret = new TextEncoder().encode(JSON.stringify(rsJwk))

const claims = { iss: CLIENT, sub: CLIENT, aud: ISSUER, jti: 'a', iat: NOW, exp: NOW + 300 }

/** What is undefined is left out. */
function signed(
  changes: object = {},
  header: { readonly alg?: string; readonly kid?: string | undefined; readonly typ?: string } = {},
  key: CryptoKey | Uint8Array = es.privateKey,
): Promise<string> {
  const { alg = 'ES256', ...others } = { kid: 'es', ...header }
  return new SignJWT(given({ ...claims, ...changes })).setProtectedHeader({ alg, ...given(others) }).sign(key)
}

function given(members: object): Record<string, string> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}

describe('an assertion is taken', () => {
  test.for<[string, () => Promise<string>]>([
    ['for our issuer', () => signed()],
    ['for our token endpoint, as RFC 7523 had it', () => signed({ aud: `${ISSUER}/token` })],
    ['with its one audience in a list', () => signed({ aud: [ISSUER] })],
    ['without a time of issue', () => signed({ iat: undefined })],
    ['with the type that RFC 7523bis gives it', () => signed({}, { typ: 'client-authentication+jwt' })],
    ['signed with RSA', () => signed({}, { alg: 'RS256', kid: 'rs' }, rs.privateKey)],
    ['without a key id', () => signed({}, { kid: undefined })],
    ['a minute after it expired, because clocks differ', () => signed({ exp: NOW - 59 })],
    ['half a minute before it was issued, because clocks differ', () => signed({ nbf: NOW + 30, iat: NOW + 30 })],
  ])('%s', async ([, assertion]) => {
    expect(await verifiedAssertion(await assertion(), keys, terms)).toMatchObject({ id: expect.stringMatching(/^[\w-]{43}$/) })
  })

  test('without a key id, whichever of two keys of a kind signed it', async () => {
    const both = signedBy({ keys: [await exportJWK(stranger.publicKey), await exportJWK(es.publicKey)] })
    expect(await verifiedAssertion(await signed({}, { kid: undefined }), both, terms)).toBeDefined()
  })

  test('is another one for another client and for another jti, and is forgotten when nobody would take it', async () => {
    const one = await verifiedAssertion(await signed(), keys, terms)
    const other = await verifiedAssertion(await signed({ jti: 'b' }), keys, terms)
    const theirs = await verifiedAssertion(await signed({ iss: 'x', sub: 'x' }), keys, { ...terms, clientId: 'x' })
    expect(new Set([one?.id, other?.id, theirs?.id]).size).toBe(3)
    expect(one?.until).toBe(NOW + 360)
  })
})

test('an assertion of a key that is not there is not refused yet: keys change', async () => {
  expect(await verifiedAssertion(await signed({}, { kid: 'new' }), keys, terms)).toBeUndefined()
})

describe('an assertion is refused when', () => {
  test.for<[string, () => Promise<string> | string, RegExp]>([
    ['another client issued it', () => signed({ iss: 'https://evil.dev/client.json' }), /wrong iss/],
    ['it is about another client', () => signed({ sub: 'https://evil.dev/client.json' }), /wrong sub/],
    ['it is for somebody else', () => signed({ aud: 'https://other.dev' }), /for somebody else/],
    ['it is for our issuer with a slash', () => signed({ aud: `${ISSUER}/` }), /for somebody else/],
    ['it is for us and for somebody else', () => signed({ aud: [ISSUER, 'https://other.dev'] }), /one aud/],
    ['it is for nobody', () => signed({ aud: undefined }), /wrong aud/],
    ['it has expired', () => signed({ exp: NOW - 61 }), /expired/],
    ['it never expires', () => signed({ exp: undefined }), /wrong exp/],
    ['it expires in a year', () => signed({ exp: NOW + 31_536_000 }), /longer than 600/],
    ['it is for later', () => signed({ nbf: NOW + 120 }), /wrong nbf/],
    ['it has no id', () => signed({ jti: undefined }), /wrong jti/],
    ['its id is empty', () => signed({ jti: '' }), /jti/],
    ['a stranger signed it', () => signed({}, {}, stranger.privateKey), /signature/],
    ['nobody signed it', () => new UnsecuredJWT(claims).encode(), /signature/],
    ['it is signed with a public key for a secret', () => signed({}, { alg: 'HS256', kid: 'rs' }, sharedSecret), /signature/],
    ['it is an access token', () => signed({}, { typ: 'at+jwt' }), /another kind/],
    ['it is no JWT', () => 'a.b.c', /signature/],
  ])('%s', async ([, assertion, message]) => {
    const outcome = await verifiedAssertion(await assertion(), keys, terms).catch((error: unknown) => error)
    expect(outcome).toMatchObject({ code: 'invalid_client', status: 401, message: expect.stringMatching(message) })
  })

  test('its key can verify nothing', async () => {
    const broken = signedBy({ keys: [{ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }] })
    const outcome = await verifiedAssertion(await signed({}, { kid: undefined }), broken, terms).catch((error: unknown) => error)
    expect(outcome).toMatchObject({ code: 'invalid_client' })
  })

  test('none of several keys signed it', async () => {
    const another = await generateKeyPair('ES256')
    const both = signedBy({ keys: [await exportJWK(stranger.publicKey), await exportJWK(another.publicKey)] })
    expect(await verifiedAssertion(await signed({}, { kid: undefined }), both, terms)).toBeUndefined()
  })
})
