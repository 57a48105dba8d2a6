// mcp-remote, the bridge for clients that only start programs, goes from nothing to a tool's answer over its stdin and stdout.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { setupsFor } from '../../../src/pages/setups.ts'
import { fixture } from '../../world/fixture.ts'
import { spawnedClients, type SpawnedClient } from '../../world/spawned-client.ts'
import { saidBy, VERIFIED_ALICE } from '../../world/spoken-result.ts'
import { stdioOf } from '../../world/stdio.ts'
import { startWorld } from '../../world/world.ts'

const require = createRequire(import.meta.url)
const MCP_REMOTE = require.resolve('mcp-remote/dist/proxy.js')
/** What people paste: the program and its arguments as the front page has them. */
const pasted = z.object({ mcpServers: z.record(z.string(), z.object({ command: z.literal('npx'), args: z.array(z.string()) })) })
const WHOAMI = { name: 'whoami', arguments: {} }

describe('mcp-remote', () => {
  const remotes = spawnedClients(MCP_REMOTE, ({ path }) => ({ MCP_REMOTE_CONFIG_DIR: join(path, 'mcp-auth') }))

  const world = fixture((closing) => closing(startWorld()))

  test('signs in, calls a tool, and is still signed in when it is started again', async () => {
    const { client, remote } = start()
    const connected = client.connect(stdioOf(remote))
    expect((await remote.signIn('alice')).status).toBe(200)
    await connected
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(['whoami', 'echo', 'count', 'ask', 'fail'])
    expect(saidBy(await client.callTool(WHOAMI))).toMatchObject(VERIFIED_ALICE)

    const steps: number[] = []
    await client.callTool({ name: 'count', arguments: { to: 3, interval_ms: 50 } }, undefined, {
      onprogress: ({ progress }) => void steps.push(progress),
    })
    expect(steps).toEqual([1, 2, 3])
    await client.close()
    await remote.end()

    const again = start()
    await again.client.connect(stdioOf(again.remote))
    expect(saidBy(await again.client.callTool(WHOAMI))).toMatchObject(VERIFIED_ALICE)
    expect(await remotes.opened()).toHaveLength(1)
    await again.client.close()
  })

  function start(): { client: Client; remote: SpawnedClient } {
    const text = setupsFor(world.mcpUrl, 'example').find(({ client }) => client === 'mcp-remote')?.text ?? ''
    const [, , ...args] = pasted.parse(JSON.parse(text)).mcpServers['example']?.args ?? []
    return {
      client: new Client({ name: 'a client that only starts programs', version: '1.0.0' }),
      remote: remotes.start(...args),
    }
  }
})
