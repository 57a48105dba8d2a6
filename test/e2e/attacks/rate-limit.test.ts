// Attacks on the limit of a person: other addresses, other sessions, another client.
import { expect, test } from 'vitest'
import { BrokerClient, callTool, postHeaders, statusWith } from '../../world/broker-client.ts'
import { Browser } from '../../world/browser.ts'
import { fixture } from '../../world/fixture.ts'
import { startWorld } from '../../world/world.ts'

const LIMIT = 500
const ATTEMPTS = 10_000
const IN_PARALLEL = 40

// A window so long that nothing comes back while the test runs: 500 a month is one in 86 minutes.
const world = fixture((closing) =>
  closing(startWorld({ overrides: { RATE_LIMIT_REQUESTS: String(LIMIT), RATE_LIMIT_WINDOW: String(30 * 86_400) } })),
)

test(`46. rate-limit bypass: of ${ATTEMPTS} requests from many addresses, sessions and two clients exactly ${LIMIT} pass`, async () => {
  const [first, second] = [await BrokerClient.register(world.brokerUrl), await BrokerClient.register(world.brokerUrl)]
  const tokens = [await first.signIn('alice'), await first.signIn('alice'), await second.signIn('alice')]
  world.downstream.requests.forget()
  const statuses = new Map<number, number>()
  let left = ATTEMPTS
  const attack = async (): Promise<void> => {
    while (left > 0) {
      const attempt = left
      left -= 1
      const address = `198.51.${attempt % 256}.${(attempt >> 8) % 256}`
      const headers = {
        'x-forwarded-for': address,
        'x-real-ip': address,
        'cf-connecting-ip': address,
        'true-client-ip': address,
      }
      const token = tokens[attempt % tokens.length]?.accessToken ?? ''
      const isLegacy = attempt % 4 === 0
      const answer = isLegacy
        ? await initialize(token, headers)
        : await callTool(world.mcpUrl, token, { headers: { ...headers, 'mcp-session-id': `session-${attempt}` } })
      const text = await answer.text()
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      if (answer.status !== 429) continue
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(answer.headers.get('ratelimit-limit')).toBe(String(LIMIT))
      expect(text).toContain('limit_exceeded')
    }
  }
  await Promise.all(Array.from({ length: IN_PARALLEL }, attack))
  expect(Object.fromEntries(statuses)).toEqual({ 200: LIMIT, 429: ATTEMPTS - LIMIT })
  // The broker ends the oldest sessions by DELETEs of its own when there are too many; what the person asked for is a POST.
  expect(world.downstream.requests.all.filter(({ method }) => method === 'POST')).toHaveLength(LIMIT)

  // Somebody else is not slowed down, and a new sign-in of the same person buys nothing.
  expect(await statusWith(world.mcpUrl, (await first.signIn('bob')).accessToken)).toBe(200)
  expect(await statusWith(world.mcpUrl, (await second.signIn('alice')).accessToken)).toBe(429)
})

test('a sign-in that comes back again and again does not make the broker hammer the identity provider', async () => {
  const client = await BrokerClient.register(world.brokerUrl)
  const browser = new Browser()
  const consent = (await browser.get(client.authorizeUrl().url)).forms.find(({ id }) => id === 'consent')
  const page = consent && (await browser.submit(consent, { decision: 'allow' }, { stopAt: world.idp.issuer }))
  const state = new URL(page?.url ?? '').searchParams.get('state') ?? ''
  const cookie = browser.cookiesFor(world.brokerUrl)
  world.idp.control.forgetCalls()
  const callback = `${world.brokerUrl}/callback?${new URLSearchParams({ state, code: 'invented', iss: world.idp.issuer }).toString()}`
  const statuses = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const answer = await fetch(callback, { headers: { cookie }, redirect: 'manual' })
      await answer.text()
      return answer.status
    }),
  )
  expect(statuses.filter((status) => status === 429)).toHaveLength(197)
  expect(world.idp.control.calls.token).toBe(3)
})

/** A session of the 2025 revisions, as new as it can be. */
async function initialize(token: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'flood', version: '1' } }
  return await fetch(world.mcpUrl, {
    method: 'POST',
    headers: {
      ...postHeaders(token),
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
  })
}
