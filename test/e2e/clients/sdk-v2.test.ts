// The SDK of 2026-07-28 goes from nothing to a tool's answer; it listens, and when it leaves a call the call ends downstream.
import {
  Client,
  StreamableHTTPClientTransport,
  UnauthorizedError,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
} from '@modelcontextprotocol/client'
import { describe, expect, test } from 'vitest'
import { fixture } from '../../world/fixture.ts'
import { MemoryProvider } from '../../world/memory-provider.ts'
import { saidBy, VERIFIED_ALICE } from '../../world/spoken-result.ts'
import { startWorld } from '../../world/world.ts'

type Provider = MemoryProvider<StoredOAuthClientInformation, StoredOAuthTokens, OAuthDiscoveryState>
type Mode = 'auto' | 'legacy' | { readonly pin: string }

const WHOAMI = { name: 'whoami', arguments: {} }
const MODERN = '2026-07-28'

describe('the SDK for 2026-07-28', () => {
  const world = fixture((closing) => closing(startWorld()))

  test.for<[string, Mode, string]>([
    ['it insists on the new revision', { pin: MODERN }, MODERN],
    ['it lets the server choose', 'auto', MODERN],
    ['it is told to stay with the old ones', 'legacy', '2025-11-25'],
  ])('signs in and calls tools when %s', async ([, mode, version]) => {
    const provider: Provider = new MemoryProvider('alice')
    const client = await connect(provider, mode)
    expect(client.getNegotiatedProtocolVersion()).toBe(version)
    expect(provider.answer().get('iss')).toBe(world.brokerUrl)
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(['whoami', 'echo', 'count', 'ask', 'fail'])
    expect(saidBy(await client.callTool(WHOAMI))).toMatchObject(VERIFIED_ALICE)

    const steps: { progress: number; at: number }[] = []
    const counted = await client.callTool(
      { name: 'count', arguments: { to: 4, interval_ms: 100 } },
      { onprogress: ({ progress }) => void steps.push({ progress, at: Date.now() }) },
    )
    expect(counted.content).toEqual([{ type: 'text', text: 'counted to 4' }])
    expect(steps.map(({ progress }) => progress)).toEqual([1, 2, 3, 4])
    // A buffered stream would arrive all at once.
    expect(steps[3]!.at - steps[0]!.at).toBeGreaterThan(150)
    await client.close()
  })

  test('ends a call downstream when it is no longer wanted', async () => {
    const client = await connect(new MemoryProvider('alice'), 'auto')
    const leaving = new AbortController()
    const call = client.callTool(
      { name: 'count', arguments: { to: 1000, interval_ms: 100 } },
      { signal: leaving.signal, onprogress: ({ progress }) => void (progress === 2 && leaving.abort()) },
    )
    const request = await world.downstream.requests.find(({ body }) => body.includes('"count"') && body.includes('1000'))
    await expect(call).rejects.toThrow('aborted')
    await request.closed
    expect(request.aborted).toBe(true)
    expect(saidBy(await client.callTool(WHOAMI))).toMatchObject(VERIFIED_ALICE)
    await client.close()
  })

  test('hears that the list of tools changed, until it stops listening', async () => {
    const client = await connect(new MemoryProvider('alice'), 'auto')
    let heard = 0
    client.setNotificationHandler('notifications/tools/list_changed', () => void (heard += 1))
    const subscription = await client.listen({ toolsListChanged: true })
    expect(subscription.honoredFilter).toEqual({ toolsListChanged: true })
    const request = await world.downstream.requests.find(({ body }) => body.includes('subscriptions/listen'))

    world.downstream.announce()
    await expect.poll(() => heard).toBe(1)

    await subscription.close()
    expect(await subscription.closed).toBe('local')
    // An idle stream shows that its reader left when something is written to it: a keep-alive at the latest, here the next event.
    await expect.poll(() => (world.downstream.announce(), request.aborted)).toBe(true)
    expect(heard).toBe(1)
    await client.close()
  })

  test('gets new tokens without a browser when its access token is refused', async () => {
    const provider: Provider = new MemoryProvider('alice')
    const client = await connect(provider, 'auto')
    const { refresh_token: before } = provider.savedTokens ?? {}
    provider.savedTokens = { ...provider.savedTokens!, access_token: 'gone-bad' }
    expect(saidBy(await client.callTool(WHOAMI))).toMatchObject(VERIFIED_ALICE)
    expect(provider.savedTokens.access_token).not.toBe('gone-bad')
    expect(provider.savedTokens.refresh_token).not.toBe(before)
    expect(provider.signIns).toBe(1)
    await client.close()
  })

  /** As the SDK's own examples do it: fail, send the person to the browser, redeem, connect once more. */
  async function connect(authProvider: Provider, mode: Mode): Promise<Client> {
    const url = new URL(world.mcpUrl)
    const transport = new StreamableHTTPClientTransport(url, { authProvider })
    await expect(newClient(mode).connect(transport)).rejects.toThrow(UnauthorizedError)
    await transport.finishAuth(authProvider.answer())
    const client = newClient(mode)
    await client.connect(new StreamableHTTPClientTransport(url, { authProvider }))
    return client
  }
})

function newClient(mode: Mode): Client {
  return new Client({ name: 'SDK v2', version: '1.0.0' }, { versionNegotiation: { mode } })
}
