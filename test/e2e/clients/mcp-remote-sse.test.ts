// mcp-remote at the address of HTTP+SSE: it tries streamable HTTP first, takes the 405 for an answer, and signs in on the way.
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { expect, test } from 'vitest'
import { ROOT } from '../../world/bundle.ts'
import { spawnedClients } from '../../world/spawned-client.ts'
import { startSseDownstream, type SseDownstream } from '../../world/sse-downstream.ts'
import { stdioOf } from '../../world/stdio.ts'
import { startWorld, type World } from '../../world/world.ts'
import { forEveryTry } from '../../world/each-try.ts'

const MCP_REMOTE = join(ROOT, 'node_modules/mcp-remote/dist/proxy.js')

let world: World
let sse: SseDownstream
const remotes = spawnedClients(MCP_REMOTE, ({ path }) => ({ MCP_REMOTE_CONFIG_DIR: join(path, 'mcp-auth') }))

forEveryTry(async () => {
  sse = await startSseDownstream()
  world = await startWorld({ overrides: { DOWNSTREAM_MCP_URL: sse.url } })
  return async () => {
    await world.close()
    await sse.close()
  }
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
