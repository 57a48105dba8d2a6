// A downstream that sends the headers of its standing stream only with the first event, as the SDK's own adapter for Node does.
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { describe, expect, test } from 'vitest'
import { BrokerClient, type Tokens } from '../world/broker-client.ts'
import { fixture } from '../world/fixture.ts'
import { startWorld } from '../world/world.ts'

describe('the standing stream of a quiet downstream', () => {
  const the = fixture(async (closing) => {
    const world = await closing(startWorld())
    const client = await BrokerClient.register(world.brokerUrl)
    return { world, client }
  })

  test('is open for its client at once, brings what comes, and ends with the access', async () => {
    const tokens = await the.client.signIn('alice', { changes: { resource: the.world.mcpUrl } })
    const began = Date.now()
    const stream = await open(tokens)
    expect(stream.status).toBe(200)
    expect(stream.headers.get('content-type')).toBe('text/event-stream')
    expect(Date.now() - began).toBeLessThan(2500)
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader.read()).value).toBe(': ok\n\n')
    // An id to resume from, although the downstream has said nothing for five seconds.
    expect((await reader.read()).value).toMatch(/^id: /m)

    the.world.downstream.announce()
    expect((await reader.read()).value).toContain('notifications/tools/list_changed')

    await the.client.revoke(tokens.refreshToken)
    expect((await reader.read()).value).toContain('closed: credential_revoked')
    expect((await reader.read()).done).toBe(true)
  })

  test('ends with the access before the downstream has said a word', async () => {
    const tokens = await the.client.signIn('bob', { changes: { resource: the.world.mcpUrl } })
    const stream = await open(tokens)
    const silent = the.world.downstream.requests.all.findLast(({ method }) => method === 'GET')
    await the.client.revoke(tokens.refreshToken)
    expect(await stream.text()).toContain('closed: credential_revoked')
    await silent?.closed
    expect(silent?.aborted).toBe(true)
  })

  /** An SDK client opens the session; its standing stream is opened by hand, where its headers can be seen. */
  async function open({ accessToken }: Tokens): Promise<Response> {
    const headers = { authorization: `Bearer ${accessToken}` }
    const transport = new StreamableHTTPClientTransport(new URL(the.world.mcpUrl), {
      requestInit: { headers },
      fetch: withoutStanding,
    })
    await new Client({ name: 'quiet', version: '1.0.0' }).connect(transport)
    return await fetch(the.world.mcpUrl, {
      headers: {
        ...headers,
        accept: 'text/event-stream',
        'mcp-protocol-version': '2025-11-25',
        'mcp-session-id': transport.sessionId ?? '',
      },
    })
  }
})

/** 405 is how a server says that it has no standing stream: so the SDK opens none of its own. */
async function withoutStanding(url: string | URL, init?: RequestInit): Promise<Response> {
  return init?.method === 'GET' ? new Response(null, { status: 405 }) : await fetch(url, init)
}
