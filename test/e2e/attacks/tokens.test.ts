// Attacks on refresh tokens, access tokens and the endpoints that take them, against the built Worker.
import { describe, expect, test } from 'vitest'
import { keyRing } from '../../../src/issuer/keys.ts'
import { SignedTokens } from '../../../src/oauth/tokens/signed-tokens.ts'
import { fromHex } from '../../../src/platform/crypto.ts'
import { type Answer, BrokerClient, countForLong, errorOf, statusWith, tokensOf } from '../../world/broker-client.ts'
import { fixture } from '../../world/fixture.ts'
import { linkIn } from '../../world/html-forms.ts'
import { startWorld } from '../../world/world.ts'

const the = fixture(async (closing) => {
  // Ten thousand wrong tokens and a hundred right ones are no flood here.
  const world = await closing(startWorld({ overrides: { RATE_LIMIT_REQUESTS: '100000' } }))
  const client = await BrokerClient.register(world.brokerUrl)
  const other = await BrokerClient.register(world.brokerUrl, { token_endpoint_auth_method: 'client_secret_post' })
  return { world, client, other }
})

const refused = (answer: Answer): readonly unknown[] => [answer.status, answer.status < 400 ? 'granted' : errorOf(answer)]

describe('7. eight refreshes in parallel:', () => {
  test('all get the same pair, and the identity provider is asked once', async () => {
    const { refreshToken } = await the.client.signIn('alice')
    the.world.idp.control.forgetCalls()
    const answers = await Promise.all(Array.from({ length: 8 }, () => the.client.refresh(refreshToken)))
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(the.world.idp.control.calls.token).toBe(1)
  })

  test('the same again from a runtime that was killed in between', async () => {
    const { refreshToken } = await the.client.signIn('alice')
    const before = await the.client.refresh(refreshToken)
    await the.world.restartRuntime()
    the.world.idp.control.forgetCalls()
    const answers = await Promise.all(Array.from({ length: 8 }, () => the.client.refresh(refreshToken)))
    expect(new Set([before, ...answers].map(({ text }) => text)).size).toBe(1)
    expect(the.world.idp.control.calls.token).toBe(0)
  })
})

test('8. a refresh token that was superseded comes back: the family dies, its stream closes, and the log says why', async () => {
  const first = await the.client.signIn('alice')
  const second = tokensOf(await the.client.refresh(first.refreshToken))
  const third = tokensOf(await the.client.refresh(second.refreshToken))
  const stream = await countForLong(the.world.mcpUrl, third.accessToken)
  const bystander = await the.other.signIn('alice')

  expect(refused(await the.client.refresh(first.refreshToken))).toEqual([400, 'invalid_grant'])
  expect(await stream.endsWithin(1_000)).toBe(true)
  expect(stream.text).toContain('closed: credential_revoked')
  for (const { accessToken, refreshToken } of [first, second, third]) {
    expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
    expect(refused(await the.client.refresh(refreshToken))).toEqual([400, 'invalid_grant'])
  }
  expect(await statusWith(the.world.mcpUrl, bystander.accessToken)).toBe(200)
  const rows = the.world.logs.filter(({ message }) => message.includes('"refresh_token.reused"'))
  expect(rows.map(({ message }): unknown => JSON.parse(message))).toEqual([
    { event: 'refresh_token.reused', grant: expect.any(String), client: the.client.clientId, presented: 1, current: 3 },
  ])
})

test('9. rotation does not revoke what it has just issued: a hundred calls with the new pair', async () => {
  const before = await the.client.signIn('alice')
  const after = tokensOf(await the.client.refresh(before.refreshToken))
  const statuses: number[] = []
  for (let call = 0; call < 100; call += 1) statuses.push(await statusWith(the.world.mcpUrl, after.accessToken))
  expect(statuses).toEqual(Array(100).fill(200))
  expect(await statusWith(the.world.mcpUrl, before.accessToken)).toBe(200)
  expect((await the.client.refresh(after.refreshToken)).status).toBe(200)
})

test('11. a client presents what was issued to another: refused, and the owner never notices', async () => {
  const code = await the.client.code('alice')
  expect(refused(await the.other.redeem(code))).toEqual([400, 'invalid_grant'])
  expect(refused(await the.other.redeem(code, { client_id: the.client.clientId }))).toEqual([401, 'invalid_client'])
  const { accessToken, refreshToken } = tokensOf(await the.client.redeem(code))
  expect(refused(await the.other.refresh(refreshToken))).toEqual([400, 'invalid_grant'])
  expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(200)
  expect((await the.client.refresh(refreshToken)).status).toBe(200)
})

test('12. a client revokes what was issued to another: told nothing, and nothing ends', async () => {
  const { accessToken, refreshToken } = await the.client.signIn('alice')
  for (const token of [accessToken, refreshToken, 'nonsense']) {
    const answer = await the.other.revoke(token)
    expect([answer.status, answer.text]).toEqual([200, ''])
    expect(JSON.parse((await the.other.introspect(token)).text)).toEqual({ active: false })
  }
  expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(200)
  expect((await the.client.refresh(refreshToken)).status).toBe(200)
})

test('13. a credential in the place of another: each is good for one thing', async () => {
  const code = await the.client.code('alice')
  const { accessToken, refreshToken } = tokensOf(await the.client.redeem(code))
  expect(await statusWith(the.world.mcpUrl, refreshToken)).toBe(401)
  expect(await statusWith(the.world.mcpUrl, code.code)).toBe(401)
  for (const token of [accessToken, code.code]) expect(refused(await the.client.refresh(token))).toEqual([400, 'invalid_grant'])
  for (const token of [accessToken, refreshToken])
    expect(refused(await the.client.redeem({ ...code, code: token }))).toEqual([400, 'invalid_grant'])
  const inUrl = await fetch(`${the.world.mcpUrl}?access_token=${accessToken}`, { method: 'POST' })
  expect(inUrl.status).toBe(400)
  expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(200)
})

describe('21. resource and audience confusion:', () => {
  test('a token for another resource of the same broker is refused', async () => {
    const { accessToken } = await the.client.signIn('alice')
    const { gid, sub, iat, exp } = claimsOf(accessToken)
    const ring = await keyRing({ secret: fromHex(the.world.vars['ENCRYPTION_KEY'] ?? '') })
    const signedTokens = new SignedTokens(ring, the.world.brokerUrl, () => iat)
    const facts = { sub, grantId: gid, clientId: the.client.clientId, scopes: ['mcp'], generation: 1, issuedAt: iat, endsAt: exp }
    // The same facts for our own resource make the very token that was issued: only the audience differs below.
    expect(await signedTokens.accessToken({ ...facts, resource: the.world.mcpUrl }, exp - iat)).toBe(accessToken)
    for (const resource of [
      `${the.world.brokerUrl}/servers/other/mcp`,
      the.world.brokerUrl,
      `${the.world.mcpUrl}/`,
      'https://other.example/mcp',
    ]) {
      const token = await signedTokens.accessToken({ ...facts, resource }, exp - iat)
      expect(await statusWith(the.world.mcpUrl, token)).toBe(401)
    }
  })

  test('a grant keeps its resource: another one is refused, none means its own', async () => {
    const another = { resource: 'https://other.example/mcp' }
    const page = await fetch(the.client.authorizeUrl(another).url, { redirect: 'manual' })
    const back = new URL(linkIn(await page.text(), 'continue') ?? '')
    expect(back.searchParams.get('error')).toBe('invalid_target')
    const code = await the.client.code('alice', { changes: { resource: the.world.mcpUrl } })
    const { refreshToken } = tokensOf(await the.client.redeem(code, { resource: undefined }))
    expect(refused(await the.client.refresh(refreshToken, another))).toEqual([400, 'invalid_target'])
    expect(refused(await the.client.refresh(refreshToken, { resource: [the.world.mcpUrl, another.resource] }))).toEqual([
      400,
      'invalid_target',
    ])
    const { accessToken } = tokensOf(await the.client.refresh(refreshToken, { resource: undefined }))
    expect(claimsOf(accessToken).aud).toBe(the.world.mcpUrl)
    expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(200)
  })

  test('a code asked for another resource is refused and ends nothing that lives', async () => {
    const bystander = await the.client.signIn('alice')
    const code = await the.client.code('alice')
    expect(refused(await the.client.redeem(code, { resource: 'https://other.example/mcp' }))).toEqual([400, 'invalid_target'])
    expect(await statusWith(the.world.mcpUrl, bystander.accessToken)).toBe(200)
  })
})

test('53. tokens of staging on production, both with the same key: refused', async () => {
  const staging = await startWorld()
  try {
    const theirs = await BrokerClient.register(staging.brokerUrl)
    const { accessToken, refreshToken } = await theirs.signIn('alice')
    const code = await theirs.code('alice')
    expect(staging.vars['ENCRYPTION_KEY']).toBe(the.world.vars['ENCRYPTION_KEY'])
    expect(await statusWith(staging.mcpUrl, accessToken)).toBe(200)
    expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
    const asTheirs = { client_id: theirs.clientId, client_secret: undefined }
    expect(refused(await the.client.refresh(refreshToken, asTheirs))).toEqual([400, 'invalid_grant'])
    expect(refused(await the.client.redeem(code, asTheirs))).toEqual([400, 'invalid_grant'])
  } finally {
    await staging.close()
  }
})

function claimsOf(token: string): { sub: string; gid: string; aud: string; iat: number; exp: number } {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}
