// What identity systems say, in front of the built Worker: everything of the person ends before it is answered, and nobody else is believed.
import { describe, expect, test } from 'vitest'
import { AdminProgram } from '../world/administrator.ts'
import { BrokerClient, countForLong, statusWith } from '../world/broker-client.ts'
import { fixture } from '../world/fixture.ts'
import { PEOPLE } from '../world/people.ts'
import { OktaOrg, revocation } from '../world/signal-sender.ts'
import { CAEP, RISC, SignalTransmitter } from '../world/signal-transmitter.ts'
import { newPair, signedJwt } from '../world/signed.ts'
import { startWorld } from '../world/world.ts'

const the = fixture(async (closing) => {
  const okta = await closing(OktaOrg.start())
  const pushing = await closing(SignalTransmitter.start('okta'))
  const signals = { revocation_issuer: okta.issuer, transmitter: pushing.issuer }
  const world = await closing(startWorld({ overrides: { OAUTH_SIGNALS: JSON.stringify(signals) } }))
  const client = await BrokerClient.register(world.brokerUrl)
  const carol = await AdminProgram.signedIn(world.brokerUrl, 'carol')
  return { okta, pushing, world, client, carol }
})

const address = (name = ''): string => `${the.world.brokerUrl}/global-token-revocation${name}`
const clientId = (): string => the.world.vars['OAUTH_CLIENT_ID'] ?? ''
const alice = () => ({ sub_id: { format: 'iss_sub', iss: the.world.idp.issuer, sub: PEOPLE.alice.sub } })

describe('Universal Logout of an organisation at Okta', () => {
  test('ends every stream of the person before it is answered, and the receipt has both times', async () => {
    const { accessToken, refreshToken } = await the.client.signIn('alice')
    const bob = await the.client.signIn('bob')
    const streams = await Promise.all(Array.from({ length: 20 }, () => countForLong(the.world.mcpUrl, accessToken)))
    const answer = await the.okta.revoke(address(), clientId(), alice(), { jti: 'logout-1' })
    const answeredAt = Date.now()
    expect(answer).toMatchObject({ status: 204, text: '' })
    await Promise.all(streams.map((stream) => stream.ended))
    // The bytes were on their way before the answer was; what reads them here may be a turn late.
    for (const { endedAt = Infinity, text } of streams) {
      expect(endedAt - answeredAt).toBeLessThan(100)
      expect(text).toContain('closed: credential_revoked')
    }
    expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
    expect((await the.client.refresh(refreshToken)).status).toBe(400)
    expect(await statusWith(the.world.mcpUrl, bob.accessToken)).toBe(200)
    const { receipts } = await the.carol.see('/receipts')
    const [receipt] = receipts
    expect(receipt).toMatchObject({
      by: `signal:${the.okta.issuer}`,
      action: 'revoke',
      streams: 20,
      signal: { door: 'global-token-revocation', issuer: the.okta.issuer, jti: 'logout-1' },
    })
    expect(receipt.signal.silentAt).toBeGreaterThanOrEqual(receipt.signal.receivedAt)
  })

  test('finds who it means by a verified address, in the spelling Okta has documented, at the address of the provider', async () => {
    const { accessToken } = await the.client.signIn('bob')
    await expect.poll(() => the.carol.subOf(PEOPLE.bob.email).catch(() => '')).toMatch(/./)
    const subject = { format: 'email', email: PEOPLE.bob.email }
    expect(await the.okta.revoke(address('/oauth'), clientId(), { subject })).toMatchObject({ status: 204 })
    expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
  })

  test('counts once: the same token ends nothing more, of nobody', async () => {
    await the.client.signIn('alice')
    const token = signedJwt(the.okta.pair, the.okta.revocationClaims(address(), clientId()))
    expect((await revocation(address(), token, alice())).status).toBe(204)
    const again = await the.client.signIn('alice')
    const bob = await the.client.signIn('bob')
    expect((await revocation(address(), token, alice())).status).toBe(401)
    const other = { sub_id: { ...alice().sub_id, sub: PEOPLE.bob.sub } }
    expect((await revocation(address(), token, other)).status).toBe(401)
    for (const { accessToken } of [again, bob]) expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(200)
  })

  test('about somebody unknown and about somebody of another issuer is answered with the same words', async () => {
    const unknown = await the.okta.revoke(address(), clientId(), { sub_id: { ...alice().sub_id, sub: 'nobody' } })
    const foreign = await the.okta.revoke(address(), clientId(), { sub_id: { ...alice().sub_id, iss: 'https://other.example' } })
    const unverified = await the.okta.revoke(address(), clientId(), { sub_id: { format: 'email', email: 'eve@example.com' } })
    const [first, ...others] = [unknown, foreign, unverified].map(({ status, text }) => {
      return { status, ...JSON.parse(text), request_id: undefined }
    })
    expect(first).toMatchObject({ status: 404, error: 'not_found' })
    for (const other of others) expect(other).toEqual(first)
  })

  test('that is not understood is answered with 400, and the token is still good', async () => {
    const token = signedJwt(the.okta.pair, the.okta.revocationClaims(address(), clientId()))
    for (const body of ['', '{', '[]', '{}', { sub_id: { format: 'opaque', id: 'x' } }, { ...alice(), subject: alice().sub_id }])
      expect(await revocation(address(), token, body)).toMatchObject({ status: 400 })
    expect(await revocation(address(), token, 'x'.repeat(17_000))).toMatchObject({ status: 413 })
    expect((await revocation(address(), token, alice())).status).not.toBe(401)
  })

  test('a caller who is not believed learns nothing: known or unknown, well said or not, it is one answer', async () => {
    await the.client.signIn('alice')
    const claims = the.okta.revocationClaims(address(), clientId())
    const tokens = [undefined, 'x', signedJwt(newPair(), claims), signedJwt(the.okta.pair, { ...claims, aud: address('/oauth') })]
    const bodies = [alice(), { sub_id: { ...alice().sub_id, sub: 'nobody' } }, '{', {}]
    const answers = await Promise.all(
      tokens.flatMap((token) => bodies.map(async (body) => await revocation(address(), token, body))),
    )
    const said = answers.map(({ status, text }) => ({ status, ...JSON.parse(text), request_id: undefined }))
    for (const one of said) expect(one).toEqual(said[0])
    expect(said[0]).toMatchObject({ status: 401, error: 'invalid_token' })
  })

  test('is announced in the metadata', async () => {
    const metadata = await (await fetch(`${the.world.brokerUrl}/.well-known/oauth-authorization-server`)).json()
    expect(metadata).toMatchObject({
      global_token_revocation_endpoint: address(),
      global_token_revocation_endpoint_auth_methods_supported: ['global-token-revocation+jwt'],
    })
  })
})

const REVOKED = `${CAEP}session-revoked`
const subjectOf = (person: keyof typeof PEOPLE) => ({ format: 'iss_sub', iss: the.world.idp.issuer, sub: PEOPLE[person].sub })
const sayOfBob = (name: string) => the.pushing.push(the.pushing.signed(the.pushing.claims(`${RISC}${name}`, subjectOf('bob'))))
const streamNow = async () => (await the.carol.see('/signals')).providers[0].stream

describe('Shared Signals, pushed by a transmitter in the dialect of Okta,', () => {
  test('are agreed upon with the broker’s own client, and verified from there to here', async () => {
    const answer = await the.carol.post('/signals/oauth/stream', { reason: 'a test' })
    expect(answer.status).toBe(201)
    expect(await answer.json()).toMatchObject({ delivery: 'push', issuer: the.pushing.issuer, status: 'enabled' })
    await expect.poll(async () => (await streamNow()).verifiedAt).toEqual(expect.any(Number))
    expect(the.pushing.delivery?.endpointUrl).toBe(`${the.world.brokerUrl}/security-events/oauth`)
    // Setting it up again takes the one there is.
    expect((await the.carol.post('/signals/oauth/stream', { reason: 'a test' })).status).toBe(201)
  })

  test('end every stream of the person before 202, once, with a receipt', async () => {
    const { accessToken } = await the.client.signIn('alice')
    const bob = await the.client.signIn('bob')
    const streams = await Promise.all(Array.from({ length: 20 }, () => countForLong(the.world.mcpUrl, accessToken)))
    const token = the.pushing.signed(
      the.pushing.claims(REVOKED, { user: subjectOf('alice') }, {}, { jti: 'set-1', txn: 'txn-1' }),
    )
    const { status, text, answeredAt } = await the.pushing.push(token)
    expect({ status, text }).toEqual({ status: 202, text: '' })
    await Promise.all(streams.map((stream) => stream.ended))
    for (const { endedAt = Infinity } of streams) expect(endedAt - answeredAt).toBeLessThan(100)
    expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
    expect(await statusWith(the.world.mcpUrl, bob.accessToken)).toBe(200)
    const { receipts } = await the.carol.see('/receipts')
    expect(receipts[0]).toMatchObject({
      streams: 20,
      signal: { door: 'shared-signals', issuer: the.pushing.issuer, jti: 'set-1', txn: 'txn-1', event: 'session-revoked' },
    })
    const again = await the.client.signIn('alice')
    expect((await the.pushing.push(token)).status).toBe(202)
    expect(await statusWith(the.world.mcpUrl, again.accessToken)).toBe(200)
  })

  test('block an account that is disabled, and let in one that is enabled', async () => {
    const { accessToken } = await the.client.signIn('bob')
    expect((await sayOfBob('account-disabled')).status).toBe(202)
    expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
    await expect(the.client.signIn('bob')).rejects.toThrow(/./)
    expect((await sayOfBob('account-enabled')).status).toBe(202)
    expect(await statusWith(the.world.mcpUrl, (await the.client.signIn('bob')).accessToken)).toBe(200)
  })

  test('are refused with the codes of RFC 8935, and without the secret of the stream nothing is read', async () => {
    const good = the.pushing.claims(REVOKED, subjectOf('alice'))
    const refused = async (token: string, headers: Record<string, string> = {}) => {
      const { status, text } = await the.pushing.push(token, headers)
      return [status, JSON.parse(text).err]
    }
    expect(await refused(the.pushing.signed(good), { authorization: 'Bearer guessed' })).toEqual([401, 'authentication_failed'])
    expect(await refused(the.pushing.signed(good), { 'content-type': 'application/jwt' })).toEqual([400, 'invalid_request'])
    expect(await refused(signedJwt(newPair(), good, { typ: 'secevent+jwt' }))).toEqual([400, 'invalid_key'])
    expect(await refused(the.pushing.signed({ ...good, aud: 'x' }))).toEqual([400, 'invalid_audience'])
    expect(await refused(the.pushing.signed({ ...good, iss: 'https://x.example' }))).toEqual([400, 'invalid_issuer'])
    expect(await refused(the.pushing.signed({ ...good, exp: 4_000_000_000 }))).toEqual([400, 'invalid_request'])
    const unasked = { 'https://schemas.openid.net/secevent/ssf/event-type/verification': { state: 'invented' } }
    expect(await refused(the.pushing.signed({ ...good, events: unasked }))).toEqual([400, 'invalid_state'])
    expect((await the.pushing.push('x'.repeat(70_000))).status).toBe(413)
  })
})

describe('without a setting', () => {
  test('a revocation is refused with 403, after it was believed, and a pushed event with 401', async () => {
    await the.world.restartRuntime({ OAUTH_SIGNALS: undefined })
    const claims = { ...the.okta.revocationClaims(address(), clientId()), iss: the.world.idp.issuer }
    const idpToken = await the.world.idp.signLogoutToken(claims, 'JWT')
    expect((await revocation(address(), idpToken, alice())).status).toBe(403)
    expect((await the.okta.revoke(address('/oauth'), clientId(), alice())).status).toBe(401)
    expect((await the.pushing.push(the.pushing.signed(the.pushing.claims(REVOKED, subjectOf('alice'))))).status).toBe(401)
    const metadata = await (await fetch(`${the.world.brokerUrl}/.well-known/oauth-authorization-server`)).json()
    expect(metadata).not.toHaveProperty('global_token_revocation_endpoint')
  })
})
