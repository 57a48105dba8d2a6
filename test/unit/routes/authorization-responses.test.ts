// An authorization response that is sent again and again, or from one address all the time, is not passed on to a token endpoint.
import { Hono } from 'hono/tiny'
import { expect, test } from 'vitest'
import { OAuthError } from '../../../src/clients/oauth-error.ts'
import { keyRing } from '../../../src/issuer/keys.ts'
import { AuthorizationResponses } from '../../../src/routes/authorization-responses.ts'

const keys = await keyRing({ secret: Uint8Array.from({ length: 32 }, (_, index) => index * 7) })

function broker(): {
  readonly comesBack: (state: string, address?: string) => Promise<number>
  readonly pass: (seconds: number) => void
} {
  let now = 1_800_000_000
  const responses = new AuthorizationResponses(() => now)
  const routes = new Hono()
  routes.onError((error) => new Response(null, { status: error instanceof OAuthError ? error.status : 500 }))
  routes.get('/:state', async (c) => {
    await responses.assertMayBeTaken(c, keys, c.req.param('state'))
    return c.body(null, 200)
  })
  return {
    comesBack: async (state, address) => {
      const headers: Record<string, string> = address === undefined ? {} : { 'CF-Connecting-IP': address }
      return (await routes.request(`/${state}`, { headers })).status
    },
    pass: (seconds) => void (now += seconds),
  }
}

test('one comes back three times in a minute, whoever sends it', async () => {
  const { comesBack, pass } = broker()
  const statuses = ['192.0.2.1', '198.51.100.1', undefined, '203.0.113.1'].map(async (address) => await comesBack('a', address))
  expect(await Promise.all(statuses)).toEqual([200, 200, 200, 429])
  expect(await comesBack('b')).toBe(200)
  pass(60)
  expect(await comesBack('a')).toBe(200)
})

test('from one address so many come back in a minute, and others are not kept waiting', async () => {
  const { comesBack } = broker()
  for (let n = 0; n < 120; n += 1) expect(await comesBack(`of one ${n}`, '192.0.2.1')).toBe(200)
  expect(await comesBack('one more', '192.0.2.1')).toBe(429)
  expect([await comesBack('of another', '198.51.100.1'), await comesBack('of nobody knows whom')]).toEqual([200, 200])
})
