// How long MCP sessions lasted, as /metrics says it: of the client with the broker, and of the broker with the MCP server.
import { expect, onTestFinished, test } from 'vitest'
import { credentialsFor } from '../world/clients.ts'
import { readExposition, sumOf } from '../world/exposition-reader.ts'
import { LegacyClient } from '../world/legacy-client.ts'
import { startRawDownstream } from '../world/raw-downstream.ts'
import { scrape } from '../world/scrape.ts'
import { startWorld } from '../world/world.ts'

test('a session is counted on each side when it ends, and at the server also when that has lost it', async () => {
  const lost = new Set<string>()
  let sessions = 0
  const downstream = await startRawDownstream((request, body, response) => {
    const isMessage = request.method === 'POST'
    const { id, method }: { id?: number; method: string } = isMessage ? JSON.parse(String(body)) : { method: '' }
    const isKnown = !lost.has(String(request.headers['mcp-session-id']))
    const opened = method === 'initialize' && { 'mcp-session-id': `session-${(sessions += 1)}` }
    if (id === undefined) response.writeHead(isMessage ? 202 : request.method === 'DELETE' ? 200 : 405)
    else response.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json', ...opened })
    const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'server', version: '1' } }
    const answer = isKnown ? { result } : { error: { code: -32_001, message: 'Session not found' } }
    response.end(id === undefined ? undefined : JSON.stringify({ jsonrpc: '2.0', id, ...answer }))
  })
  const world = await startWorld({ overrides: { DOWNSTREAM_MCP_URL: downstream.url } })
  onTestFinished(async () => {
    await world.close()
    await downstream.close()
  })
  const { accessToken } = await credentialsFor('alice', world.mcpUrl)
  const counted = async () => {
    const metrics = readExposition(await scrape(world.brokerUrl))
    return ['server', 'client'].map((side) => {
      const name = `mcp_${side}_session_duration_seconds_count`
      return [sumOf(metrics, name, { server: 'mcp' }), sumOf(metrics, name, { error_type: '404' })]
    })
  }

  const client = await LegacyClient.open(world.mcpUrl, accessToken)
  expect(await counted()).toEqual([
    [0, 0],
    [0, 0],
  ])
  lost.add('session-1')
  expect((await client.call('echo')).status).toBe(200)
  expect(await counted()).toEqual([
    [0, 0],
    [1, 1],
  ])
  expect((await client.delete()).status).toBe(200)
  expect(await counted()).toEqual([
    [1, 0],
    [2, 1],
  ])
})
