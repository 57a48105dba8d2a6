// The token of a revocation: which is believed, which is not, and how often anybody is asked for keys because of one.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { Issuer } from '../../../src/identity/issuer.ts'
import { readRevocationToken, subjectIn } from '../../../src/signals/global-token-revocation.ts'
import type { SignalSource } from '../../../src/signals/signer.ts'
import { personOf } from '../../../src/signals/subject.ts'
import { NO_SIGNALS } from '../../../src/settings/signals.ts'
import { fixture } from '../../world/fixture.ts'
import { OktaOrg } from '../../world/signal-sender.ts'
import { newPair, signedJwt, signedWithPublicKey, unsignedJwt } from '../../world/signed.ts'

const URL_HERE = 'https://mcp.example.com/global-token-revocation'
const PEOPLE = 'https://idp.example/oauth2/default'
const now = (): number => Math.floor(Date.now() / 1000)
const strangers = newPair()

let source: SignalSource
const the = fixture(async (closing) => {
  const okta = await closing(OktaOrg.start())
  return { okta }
})
afterAll(() => vi.useRealTimers())
beforeEach(() => {
  source = {
    key: 'okta',
    name: 'Okta',
    clientId: 'broker',
    settings: { ...NO_SIGNALS, revocationIssuer: the.okta.issuer },
    revocation: new Issuer(the.okta.issuer, now),
    accessToken: () => Promise.reject(new Error('nobody asks')),
    pushSecrets: ['secret'],
    issues: (issuer) => issuer === PEOPLE,
    peopleIssuer: () => Promise.resolve(PEOPLE),
  }
})

type Changes = Readonly<Record<string, unknown>>
const claims = (changes: Changes = {}): Changes => the.okta.revocationClaims(URL_HERE, 'broker', changes)
const made = (changes: Changes = {}, header: Changes = { typ: 'global-token-revocation+jwt' }): string =>
  signedJwt(the.okta.pair, claims(changes), header)
const read = (token: string) => readRevocationToken(token, { source, url: URL_HERE, now: now() })

describe('the token of a revocation is taken', () => {
  test.for<[string, () => string]>([
    ['as the draft has it', () => made()],
    ['without a type', () => made({}, {})],
    ['as any JWT', () => made({}, { typ: 'JWT' })],
    ['for an installation of the client', () => made({ sub: 'broker/instance-7' })],
    ['for one audience in a list', () => made({ aud: [URL_HERE] })],
    ['that began five minutes ago, which is no part of its life', () => made({ nbf: now() - 300 })],
    ['by a clock that is a little ahead', () => made({ iat: now() + 30, exp: now() + 330 })],
  ])('%s', async ([, token]) => {
    expect(await read(token())).toMatchObject({ issuer: the.okta.issuer, jti: expect.any(String), until: expect.any(Number) })
  })
})

describe('the token of a revocation is not believed when', () => {
  test.for<[string, () => string]>([
    ['it is not signed (alg: none)', () => unsignedJwt(claims())],
    ['it is signed with the public key (HS256)', () => signedWithPublicKey(the.okta.pair, claims())],
    ['its signature is another’s', () => signedJwt({ ...strangers, kid: the.okta.pair.kid }, claims())],
    ['it is a token of another type', () => made({}, { typ: 'at+jwt' })],
    ['it is a security event', () => made({}, { typ: 'secevent+jwt' })],
    ['it lives for longer than 300 seconds', () => made({ exp: now() + 301 })],
    ['it ends before it begins', () => made({ iat: now() + 10, exp: now() + 5 })],
    ['it does not say when it was made', () => made({ iat: undefined })],
    ['it never expires', () => made({ exp: undefined })],
    ['it has expired', () => made({ iat: now() - 400, exp: now() - 100 })],
    ['it was made in the future', () => made({ iat: now() + 120, exp: now() + 200 })],
    ['it has no id', () => made({ jti: undefined })],
    ['it is for another address here', () => made({ aud: `${URL_HERE}/okta` })],
    ['it is for the address with a slash', () => made({ aud: `${URL_HERE}/` })],
    ['it is for several', () => made({ aud: [URL_HERE, 'https://other.example'] })],
    ['it was made for another client', () => made({ sub: 'broker-two' })],
    ['it is of another issuer', () => made({ iss: 'https://other.okta.com' })],
    ['it is no JWT', () => 'aaaa.bbbb.cccc'],
    ['it is too long', () => made({ note: 'x'.repeat(9_000) })],
  ])('%s', async ([, token]) => {
    await expect(read(token())).rejects.toMatchObject({ fault: 'untrue', message: 'the token is not valid here' })
  })
})

test('a flood of tokens with unknown key ids asks for the keys once in 30 seconds, and tokens that are wrong anyway never', async () => {
  await read(made())
  vi.useFakeTimers({ toFake: ['Date'] })
  vi.setSystemTime(Date.now() + 31_000)
  const before = the.okta.calls.keys
  for (let n = 0; n < 300; n += 1)
    await expect(read(signedJwt({ ...strangers, kid: randomUUID() }, claims()))).rejects.toMatchObject({ fault: 'untrue' })
  expect(the.okta.calls.keys - before).toBe(1)
  for (let n = 0; n < 100; n += 1)
    await expect(read(signedJwt({ ...strangers, kid: randomUUID() }, claims({ aud: 'x' })))).rejects.toThrow('not valid')
  expect(the.okta.calls.keys - before).toBe(1)
  // And one that is right is believed meanwhile.
  expect(await read(made())).toMatchObject({ issuer: the.okta.issuer })
  vi.useRealTimers()
})

const named = (body: unknown) => personOf(subjectIn(body), source, the.okta.issuer)

test('while the keys can not be had nothing is believed, and nothing is untrue', async () => {
  source = { ...source, revocation: new Issuer(the.okta.issuer, now) }
  the.okta.failing = 503
  await expect(read(made())).rejects.toMatchObject({ fault: 'unknowable' })
  the.okta.failing = undefined
})

describe('whom a revocation is about', () => {
  test.for<[string, () => unknown, unknown]>([
    [
      'a person of the issuer they sign in with',
      () => ({ sub_id: { format: 'iss_sub', iss: PEOPLE, sub: '00u1' } }),
      { what: 'person', issuer: PEOPLE, subject: '00u1' },
    ],
    [
      'a person of the organisation, in the older spelling',
      () => ({ subject: { format: 'iss_sub', iss: the.okta.issuer, sub: '00u1' } }),
      { what: 'person', issuer: PEOPLE, subject: '00u1' },
    ],
    [
      'whoever the provider knows by an address',
      () => ({ subject: { format: 'email', email: 'alice@example.com' } }),
      { what: 'email', issuer: PEOPLE, email: 'alice@example.com' },
    ],
  ])('is %s', async ([, body, names]) => {
    expect(await named(body())).toEqual(names)
  })

  test.for<[string, unknown]>([
    ['there is no subject', {}],
    [
      'the subject is in two places',
      { sub_id: { format: 'email', email: 'a@b.c' }, subject: { format: 'email', email: 'd@e.f' } },
    ],
    ['the format is unknown', { sub_id: { format: 'opaque', id: '00u1' } }],
    ['the format is missing', { sub_id: { iss: PEOPLE, sub: '00u1' } }],
    ['a member is missing', { sub_id: { format: 'iss_sub', iss: PEOPLE } }],
    ['it is no object', 'alice'],
    ['it is a list', [{ format: 'email', email: 'alice@example.com' }]],
  ])('is not understood when %s', async ([, body]) => {
    expect(() => subjectIn(body)).toThrow(expect.objectContaining({ fault: 'malformed' }))
  })

  test('is nobody here when the issuer is another one', async () => {
    const foreign = { sub_id: { format: 'iss_sub', iss: 'https://other.example', sub: '00u1' } }
    await expect(named(foreign)).rejects.toMatchObject({ fault: 'foreign' })
  })
})
