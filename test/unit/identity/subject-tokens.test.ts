// Tokens of an issuer nobody signs in with: which are believed, which are not, and how often the issuer is asked for its keys.
import { randomUUID } from 'node:crypto'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { statementReaders } from '../../../src/identity/subject-tokens.ts'
import type { StatementKind, Verdict } from '../../../src/session/contract/subject-token.ts'
import { subjectRules, type SubjectRule } from '../../../src/settings/subjects.ts'
import { perTest } from '../../world/fixture.ts'
import { newKey, TrustedIssuer, type Claims } from '../../world/trusted-issuer.ts'

const BROKER = 'https://mcp.example.com'
const AUDIENCES = ['broker', 'broker-too']

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})
const its = perTest(async (closing) => {
  const issuer = await closing(TrustedIssuer.start())
  return { issuer, readers: readersFor(issuer.issuer) }
})
afterEach(() => void vi.useRealTimers())

const now = (): number => Math.floor(Date.now() / 1000)
const pass = (seconds: number): void => void vi.setSystemTime(Date.now() + seconds * 1000)

function readersFor(url: string, allowed?: readonly SubjectRule[]) {
  const subjects = { issuer: url, audiences: AUDIENCES, ...(allowed && { allowed }) }
  const settings = { subjects, assertionIssuers: [url], longestSession: 3_600 }
  const { subject, assertion } = statementReaders(settings, { broker: BROKER, providers: [], now })
  if (!subject || !assertion) throw new Error('both were configured')
  return { subject, assertion }
}

const sign: TrustedIssuer['sign'] = (...asked) => its.issuer.sign(...asked)
const read = async (token: string, kind: StatementKind = 'id_token'): Promise<Verdict> => await its.readers.subject(token, kind)
const outcome = (verdict: Verdict): string => (verdict.verified ? 'believed' : verdict.refusal)

const STRANGER = { sub: 'repo:stranger/evil:ref:refs/heads/main', repository_owner_id: '666' }

describe('where AUTH_SUBJECTS says whose tokens are meant, one is', () => {
  test.for<[string, string, Claims, string]>([
    ['taken of a repository of the owner', 'repo:acme/*', { sub: 'repo:acme/app:ref:refs/heads/main' }, 'believed'],
    ['refused of a stranger', 'repo:acme/*', STRANGER, 'invalid'],
    ['refused of an owner whose name only begins like it', 'repo:acme/*', { sub: 'repo:acme-evil/app' }, 'invalid'],
    ['refused that only holds what fits', 'repo:acme/*', { sub: 'x:repo:acme/app' }, 'invalid'],
    ['refused that goes on', 'repo:acme/app', { sub: 'repo:acme/app:x' }, 'invalid'],
    ['refused in other letters', 'repo:acme/*', { sub: 'repo:Acme/app' }, 'invalid'],
    ['taken by another claim', '[{"repository_owner_id":"1234"}]', { repository_owner_id: '1234' }, 'believed'],
    ['taken by a number', '[{"repository_owner_id":"1234"}]', { repository_owner_id: 1234 }, 'believed'],
    ['refused without the claim', '[{"repository_owner_id":"1234"}]', {}, 'invalid'],
    ['refused with half of the claims', '[{"repository_owner_id":"666","ref":"main"}]', { ...STRANGER, ref: 'evil' }, 'invalid'],
    [
      'taken by a claim inside another one',
      '[{"google.compute_engine.project_id":"acme"}]',
      { google: { compute_engine: { project_id: 'acme' } } },
      'believed',
    ],
    ['taken by an address', '[{"email":"ci@acme.com"}]', { email: 'ci@acme.com', email_verified: true }, 'believed'],
    ['refused by an address nobody has verified', '[{"email":"ci@acme.com"}]', { email: 'ci@acme.com' }, 'invalid'],
    ['refused by a claim that every object has', '[{"constructor.name":"Object"}]', {}, 'invalid'],
  ])('%s', async ([, written, claims, expected]) => {
    const { subject } = readersFor(its.issuer.issuer, subjectRules(written))
    expect(outcome(await subject(await sign(claims), 'id_token'))).toBe(expected)
  })
})

test('what a token says is who its subject is there, and what it leaves out is left open', async () => {
  expect(
    await read(await sign({ email: 'ada@example.com', email_verified: true, name: 'Ada', groups: ['staff'] })),
  ).toMatchObject({
    verified: true,
    statement: {
      identity: { issuer: its.issuer.issuer, subject: 'person-1', email: 'ada@example.com', name: 'Ada', groups: ['staff'] },
      saysGroups: true,
      audience: 'broker',
      isAccessToken: false,
    },
  })
  const unverified = await read(await sign({ email: 'ada@example.com', email_verified: false }))
  expect(unverified).toMatchObject({ statement: { identity: { email: undefined, groups: [] }, saysGroups: false } })
})

describe('a token is believed when', () => {
  test.for<[string, Claims, object, StatementKind]>([
    ['it names its kind', {}, { typ: 'JWT' }, 'id_token'],
    ['it is for one of several audiences, and its party is ours', { aud: ['api', 'broker'], azp: 'broker-too' }, {}, 'id_token'],
    ['it is an access token, whoever called for it', { aud: ['api', 'broker'], azp: 'app' }, { typ: 'at+jwt' }, 'access_token'],
    ['it is any of both, and that was asked for', {}, { typ: 'application/at+jwt' }, 'jwt'],
  ])('%s', async ([, claims, header, kind]) => {
    expect(outcome(await read(await sign(claims, header), kind))).toBe('believed')
  })
})

const signed =
  (claims: Claims, header: object = {}) =>
  async () =>
    await sign(claims, header)

describe('attack 24: a token is not believed when', () => {
  test.for<[string, () => Promise<string>, StatementKind?]>([
    [
      'it has no signature',
      async () => new UnsecuredJWT({ iss: its.issuer.issuer, sub: 'a', aud: 'broker', iat: now(), exp: now() + 60 }).encode(),
    ],
    ['it is signed with the public key as a secret', async () => await withPublicKeyAsSecret()],
    ['somebody else has signed it', async () => await sign({}, { kid: its.issuer.key.kid }, await newKey())],
    ['it brings its own key', async () => await withItsOwnKey()],
    ['its algorithm is not one its issuer signs with', async () => await withAnotherAlgorithm()],
    ['it is for another audience', signed({ aud: 'another' })],
    ['it is for nobody', signed({ aud: undefined })],
    ['its audience only begins like ours', signed({ aud: 'broker-3' })],
    ['it is for several, and names no party', signed({ aud: ['broker', 'another'] })],
    ['it was issued to another party', signed({ azp: 'another' })],
    ['it names nobody', signed({ sub: undefined })],
    ['it does not end', signed({ exp: undefined })],
    ['it does not say when it was issued', signed({ iat: undefined })],
    ['it is of another issuer', signed({ iss: 'https://elsewhere.example' })],
    ['its issuer is spelled with a slash', async () => await sign({ iss: `${its.issuer.issuer}/` })],
    ['it is an access token that is called an ID token', signed({}, { typ: 'at+jwt' })],
    ['it is an ID token that is called an access token', signed({}), 'access_token'],
    ['it is an assertion for a client', signed({}, { typ: 'oauth-id-jag+jwt' }), 'jwt'],
    ['it is a logout token', signed({ events: { 'http://schemas.openid.net/event/backchannel-logout': {} } })],
    ['it calls itself a logout token', signed({}, { typ: 'logout+jwt' })],
    ['its kind is no text', signed({}, { typ: 5 })],
    ['it is bound to a key', signed({ cnf: { jkt: 'abc' } }, { typ: 'at+jwt' }), 'access_token'],
    ['it is of one of several tenants', signed({ tenant: 'acme' })],
    ['it is longer than any token', signed({ filling: 'x'.repeat(20_000) })],
    ['it is no token', async () => 'not.a.token'],
    ['it is empty', async () => ''],
  ])('%s', async ([, made, kind]) => {
    expect(await read(await made(), kind)).toEqual({ verified: false, refusal: 'invalid', why: expect.any(String) })
  })

  test('its kid is unknown: a thousand of them ask for the keys once in thirty seconds', { timeout: 30_000 }, async () => {
    expect(outcome(await read(await sign()))).toBe('believed')
    pass(31)
    const flood = await Promise.all(Array.from({ length: 1_000 }, async () => await read(await sign({}, { kid: randomUUID() }))))
    expect(new Set(flood.map(outcome))).toEqual(new Set(['invalid']))
    expect(its.issuer.calls).toEqual({ metadata: 1, keys: 2 })
  })

  test('it is of a kind that needs no key to be refused: nobody is asked', async () => {
    await read(await sign({ aud: 'another' }))
    await read(await sign({}, { typ: 'at+jwt' }))
    expect(its.issuer.calls).toEqual({ metadata: 0, keys: 0 })
  })
})

describe('attack 25: while the issuer', () => {
  test.for<[string, { metadata?: number; keys?: number }]>([
    ['publishes no keys', { keys: 503 }],
    ['publishes nothing', { metadata: 503 }],
  ])('%s nothing is known, and it is asked once a second', async ([, failing]) => {
    Object.assign(its.issuer.failing, failing)
    for (let n = 0; n < 20; n += 1) expect(outcome(await read(await sign()))).toBe('unknown')
    expect(its.issuer.calls.metadata + its.issuer.calls.keys).toBe(failing.keys === undefined ? 1 : 2)
    delete its.issuer.failing.keys
    delete its.issuer.failing.metadata
    pass(1)
    expect(outcome(await read(await sign()))).toBe('believed')
  })

  test('is away, the keys it has published go on to count for fifteen minutes', async () => {
    expect(outcome(await read(await sign()))).toBe('believed')
    its.issuer.failing.keys = 503
    pass(899)
    expect(outcome(await read(await sign()))).toBe('believed')
    pass(2)
    expect(outcome(await read(await sign()))).toBe('unknown')
  })

  test('rotates with overlap, every token is believed', async () => {
    const [before, after] = [its.issuer.key, await newKey()]
    expect(outcome(await read(await sign()))).toBe('believed')
    its.issuer.published = [before, after]
    pass(31)
    expect(outcome(await read(await sign({}, {}, after)))).toBe('believed')
    expect(outcome(await read(await sign({}, {}, before)))).toBe('believed')
    its.issuer.published = [after]
    pass(301)
    expect(outcome(await read(await sign({}, {}, after)))).toBe('believed')
    expect(outcome(await read(await sign({}, {}, before)))).toBe('invalid')
  })
})

describe('attack 26: clocks that differ', () => {
  test.for<[string, (at: number) => Claims, string]>([
    ['59 seconds after its end', (at) => ({ iat: at - 300, exp: at - 59 }), 'believed'],
    ['61 seconds after its end', (at) => ({ iat: at - 300, exp: at - 61 }), 'expired'],
    ['ten minutes after its end', (at) => ({ iat: at - 900, exp: at - 600 }), 'expired'],
    ['59 seconds before it was issued', (at) => ({ iat: at + 59, nbf: at + 59 }), 'believed'],
    ['61 seconds before it was issued', (at) => ({ iat: at + 61 }), 'invalid'],
    ['61 seconds before it may be used', (at) => ({ nbf: at + 61 }), 'invalid'],
    ['ten minutes before it may be used', (at) => ({ nbf: at + 600 }), 'invalid'],
  ])('%s it is as it should be', async ([, claims, expected]) => {
    expect(outcome(await read(await sign(claims(now()))))).toBe(expected)
  })
})

describe('attack 49: keys are not fetched from', () => {
  test.for([
    'http://169.254.169.254/latest/meta-data',
    'http://10.0.0.1/keys',
    'http://keys.example.com/keys',
    'file:///etc/passwd',
    'data:application/json,{"keys":[]}',
    'keys',
  ])('%s, whatever the document of the issuer says', async (jwks_uri) => {
    its.issuer.lies = { jwks_uri }
    expect(await read(await sign())).toMatchObject({ refusal: 'unknown', why: expect.stringMatching(/https/) })
  })

  test('an issuer whose document names another one', async () => {
    its.issuer.lies = { issuer: 'https://elsewhere.example' }
    expect(outcome(await read(await sign()))).toBe('unknown')
  })
})

describe('an assertion for a client', () => {
  const JAG = { typ: 'oauth-id-jag+jwt' }
  const idJag = async (claims: Claims = {}, header: object = JAG): Promise<string> =>
    await sign({ aud: BROKER, client_id: 'app', jti: 'once', resource: `${BROKER}/mcp`, scope: 'mcp', ...claims }, header)

  test('says for whom, for what and once', async () => {
    expect(await its.readers.assertion(await idJag())).toMatchObject({
      statement: { clientId: 'app', resources: [`${BROKER}/mcp`], scope: 'mcp', jti: 'once', audience: BROKER },
    })
  })

  test.for<[string, Claims, object?]>([
    ['is an ID token', {}, { typ: 'JWT' }],
    ['is for another server', { aud: 'https://other.example' }],
    ['is for others too', { aud: [BROKER, 'https://other.example'] }],
    ['is for an audience of subject tokens', { aud: 'broker' }],
    ['lives for longer than an hour', { exp: now() + 7_200 }],
    ['has no jti', { jti: undefined }],
    ['is bound to a key', { cnf: { jkt: 'abc' } }],
    ['is of one of several tenants', { tenant: 'acme' }],
  ])('is not believed when it %s', async ([, claims, header]) => {
    expect(await its.readers.assertion(await idJag(claims, header))).toMatchObject({ verified: false, refusal: 'invalid' })
  })

  test('of an issuer that is not listed is not believed, and nobody is asked', async () => {
    const stranger = await TrustedIssuer.start()
    expect(outcome(await its.readers.assertion(await stranger.sign({ aud: BROKER, jti: 'x' }, JAG)))).toBe('invalid')
    expect([stranger.calls, its.issuer.calls]).toEqual([
      { metadata: 0, keys: 0 },
      { metadata: 0, keys: 0 },
    ])
    await stranger.close()
  })
})

async function withPublicKeyAsSecret(): Promise<string> {
  const { publicKey } = await generateKeyPair('RS256', { extractable: true })
  const spki = await exportSPKI(publicKey)
  its.issuer.published = [
    { ...its.issuer.key, publicJwk: { ...(await exportJWK(publicKey)), kid: its.issuer.key.kid, use: 'sig' } },
  ]
  const claims = { iss: its.issuer.issuer, sub: 'a', aud: 'broker', iat: now(), exp: now() + 60 }
  return await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', kid: its.issuer.key.kid })
    .sign(new TextEncoder().encode(spki))
}

async function withItsOwnKey(): Promise<string> {
  const own = await newKey()
  return await sign({}, { jwk: own.publicJwk }, { ...own, kid: its.issuer.key.kid })
}

/** The issuer publishes the key, but says that it signs with RS256 alone. */
async function withAnotherAlgorithm(): Promise<string> {
  const other = await newKey('ES256')
  its.issuer.published = [its.issuer.key, other]
  return await sign({}, {}, other)
}
