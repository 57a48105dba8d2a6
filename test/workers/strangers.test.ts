// ARCHITECTURE.md, law 2: a request without a credential of ours creates nothing, whatever it claims to be.
import { listDurableObjectIds } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { keyRing } from '../../src/issuer/keys.ts'
import { fromHex } from '../../src/platform/crypto.ts'
import { SignedTokens, type PairFacts } from '../../src/oauth/tokens/signed-tokens.ts'
import { newClientId } from '../../src/oauth/client-auth/clients.ts'

const BROKER = 'http://localhost:8788'
const OURS = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'
const THEIRS = 'f0e0d0c0b0a090807060504030201000f1e1d1c1b1a191817161514131211101'

test('forged, foreign, expired and misplaced credentials name no object', async () => {
  const before = await objects()
  const ring = await keyRing({ secret: fromHex(OURS) })
  const clientId = await newClientId(ring.current, 'none')
  const now = Math.floor(Date.now() / 1000)
  const facts: PairFacts = {
    sub: 'nobody',
    grantId: 'grant',
    clientId,
    resource: `${BROKER}/mcp`,
    scopes: ['mcp'],
    generation: 1,
    issuedAt: now,
    endsAt: now + 600,
  }
  const ours = new SignedTokens(ring, BROKER, () => now)
  const ofAnotherKey = new SignedTokens(await keyRing({ secret: fromHex(THEIRS) }), BROKER, () => now)
  const ofAnotherBroker = new SignedTokens(ring, 'https://staging.example', () => now)
  const code = { sub: 'nobody', grantId: 'grant', clientId, jti: 'jti', expiresAt: now + 600 }
  const access = await ours.accessToken(facts, 600)
  const [head = '', body = '', signature = ''] = access.split('.')
  const unsigned = `${btoa('{"alg":"none","typ":"at+jwt"}').replaceAll('=', '')}.${body}.`
  const old = { ...facts, issuedAt: now - 7200, endsAt: now + 600 }

  const strange = [
    '',
    'nobody:grant:secret',
    unsigned,
    `${head}.${body}.${signature.slice(0, -2)}AA`,
    await ofAnotherKey.accessToken(facts, 600),
    await ofAnotherKey.refreshToken(facts, 600),
    await ofAnotherKey.code(code),
    await ofAnotherBroker.accessToken({ ...facts, resource: 'https://staging.example/mcp' }, 600),
    await ofAnotherBroker.refreshToken(facts, 600),
    await ours.accessToken(old, 3600),
    await ours.refreshToken(old, 3600),
  ]
  const elsewhere = await ours.accessToken({ ...facts, resource: `${BROKER}/servers/other/mcp` }, 600)
  const asBearer = [...strange, elsewhere, await ours.refreshToken(facts, 600), await ours.code(code)]
  const asCode = [...strange, access, await ours.refreshToken(facts, 600)]
  const asRefreshToken = [...strange, access, await ours.code(code)]

  for (const token of asBearer) {
    for (const method of ['GET', 'POST', 'DELETE'])
      expect((await ask('/mcp', { method, headers: { Authorization: `Bearer ${token}` } })).status).toBe(401)
  }
  for (const given of asCode) expect((await form('/token', { grant_type: 'authorization_code', code: given })).status).toBe(400)
  for (const given of asRefreshToken)
    expect((await form('/token', { grant_type: 'refresh_token', refresh_token: given })).status).toBe(400)
  for (const token of strange) {
    expect((await form('/revoke', { token })).status).toBe(200)
    expect(await (await form('/introspect', { token })).json()).toEqual({ active: false })
  }
  for (const path of ['/callback', '/callback?state=x&code=y', '/authorize', '/authorize?client_id=x', '/', '/nothing'])
    expect((await ask(path)).status).toBeLessThan(500)
  expect((await ask('/authorize', { method: 'POST', body: new URLSearchParams({ ticket: access }) })).status).toBe(400)
  expect(await objects()).toEqual(before)

  // The list is not empty by nature: one valid token, and there is an object that refuses it.
  expect((await ask('/mcp', { headers: { Authorization: `Bearer ${access}` } })).status).toBe(401)
  expect(await objects()).toHaveLength(before.length + 1)

  function form(path: string, parameters: Record<string, string>): Promise<Response> {
    return ask(path, { method: 'POST', body: new URLSearchParams({ client_id: clientId, ...parameters }) })
  }
})

/** Every object that a person has had in this workerd, other test files included. */
async function objects(): Promise<readonly string[]> {
  return (await listDurableObjectIds(env.USER_SESSION)).map(String)
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return exports.default.fetch(new Request(`${BROKER}${path}`, init))
}
