// What identity systems say, in front of the built Worker: everything of the person ends before it is answered, and nobody else is believed.
import { describe, expect, test } from 'vitest'
import { AdminProgram } from '../world/administrator.ts'
import { BrokerClient, countForLong, statusWith } from '../world/broker-client.ts'
import { forEveryTry } from '../world/each-try.ts'
import { PEOPLE } from '../world/people.ts'
import { OktaOrg, revocation } from '../world/signal-sender.ts'
import { newPair, signedJwt } from '../world/signed.ts'
import { startWorld, type World } from '../world/world.ts'

let okta: OktaOrg
let world: World
let client: BrokerClient
let carol: AdminProgram

forEveryTry(async () => {
  okta = await OktaOrg.start()
  world = await startWorld({ overrides: { OAUTH_SIGNALS: JSON.stringify({ revocation_issuer: okta.issuer }) } })
  client = await BrokerClient.register(world.brokerUrl)
  carol = await AdminProgram.signedIn(world.brokerUrl, 'carol')
  return async () => {
    await world?.close()
    await okta?.close()
  }
})

const address = (name = ''): string => `${world.brokerUrl}/global-token-revocation${name}`
const clientId = (): string => world.vars['OAUTH_CLIENT_ID'] ?? ''
const alice = () => ({ sub_id: { format: 'iss_sub', iss: world.idp.issuer, sub: PEOPLE.alice.sub } })

describe('Universal Logout of an organisation at Okta', () => {
  test('ends every stream of the person before it is answered, and the receipt has both times', async () => {
    const { accessToken, refreshToken } = await client.signIn('alice')
    const bob = await client.signIn('bob')
    const streams = await Promise.all(Array.from({ length: 20 }, () => countForLong(world.mcpUrl, accessToken)))
    const answer = await okta.revoke(address(), clientId(), alice(), { jti: 'logout-1' })
    const answeredAt = Date.now()
    expect(answer).toMatchObject({ status: 204, text: '' })
    await Promise.all(streams.map((stream) => stream.ended))
    // The bytes were on their way before the answer was; what reads them here may be a turn late.
    for (const { endedAt = Infinity, text } of streams) {
      expect(endedAt - answeredAt).toBeLessThan(100)
      expect(text).toContain('closed: credential_revoked')
    }
    expect(await statusWith(world.mcpUrl, accessToken)).toBe(401)
    expect((await client.refresh(refreshToken)).status).toBe(400)
    expect(await statusWith(world.mcpUrl, bob.accessToken)).toBe(200)
    const { receipts } = await carol.see('/receipts')
    const [receipt] = receipts
    expect(receipt).toMatchObject({
      by: `signal:${okta.issuer}`,
      action: 'revoke',
      streams: 20,
      signal: { door: 'global-token-revocation', issuer: okta.issuer, jti: 'logout-1' },
    })
    expect(receipt.signal.silentAt).toBeGreaterThanOrEqual(receipt.signal.receivedAt)
  })

  test('finds who it means by a verified address, in the spelling Okta has documented, at the address of the provider', async () => {
    const { accessToken } = await client.signIn('bob')
    await expect.poll(() => carol.subOf(PEOPLE.bob.email).catch(() => '')).toMatch(/./)
    const subject = { format: 'email', email: PEOPLE.bob.email }
    expect(await okta.revoke(address('/oauth'), clientId(), { subject })).toMatchObject({ status: 204 })
    expect(await statusWith(world.mcpUrl, accessToken)).toBe(401)
  })

  test('counts once: the same token ends nothing more, of nobody', async () => {
    await client.signIn('alice')
    const token = signedJwt(okta.pair, okta.revocationClaims(address(), clientId()))
    expect((await revocation(address(), token, alice())).status).toBe(204)
    const again = await client.signIn('alice')
    const bob = await client.signIn('bob')
    expect((await revocation(address(), token, alice())).status).toBe(401)
    const other = { sub_id: { ...alice().sub_id, sub: PEOPLE.bob.sub } }
    expect((await revocation(address(), token, other)).status).toBe(401)
    for (const { accessToken } of [again, bob]) expect(await statusWith(world.mcpUrl, accessToken)).toBe(200)
  })

  test('about somebody unknown and about somebody of another issuer is answered with the same words', async () => {
    const unknown = await okta.revoke(address(), clientId(), { sub_id: { ...alice().sub_id, sub: 'nobody' } })
    const foreign = await okta.revoke(address(), clientId(), { sub_id: { ...alice().sub_id, iss: 'https://other.example' } })
    const unverified = await okta.revoke(address(), clientId(), { sub_id: { format: 'email', email: 'eve@example.com' } })
    const [first, ...others] = [unknown, foreign, unverified].map(({ status, text }) => {
      return { status, ...JSON.parse(text), request_id: undefined }
    })
    expect(first).toMatchObject({ status: 404, error: 'not_found' })
    for (const other of others) expect(other).toEqual(first)
  })

  test('that is not understood is answered with 400, and the token is still good', async () => {
    const token = signedJwt(okta.pair, okta.revocationClaims(address(), clientId()))
    for (const body of ['', '{', '[]', '{}', { sub_id: { format: 'opaque', id: 'x' } }, { ...alice(), subject: alice().sub_id }])
      expect(await revocation(address(), token, body)).toMatchObject({ status: 400 })
    expect(await revocation(address(), token, 'x'.repeat(17_000))).toMatchObject({ status: 413 })
    expect((await revocation(address(), token, alice())).status).not.toBe(401)
  })

  test('a caller who is not believed learns nothing: known or unknown, well said or not, it is one answer', async () => {
    await client.signIn('alice')
    const claims = okta.revocationClaims(address(), clientId())
    const tokens = [undefined, 'x', signedJwt(newPair(), claims), signedJwt(okta.pair, { ...claims, aud: address('/oauth') })]
    const bodies = [alice(), { sub_id: { ...alice().sub_id, sub: 'nobody' } }, '{', {}]
    const answers = await Promise.all(
      tokens.flatMap((token) => bodies.map(async (body) => await revocation(address(), token, body))),
    )
    const said = answers.map(({ status, text }) => ({ status, ...JSON.parse(text), request_id: undefined }))
    for (const one of said) expect(one).toEqual(said[0])
    expect(said[0]).toMatchObject({ status: 401, error: 'invalid_token' })
  })

  test('is announced in the metadata', async () => {
    const metadata = await (await fetch(`${world.brokerUrl}/.well-known/oauth-authorization-server`)).json()
    expect(metadata).toMatchObject({
      global_token_revocation_endpoint: address(),
      global_token_revocation_endpoint_auth_methods_supported: ['global-token-revocation+jwt'],
    })
  })

  test('is refused with 403, after it was believed, where no setting lets it in', async () => {
    await world.restartRuntime({ OAUTH_SIGNALS: undefined })
    const claims = { ...okta.revocationClaims(address(), clientId()), iss: world.idp.issuer }
    const idpToken = await world.idp.signLogoutToken(claims, 'JWT')
    expect((await revocation(address(), idpToken, alice())).status).toBe(403)
    expect((await okta.revoke(address('/oauth'), clientId(), alice())).status).toBe(401)
    const metadata = await (await fetch(`${world.brokerUrl}/.well-known/oauth-authorization-server`)).json()
    expect(metadata).not.toHaveProperty('global_token_revocation_endpoint')
  })
})
