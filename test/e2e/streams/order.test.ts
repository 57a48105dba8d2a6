// A call does not overtake the standing stream that was opened before it: a server loses what it asks while none stands open.
import { expect, test } from 'vitest'
import { credentialsFor } from '../../world/clients.ts'
import { fixture } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { startRawDownstream } from '../../world/raw-downstream.ts'
import { startWorld } from '../../world/world.ts'

const SESSIONS = 20

const the = fixture(async (closing) => {
  const raw = await closing(
    startRawDownstream((req, body, res) => {
      if (req.method === 'GET') res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      else if (!body.includes('"id"')) res.writeHead(202).end()
      else {
        const session = { 'mcp-session-id': `session ${raw.requests.all.length}` }
        res.writeHead(200, { 'content-type': 'application/json', ...(body.includes('"initialize"') && session) })
        res.end('{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25"}}')
      }
    }),
  )
  const world = await closing(startWorld({ overrides: { DOWNSTREAM_MCP_URL: raw.url } }))
  return { world, raw }
})

test('a client that opens its stream and calls at once finds them in this order behind the broker, in twenty sessions of twenty', async () => {
  const { accessToken } = await credentialsFor('alice', the.world.mcpUrl)
  for (let session = 1; session <= SESSIONS; session += 1) {
    const client = await LegacyClient.open(the.world.mcpUrl, accessToken)
    the.raw.requests.forget()
    // As the SDKs do it: the first is not waited for.
    const opening = client.get()
    const [stream, answer] = await Promise.all([opening, client.call('anything', {})])
    expect(answer.status).toBe(200)
    expect(the.raw.requests.all.map(({ method }) => method)).toEqual(['GET', 'POST'])
    stream.leave()
  }
})

test('a client that opens no stream does not wait for one it never asks for, but in its first call', async () => {
  const { accessToken } = await credentialsFor('alice', the.world.mcpUrl)
  const client = await LegacyClient.open(the.world.mcpUrl, accessToken)
  await client.call('anything', {})
  const took: number[] = []
  for (let call = 0; call < 20; call += 1) {
    const began = performance.now()
    await (await client.call('anything', {})).text()
    took.push(performance.now() - began)
  }
  expect(Math.min(...took)).toBeLessThan(15)
})
