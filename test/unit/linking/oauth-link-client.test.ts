// Tokens of a link, renewed and given back: at the authorization server they came from, and with what that server has to say about it.
import { describe, expect, test } from 'vitest'
import { perTest } from '../../world/fixture.ts'
import { OAuthLinkClient } from '../../../src/linking/oauth-link-client.ts'
import type { Link, LinkOutcome } from '../../../src/session/contract/link-client.ts'
import { ScriptedServer } from './scripted-server.ts'

const client = new OAuthLinkClient(() => 1_800_000_000)

const its = perTest(async (closing) => {
  const server = await closing(ScriptedServer.start())
  const link: Link = {
    issuer: server.origin,
    tokenEndpoint: `${server.origin}/token`,
    revocationEndpoint: `${server.origin}/revoke`,
    client: { id: 'broker-1.test', secret: 'a secret', method: 'client_secret_basic' },
    resource: `${server.origin}/mcp`,
    scopes: ['read'],
    accessToken: 'old access',
    expiresAt: 1,
    refreshToken: 'old refresh',
  }
  return { server, link }
})

test('a renewal asks for the same resource, and what is not renewed stays', async () => {
  its.server.answers.set('/token', { body: { access_token: 'new access', token_type: 'bearer', scope: 'read write' } })
  const kept = await renewed()
  const form = new URLSearchParams(its.server.asked[0]?.body)
  expect(Object.fromEntries(form)).toMatchObject({ grant_type: 'refresh_token', resource: its.link.resource })
  // Hyphens and dots as they are: many servers decode nothing.
  expect(its.server.asked[0]?.authorization).toBe(`Basic ${btoa('broker-1.test:a+secret')}`)
  expect(kept).toMatchObject({ accessToken: 'new access', refreshToken: 'old refresh', scopes: ['read', 'write'] })
  expect(kept).not.toHaveProperty('expiresAt')
})

describe('an answer that renews nothing means', () => {
  test.for<[LinkOutcome['outcome'], number, unknown]>([
    ['ended', 400, { error: 'invalid_grant' }],
    ['ended', 200, { error: 'invalid_grant' }],
    ['ended', 401, { error: 'invalid_client' }],
    ['unavailable', 400, { error: 'invalid_request' }],
    ['unavailable', 503, { error: 'invalid_grant' }],
    ['unavailable', 429, {}],
    ['unavailable', 200, '<html>welcome</html>'],
    ['unavailable', 302, {}],
  ])('%s: %i %o', async ([outcome, status, body]) => {
    its.server.answers.set('/token', { status, body, headers: { location: '/elsewhere' } })
    expect(await client.refresh(its.link, async () => expect.unreachable('nothing was given'))).toMatchObject({ outcome })
    expect(its.server.paths()).toEqual(['/token'])
  })
})

test('tokens are given back, the one that renews first, and a server that is away stops nobody', async () => {
  await client.revoke(its.link)
  expect(its.server.asked.map(({ body }) => new URLSearchParams(body).get('token'))).toEqual(['old refresh', 'old access'])
  await its.server.close()
  await expect(client.revoke(its.link)).resolves.toBeUndefined()
})

async function renewed(): Promise<Link | undefined> {
  let kept: Link | undefined
  const outcome = await client.refresh(its.link, async (fresh) => void (kept = fresh))
  expect(outcome).toEqual({ outcome: 'refreshed' })
  return kept
}
