// The SDK of the 2025 revisions goes from nothing to a tool's answer, and stays signed in when its token runs out.
import { setTimeout as sleep } from 'node:timers/promises'
import { UnauthorizedError, type OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import { describe, expect, test } from 'vitest'
import { fixture } from '../../world/fixture.ts'
import { MemoryProvider } from '../../world/memory-provider.ts'
import { saidBy, VERIFIED_ALICE } from '../../world/spoken-result.ts'
import { startWorld } from '../../world/world.ts'

type Provider = MemoryProvider<OAuthClientInformationMixed, OAuthTokens, OAuthDiscoveryState>

interface Session {
  readonly client: Client
  readonly transport: StreamableHTTPClientTransport
}

const WHOAMI = { name: 'whoami', arguments: {} }
/** Seconds: long enough for a sign-in, short enough to wait for. */
const TOKEN_LIFE = 4

describe('the SDK for 2025-11-25 and before', () => {
  /** How the newest client's requests for its standing stream were answered. */
  const standing: number[] = []

  const world = fixture((closing) => closing(startWorld({ overrides: { ACCESS_TOKEN_TTL: String(TOKEN_LIFE) } })))

  test('signs in, lists tools, calls one, follows a stream, and gets new tokens without a browser', async () => {
    const provider: Provider = new MemoryProvider('alice')
    const { client, transport } = await signIn(provider)
    expect(provider.savedTokens).toMatchObject({
      token_type: 'Bearer',
      expires_in: TOKEN_LIFE,
      scope: expect.stringContaining('mcp'),
    })
    const first = provider.savedTokens

    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(['whoami', 'echo', 'count', 'ask', 'fail'])
    expect(saidBy(await client.callTool(WHOAMI))).toMatchObject(VERIFIED_ALICE)

    const steps: { progress: number; at: number }[] = []
    const counted = await client.callTool({ name: 'count', arguments: { to: 4, interval_ms: 100 } }, undefined, {
      onprogress: ({ progress }) => void steps.push({ progress, at: Date.now() }),
    })
    expect(counted.content).toEqual([{ type: 'text', text: 'counted to 4' }])
    expect(steps.map(({ progress }) => progress)).toEqual([1, 2, 3, 4])
    // A buffered stream would arrive all at once.
    expect(steps[3]!.at - steps[0]!.at).toBeGreaterThan(150)

    await sleep(TOKEN_LIFE * 1000)
    expect(saidBy(await client.callTool(WHOAMI))).toMatchObject(VERIFIED_ALICE)
    expect(provider.savedTokens?.access_token).not.toBe(first?.access_token)
    expect(provider.savedTokens?.refresh_token).not.toBe(first?.refresh_token)
    expect(provider.signIns).toBe(1)

    await transport.terminateSession()
    await client.close()
    expect(world.downstream.sessionCount()).toBe(0)
  })

  test('asks for a new sign-in when access was taken back, and gets one', async () => {
    const provider: Provider = new MemoryProvider('alice')
    world.downstream.requests.forget()
    const { client } = await signIn(provider)
    await expect.poll(() => standing, { timeout: 5000 }).toEqual([200])
    const listening = await world.downstream.requests.find(({ method }) => method === 'GET')
    const { refresh_token: token = '' } = provider.savedTokens ?? {}
    const { client_id: id = '' } = provider.clientInformation() ?? {}
    await fetch(`${world.brokerUrl}/revoke`, { method: 'POST', body: new URLSearchParams({ token, client_id: id }) })

    // It was ended when the revocation was answered; the server behind notices a moment later.
    await expect.poll(() => listening.closedAt).toBeDefined()

    // Refused, then refused a refresh, the SDK forgets its tokens, opens the browser, and leaves it to the program to go on.
    await expect(client.callTool(WHOAMI)).rejects.toThrow(UnauthorizedError)
    await client.close()
    expect(provider.signIns).toBe(2)
    expect(provider.savedTokens).toBeUndefined()

    const again = await redeem(provider)
    expect(saidBy(await again.client.callTool(WHOAMI))).toMatchObject(VERIFIED_ALICE)
    await again.client.close()
  })

  test('is told when the person says no', async () => {
    const provider: Provider = new MemoryProvider('alice', 'deny')
    const client = new Client({ name: 'SDK v1', version: '1.0.0' })
    await expect(
      client.connect(new StreamableHTTPClientTransport(new URL(world.mcpUrl), { authProvider: provider })),
    ).rejects.toThrow(UnauthorizedError)
    expect(Object.fromEntries(provider.answer())).toMatchObject({ error: 'access_denied', iss: world.brokerUrl })
    expect(provider.answer().has('code')).toBe(false)
  })

  /** As the SDK's own examples do it: fail, which sends the person to the browser; redeem; connect once more. */
  async function signIn(authProvider: Provider): Promise<Session> {
    const client = new Client({ name: 'SDK v1', version: '1.0.0' })
    const transport = new StreamableHTTPClientTransport(new URL(world.mcpUrl), { authProvider })
    await expect(client.connect(transport)).rejects.toThrow(UnauthorizedError)
    return await redeem(authProvider)
  }

  async function redeem(authProvider: Provider): Promise<Session> {
    standing.length = 0
    const transport = new StreamableHTTPClientTransport(new URL(world.mcpUrl), { authProvider, fetch: watched })
    await transport.finishAuth(authProvider.code())
    const client = new Client({ name: 'SDK v1', version: '1.0.0' })
    await client.connect(transport)
    return { client, transport }
  }

  async function watched(url: string | URL, init?: RequestInit): Promise<Response> {
    const answer = await fetch(url, init)
    if (init?.method === 'GET' && String(url) === world.mcpUrl) standing.push(answer.status)
    return answer
  }
})
