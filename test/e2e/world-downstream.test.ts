// The example MCP server speaks both eras to the official clients, verifies identity, and stops when nobody listens.
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
  type CallToolResult,
} from '@modelcontextprotocol/client'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import { startDownstream, type Downstream, type DownstreamOptions } from '../world/downstream.ts'
import { startRawDownstream } from '../world/raw-downstream.ts'

const running: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const one of running.splice(0).toReversed()) await one.close()
})

async function started(options?: DownstreamOptions): Promise<Downstream> {
  const downstream = await startDownstream(options)
  running.push(downstream)
  return downstream
}

async function legacy(downstream: Downstream): Promise<{ client: LegacyClient; transport: LegacyTransport }> {
  const client = new LegacyClient({ name: 'test', version: '1' })
  const transport = new LegacyTransport(new URL(downstream.url))
  await client.connect(transport)
  running.push(client)
  return { client, transport }
}

async function modern(downstream: Downstream, headers: Readonly<Record<string, string>> = {}): Promise<ModernClient> {
  const client = new ModernClient({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  await client.connect(new ModernTransport(new URL(downstream.url), { requestInit: { headers } }))
  running.push(client)
  return client
}

function said({ content }: CallToolResult): string {
  const [first] = content
  return first?.type === 'text' ? first.text : ''
}

describe('a client of 2026-07-28', () => {
  test('calls without a session and gets progress as it happens', async () => {
    const downstream = await started()
    const client = await modern(downstream)
    expect(client.getProtocolEra()).toBe('modern')
    expect(said(await client.callTool({ name: 'echo', arguments: { message: 'héllo' } }))).toBe('héllo')
    const steps: number[] = []
    const counted = await client.callTool(
      { name: 'count', arguments: { to: 3, interval_ms: 5 } },
      { onprogress: ({ progress }) => void steps.push(progress) },
    )
    expect(said(counted)).toBe('counted to 3')
    expect(steps).toEqual([1, 2, 3])
    expect(downstream.sessionCount()).toBe(0)
    expect(downstream.requests.all.every(({ headers }) => headers['mcp-session-id'] === undefined)).toBe(true)
  })

  test('that leaves ends its call at once', async () => {
    const downstream = await started()
    const client = await modern(downstream)
    const leaving = new AbortController()
    const onprogress = (): void => leaving.abort()
    const call = client.callTool(
      { name: 'count', arguments: { to: 1000, interval_ms: 50 } },
      { onprogress, signal: leaving.signal },
    )
    await expect(call).rejects.toThrow(/abort/i)
    const counting = await downstream.requests.find(({ body }) => body.includes('"count"'))
    await counting.closed
    expect(counting.aborted).toBe(true)
    expect((counting.closedAt ?? 0) - counting.arrivedAt).toBeLessThan(2000)
  })
})

describe('a client of the 2025 revisions', () => {
  test('has a session, a standing stream, and ends both with DELETE', async () => {
    const downstream = await started()
    const { client, transport } = await legacy(downstream)
    expect(transport.sessionId).toBeTruthy()
    expect(downstream.sessionCount()).toBe(1)
    const heard = new Promise<void>((resolve) =>
      client.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve()),
    )
    await downstream.requests.find(({ method, status }) => method === 'GET' && status === 200)
    downstream.announce()
    await heard
    const failed = await client.callTool({ name: 'fail', arguments: {} })
    expect(failed.isError).toBe(true)
    await transport.terminateSession()
    expect(downstream.sessionCount()).toBe(0)
  })

  test('is told 404 when the server forgot its session', async () => {
    const downstream = await started()
    const { client } = await legacy(downstream)
    await downstream.forgetSessions()
    await expect(client.callTool({ name: 'echo', arguments: { message: 'x' } })).rejects.toMatchObject({ code: 404 })
  })

  test('resumes a stream from its last event after a cut', async () => {
    const downstream = await started()
    const { transport } = await legacy(downstream)
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-session-id': transport.sessionId ?? '',
      'mcp-protocol-version': transport.protocolVersion ?? '',
    }
    const params = { name: 'count', arguments: { to: 5, interval_ms: 40 }, _meta: { progressToken: 'p' } }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 'c', method: 'tools/call', params })
    const cut = new AbortController()
    const first = await fetch(downstream.url, { method: 'POST', headers, body, signal: cut.signal })
    const seen = await readUntil(first, '"progress":2')
    cut.abort()
    await (
      await downstream.requests.find((request) => request.body.includes('"count"'))
    ).closed
    const lastId = [...seen.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? ''
    const resumed = await fetch(downstream.url, { headers: { ...headers, 'last-event-id': lastId } })
    expect(resumed.status).toBe(200)
    const rest = await readUntil(resumed, 'counted to 5')
    expect([...rest.matchAll(/"progress":(\d)/g)].map(([, step]) => step)).toEqual(['3', '4', '5'])
  })
})

describe('whoami', () => {
  test('says who the identity JWT is about once it verified it', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const jwks = await startRawDownstream(async (_, __, res) => {
      res.end(JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }] }))
    })
    running.push(jwks)
    const downstream = await started({ jwksUrl: jwks.url, issuer: 'http://broker.example', audience: 'the downstream' })
    const sign = async (issuer: string): Promise<string> =>
      await new SignJWT({ email: 'alice@example.com' })
        .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
        .setIssuer(issuer)
        .setAudience('the downstream')
        .setExpirationTime('1m')
        .sign(privateKey)
    const ask = async (headers: Readonly<Record<string, string>>): Promise<unknown> =>
      JSON.parse(said(await (await modern(downstream, headers)).callTool({ name: 'whoami', arguments: {} })))

    const known = await ask({
      authorization: `Bearer ${await sign('http://broker.example')}`,
      'x-user-email': 'alice@example.com',
    })
    expect(known).toMatchObject({
      verified: true,
      claims: { email: 'alice@example.com' },
      headers: { 'x-user-email': 'alice@example.com' },
    })
    const stranger = await ask({ authorization: `Bearer ${await sign('http://else.example')}` })
    expect(stranger).toMatchObject({ verified: false, reason: 'unexpected "iss" claim value' })
    expect(await ask({})).toMatchObject({ verified: false, reason: 'no token came with the request' })
  })
})

async function readUntil(response: Response, text: string): Promise<string> {
  const decoder = new TextDecoder()
  const reader = response.body?.getReader()
  let read = ''
  while (!read.includes(text)) {
    const chunk = await reader?.read()
    if (chunk?.value === undefined) break
    read += decoder.decode(chunk.value, { stream: true })
  }
  return read
}
