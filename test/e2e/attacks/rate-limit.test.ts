// Attacks on the limit of a person: other addresses, other sessions, another client.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BrokerClient, callTool, statusWith } from '../../world/broker-client.ts'
import { startWorld, type World } from '../../world/world.ts'

const LIMIT = 500
const ATTEMPTS = 10_000
const IN_PARALLEL = 40

let world: World

beforeAll(async () => {
  // A window so long that nothing comes back while the test runs: 500 a month is one in 86 minutes.
  world = await startWorld({ overrides: { RATE_LIMIT_REQUESTS: String(LIMIT), RATE_LIMIT_WINDOW: String(30 * 86_400) } })
})
afterAll(async () => {
  await world?.close()
})

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
      const answer = await callTool(world.mcpUrl, tokens[attempt % tokens.length]?.accessToken ?? '', {
        headers: {
          'x-forwarded-for': address,
          'x-real-ip': address,
          'cf-connecting-ip': address,
          'true-client-ip': address,
          'mcp-session-id': `session-${attempt}`,
        },
      })
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
  expect(world.downstream.requests.all).toHaveLength(LIMIT)

  // Somebody else is not slowed down, and a new sign-in of the same person buys nothing.
  expect(await statusWith(world.mcpUrl, (await first.signIn('bob')).accessToken)).toBe(200)
  expect(await statusWith(world.mcpUrl, (await second.signIn('alice')).accessToken)).toBe(429)
})
