// Attack 37: what an expired token and an expired session can still reach. The policy: a stream lives as long as its grant.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { BrokerClient, countForLong, statusWith, tokensOf } from '../../world/broker-client.ts'
import { fixture } from '../../world/fixture.ts'
import { startWorld } from '../../world/world.ts'

const world = fixture((closing) => closing(startWorld({ overrides: { ACCESS_TOKEN_TTL: '4', SESSION_TTL: '10' } })))

test('37. expiry on an open stream: the token opens nothing more, the stream goes on, and ends with the session', async () => {
  const client = await BrokerClient.register(world.brokerUrl)
  const { accessToken, refreshToken, expiresIn } = await client.signIn('alice')
  const began = Date.now()
  expect(expiresIn).toBe(4)
  const stream = await countForLong(world.mcpUrl, accessToken)

  await sleep(began + 5_000 - Date.now())
  expect(await statusWith(world.mcpUrl, accessToken)).toBe(401)
  const heard = stream.text.length
  await sleep(500)
  expect(stream.text.length).toBeGreaterThan(heard)

  const renewed = tokensOf(await client.refresh(refreshToken))
  expect(await statusWith(world.mcpUrl, renewed.accessToken)).toBe(200)
  // No token is promised for longer than the session lasts.
  await sleep(began + 7_500 - Date.now())
  const last = tokensOf(await client.refresh(renewed.refreshToken))
  expect(last.expiresIn).toBeLessThanOrEqual(3)

  expect(await stream.endsWithin(began + 13_000 - Date.now())).toBe(true)
  expect((stream.endedAt ?? 0) - began).toBeGreaterThan(9_000)
  expect(stream.text).toContain('closed: session_expired')
  const call = await world.downstream.requests.find(({ body }) => body.includes('"count"'))
  await call.closed
  expect(call.aborted).toBe(true)
  expect((call.closedAt ?? 0) - (stream.endedAt ?? 0)).toBeLessThan(1_000)
  expect(await statusWith(world.mcpUrl, last.accessToken)).toBe(401)
  expect((await client.refresh(last.refreshToken)).status).toBe(400)
})
