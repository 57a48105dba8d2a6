// A client is blocked while a person is at the sign-in of a server: nobody comes back to a code, also when every lifetime is over.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { AdminProgram } from '../world/administrator.ts'
import { BrokerClient, statusWith } from '../world/broker-client.ts'
import { Browser, signInAs } from '../world/browser.ts'
import { fixture } from '../world/fixture.ts'
import { ProtectedDownstream } from '../world/protected-downstream.ts'
import { startWorld } from '../world/world.ts'

/** Seconds; long enough for a client to redeem its code on a busy machine. */
const CODE_TTL = 5

const the = fixture(async (closing) => {
  const server = await closing(ProtectedDownstream.start())
  const vault = { name: 'vault', title: 'The vault', url: server.url, auth: 'oauth' }
  const world = await closing(
    startWorld({ overrides: { AUTHORIZATION_CODE_TTL: String(CODE_TTL), DOWNSTREAMS: JSON.stringify([vault]) } }),
  )
  return { world, server }
})

test('gets no code however late they come back, what the server gave is given back, and after the unblock they sign in', async () => {
  const resource = `${the.world.brokerUrl}/servers/vault/mcp`
  const app = await BrokerClient.register(the.world.brokerUrl)
  const carol = await AdminProgram.signedIn(the.world.brokerUrl, 'carol')
  const browser = new Browser()
  const { url } = app.authorizeUrl({ resource })
  const callback = await signInAs('alice', url, { browser, stopAt: `${the.world.brokerUrl}/link/callback/vault` })
  await carol.act(`/clients/${app.clientId}/block`, { reason: 'it misbehaves' })
  await sleep((CODE_TTL + 1) * 1_000)
  const back = await browser.get(callback.href, { stopAt: app.redirectUri })
  const { searchParams } = new URL(back.url)
  expect([searchParams.get('error'), searchParams.get('code')]).toEqual(['access_denied', null])
  expect(the.server.secrets.length).toBeGreaterThan(0)
  await vi.waitFor(() => expect(the.server.revoked).toEqual(expect.arrayContaining(the.server.secrets.slice(-2))), 10_000)
  await carol.act(`/clients/${app.clientId}/unblock`, { reason: 'it was mended' })
  expect(await statusWith(resource, (await app.signIn('alice', { changes: { resource } })).accessToken)).toBe(200)
})
