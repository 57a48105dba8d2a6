// Security events: which are believed, what each means, and how often anybody is asked for keys because of one.
import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { Issuer } from '../../../src/identity/issuer.ts'
import type { SignalStream } from '../../../src/session/contract/signal-stream.ts'
import type { SignalSource } from '../../../src/signals/signer.ts'
import { Transmitter } from '../../../src/signals/transmitter.ts'
import { NO_SIGNALS, type SignalSettings } from '../../../src/settings/signals.ts'
import { fixture } from '../../world/fixture.ts'
import { CAEP, RISC, SignalTransmitter } from '../../world/signal-transmitter.ts'
import { newPair, signedJwt, signedWithPublicKey, unsignedJwt } from '../../world/signed.ts'

const PEOPLE = 'https://idp.example'
const REVOKED = `${CAEP}session-revoked`
const now = (): number => Math.floor(Date.now() / 1000)
const strangers = newPair()
const ALICE = { format: 'iss_sub', iss: PEOPLE, sub: 'alice' }

const the = fixture(async (closing) => {
  const okta = await closing(SignalTransmitter.start('okta'))
  const keycloak = await closing(SignalTransmitter.start('keycloak'))
  return { okta, keycloak }
})

let receiver: Transmitter
beforeEach(() => void (receiver = receiverOf(the.okta)))

function receiverOf({ issuer }: SignalTransmitter, settings: Partial<SignalSettings> = {}): Transmitter {
  const source: SignalSource = {
    key: 'idp',
    name: 'Example',
    clientId: 'broker',
    settings: { ...NO_SIGNALS, transmitter: issuer, ...settings },
    revocation: new Issuer(PEOPLE, now),
    accessToken: () => Promise.resolve('a token'),
    pushSecrets: ['secret'],
    issues: (named) => named === PEOPLE,
    peopleIssuer: () => Promise.resolve(PEOPLE),
  }
  return new Transmitter({ source, issuer, endpoint: 'https://mcp.example.com/security-events/idp', now })
}

const streamOf = ({ issuer, audience }: SignalTransmitter): SignalStream => {
  return { provider: 'idp', streamId: 'stream-1', issuer, audience: [audience], delivery: 'push' }
}
type Changes = Readonly<Record<string, unknown>>
const event = (changes: Changes = {}) => the.okta.claims(REVOKED, ALICE, {}, changes)
const read = (token: string) => receiver.read(streamOf(the.okta), token, 1)

describe('a security event is not believed when', () => {
  test.for<[string, string, () => string]>([
    ['it is not signed (alg: none)', 'invalid_key', () => unsignedJwt(event(), { typ: 'secevent+jwt' })],
    [
      'it is signed with the public key (HS256)',
      'invalid_key',
      () => signedWithPublicKey(the.okta.pair, event(), { typ: 'secevent+jwt' }),
    ],
    [
      'its signature is another’s',
      'invalid_key',
      () => signedJwt({ ...strangers, kid: the.okta.pair.kid }, event(), { typ: 'secevent+jwt' }),
    ],
    ['its type is that of any JWT', 'invalid_request', () => the.okta.signed(event(), { typ: 'JWT' })],
    ['it has no type', 'invalid_request', () => the.okta.signed(event(), {})],
    ['it is a logout token', 'invalid_request', () => the.okta.signed(event(), { typ: 'logout+jwt' })],
    ['it expires (exp)', 'invalid_request', () => the.okta.signed(event({ exp: now() + 300 }))],
    ['it has a sub', 'invalid_request', () => the.okta.signed(event({ sub: 'alice' }))],
    ['it is of another issuer', 'invalid_issuer', () => the.okta.signed(event({ iss: 'https://other.example' }))],
    ['it is for another receiver', 'invalid_audience', () => the.okta.signed(event({ aud: 'https://other.example' }))],
    ['it tells two events', 'invalid_request', () => the.okta.signed(event({ events: { [REVOKED]: {}, [`${CAEP}x`]: {} } }))],
    ['it tells none', 'invalid_request', () => the.okta.signed(event({ events: {} }))],
    ['it has no id', 'invalid_request', () => the.okta.signed(event({ jti: undefined }))],
    ['it was made in the future', 'invalid_request', () => the.okta.signed(event({ iat: now() + 120 }))],
    ['it was made months ago', 'invalid_request', () => the.okta.signed(event({ iat: now() - 31 * 86_400 }))],
    ['its subject is in two places', 'invalid_request', () => the.okta.signed(event({ sub_id: ALICE }))],
    ['it names nobody', 'invalid_request', () => the.okta.signed(the.okta.claims(REVOKED, undefined))],
    ['it names a device alone', 'invalid_request', () => the.okta.signed(the.okta.claims(REVOKED, { device: ALICE }))],
    ['it is no token', 'invalid_request', () => 'nonsense'],
    ['it is too long', 'invalid_request', () => the.okta.signed(event({ note: 'x'.repeat(70_000) }))],
  ])('%s', async ([, err, token]) => {
    expect(await read(token())).toMatchObject({ kind: 'refused', err })
  })
})

describe('a security event', () => {
  test.for<[string, string, unknown, Changes, Partial<SignalSettings>, object]>([
    ['that a session is revoked ends the person', REVOKED, ALICE, {}, {}, { effect: 'end' }],
    [
      'by the organisation’s own name means the same',
      REVOKED,
      () => ({ ...ALICE, iss: the.okta.issuer }),
      {},
      {},
      { effect: 'end' },
    ],
    ['in parts without a format, as Okta has it', REVOKED, { user: ALICE }, {}, {}, { effect: 'end' }],
    [
      'that names a session ends that session',
      REVOKED,
      { format: 'complex', user: ALICE, session: { format: 'opaque', id: 'sid-1' } },
      {},
      {},
      { effect: 'end_session', names: { what: 'session', issuer: PEOPLE, session: 'sid-1', subject: 'alice' } },
    ],
    [
      'that names an address means whoever the provider has verified it for',
      REVOKED,
      { format: 'email', email: 'alice@example.com' },
      {},
      {},
      { names: { what: 'email', issuer: PEOPLE, email: 'alice@example.com' } },
    ],
    [
      'about somebody of another issuer means nobody',
      REVOKED,
      { ...ALICE, iss: 'https://other.example' },
      {},
      {},
      { names: { what: 'nobody' } },
    ],
    [
      'that a password is new asks the provider',
      `${CAEP}credential-change`,
      ALICE,
      { change_type: 'revoke' },
      {},
      { effect: 'recheck' },
    ],
    [
      'that a password is new ends, where that is set',
      `${CAEP}credential-change`,
      ALICE,
      { change_type: 'update' },
      { credentialChange: 'end' },
      { effect: 'end' },
    ],
    [
      'that a credential was added never ends',
      `${CAEP}credential-change`,
      ALICE,
      { change_type: 'create' },
      { credentialChange: 'end' },
      { effect: 'recheck' },
    ],
    ['that claims changed asks the provider', `${CAEP}token-claims-change`, ALICE, {}, {}, { effect: 'recheck' }],
    ['that assurance changed asks the provider', `${CAEP}assurance-level-change`, ALICE, {}, {}, { effect: 'recheck' }],
    [
      'that a device complies no longer asks the provider',
      `${CAEP}device-compliance-change`,
      ALICE,
      {},
      {},
      { effect: 'recheck' },
    ],
    ['that an account is disabled blocks', `${RISC}account-disabled`, ALICE, {}, {}, { effect: 'block' }],
    ['that an account is purged blocks', `${RISC}account-purged`, ALICE, {}, {}, { effect: 'block' }],
    ['that an account is enabled takes that back', `${RISC}account-enabled`, ALICE, {}, {}, { effect: 'unblock' }],
  ])('%s', async ([, type, subject, members, settings, meant]) => {
    receiver = receiverOf(the.okta, settings)
    const named: unknown = typeof subject === 'function' ? subject() : subject
    const said = await read(the.okta.signed(the.okta.claims(type, named, members, { txn: 'txn-1' })))
    expect(said).toMatchObject({
      kind: 'signal',
      signal: { door: 'shared-signals', issuer: the.okta.issuer, txn: 'txn-1', ...meant },
    })
  })

  test.for<[string, string, unknown, Partial<SignalSettings>]>([
    ['that nobody listens for', `${CAEP}session-established`, ALICE, {}],
    ['of a credential, where that is set', `${CAEP}credential-change`, ALICE, { credentialChange: 'ignore' }],
    ['whose subject has a critical part that is not understood', REVOKED, { user: ALICE, tenant: ALICE }, {}],
  ])('%s has no effect', async ([, type, subject, settings]) => {
    receiver = receiverOf(the.okta, settings)
    expect(await read(the.okta.signed(the.okta.claims(type, subject)))).toMatchObject({ kind: 'nothing' })
  })

  test('of Keycloak is found below the path of its realm, and names people at the top', async () => {
    receiver = receiverOf(the.keycloak)
    const said = await receiver.read(streamOf(the.keycloak), the.keycloak.signed(the.keycloak.claims(REVOKED, ALICE)), 1)
    expect(said).toMatchObject({ kind: 'signal', signal: { issuer: the.keycloak.issuer, names: { subject: 'alice' } } })
  })
})

test('a flood of events with unknown key ids asks for the keys once in 30 seconds, and others never', async () => {
  await read(the.okta.signed(event()))
  vi.useFakeTimers({ toFake: ['Date'] })
  vi.setSystemTime(Date.now() + 31_000)
  const before = the.okta.calls.keys
  const forged = (changes: Changes = {}) =>
    signedJwt({ ...strangers, kid: randomUUID() }, event(changes), { typ: 'secevent+jwt' })
  for (let n = 0; n < 300; n += 1) expect(await read(forged())).toMatchObject({ kind: 'refused', err: 'invalid_key' })
  expect(the.okta.calls.keys - before).toBe(1)
  for (let n = 0; n < 100; n += 1) expect(await read(forged({ aud: 'x' }))).toMatchObject({ err: 'invalid_audience' })
  expect(the.okta.calls.keys - before).toBe(1)
  vi.useRealTimers()
})

test('while the keys can not be had nothing is believed, and nothing is refused', async () => {
  the.okta.failing = 503
  expect(await read(the.okta.signed(event()))).toMatchObject({ kind: 'unknowable' })
  the.okta.failing = undefined
})
