// mcp-remote at the address of HTTP+SSE: it tries streamable HTTP first, takes the 405 for an answer, and signs in on the way.
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { expect, test } from 'vitest'
import { ROOT } from '../../world/bundle.ts'
import { fixture } from '../../world/fixture.ts'
import { spawnedClients } from '../../world/spawned-client.ts'
import { startSseDownstream } from '../../world/sse-downstream.ts'
import { stdioOf } from '../../world/stdio.ts'
import { startWorld } from '../../world/world.ts'

const MCP_REMOTE = join(ROOT, 'node_modules/mcp-remote/dist/proxy.js')

const remotes = spawnedClients(MCP_REMOTE, ({ path }) => ({ MCP_REMOTE_CONFIG_DIR: join(path, 'mcp-auth') }))

const world = fixture(async (closing) => {
  const sse = await closing(startSseDownstream())
  return await closing(startWorld({ overrides: { DOWNSTREAM_MCP_URL: sse.url } }))
})

test.for<[string, string[]]>([
  ['left to itself', []],
  ['told to try HTTP+SSE first', ['--transport', 'sse-first']],
])('%s it signs in, calls tools and hears of progress', async ([, args]) => {
  const remote = remotes.start(`${world.brokerUrl}/sse`, '--allow-http', ...args)
  const client = new Client({ name: 'a client that only starts programs', version: '1.0.0' })
  const connected = client.connect(stdioOf(remote))
  expect((await remote.signIn('alice')).status).toBe(200)
  await connected
  const { tools } = await client.listTools()
  expect(tools.map(({ name }) => name)).toEqual(['whoami', 'echo', 'count', 'ask'])
  const steps: number[] = []
  await client.callTool({ name: 'count', arguments: { to: 3 } }, undefined, {
    onprogress: ({ progress }) => void steps.push(progress),
  })
  expect(steps).toEqual([1, 2, 3])
  await client.close()
})
