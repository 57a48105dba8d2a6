// How each path takes the methods people, monitors and clients try on it, before anybody is asked.
import { describe, expect, test } from 'vitest'
import { app } from '../../../src/app.ts'
import { BASE_URL, exampleDeployment } from './example-deployment.ts'

const now = (): number => 1_800_000_000

// Nobody listens there: what a page says then is the same for both.
const services = await exampleDeployment({ OAUTH_AUTHORIZE_URL: 'http://127.0.0.1:9' }, { now })
const { signedTokens } = services
const floor = app(services)

const ask = async (method: string, path: string, headers: Record<string, string> = {}) =>
  await floor.request(BASE_URL + path, { method, headers })

describe('HEAD is answered as GET, without a body, at', () => {
  test.for([
    '/',
    '/health',
    '/authorize',
    '/account',
    '/.well-known/oauth-protected-resource/mcp',
    '/.well-known/oauth-protected-resource/sse',
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
    '/.well-known/jwks.json',
    '/.well-known/nothing-here',
  ])('%s', async (path) => {
    const [get, head] = [await ask('GET', path), await ask('HEAD', path)]
    expect([head.status, head.headers.get('content-type'), head.headers.get('location')]).toEqual([
      get.status,
      get.headers.get('content-type'),
      get.headers.get('location'),
    ])
    expect(await head.text()).toBe('')
  })
})

test.for(['/mcp', '/callback', '/link/callback'])(
  'HEAD at %s does nothing: GET would open a stream or redeem a code',
  async (path) => {
    expect((await ask('HEAD', path)).status).toBe(405)
  },
)

test('a resource that was given with a slash at its end is described where a client looks then', async () => {
  const answer = await ask('GET', '/.well-known/oauth-protected-resource/mcp/')
  expect([answer.status, await answer.json()]).toMatchObject([
    200,
    { resource: `${BASE_URL}/mcp`, authorization_servers: [BASE_URL] },
  ])
})

describe('a client that tries streamable HTTP at /sse', () => {
  test('is told to sign in first', async () => {
    const answer = await ask('POST', '/sse')
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toContain(
      `resource_metadata="${BASE_URL}/.well-known/oauth-protected-resource/sse"`,
    )
  })

  test('and then takes 405 for its answer', async () => {
    const facts = {
      sub: 's'.repeat(43),
      grantId: 'g',
      clientId: 'c',
      scopes: ['mcp'],
      resource: `${BASE_URL}/mcp`,
      generation: 1,
    }
    const token = await signedTokens.accessToken({ ...facts, issuedAt: now(), endsAt: now() + 60 }, 60)
    const answer = await ask('POST', '/sse', { authorization: `Bearer ${token}` })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, OPTIONS'])
  })
})
