// MCP Inspector in the terminal goes from nothing to a tool's answer, in every era, and the second time without a browser.
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { fixture } from '../../world/fixture.ts'
import { freePort, isFree } from '../../world/listening.ts'
import { spawnedClients, type SpawnedClient } from '../../world/spawned-client.ts'
import { saidBy, VERIFIED_ALICE } from '../../world/spoken-result.ts'
import { clientLines } from '../../world/welcome.ts'
import { startWorld } from '../../world/world.ts'

const require = createRequire(import.meta.url)
const INSPECTOR = require.resolve('@modelcontextprotocol/inspector/clients/launcher/build/index.js')
/** Where the Inspector waits to be called back unless it is told another place. */
const ITS_PORT = 6276

const ENVIRONMENT = {
  // Without a terminal in sight it would refuse to ask anybody to sign in.
  MCP_AUTO_OPEN_ENABLED: 'true',
  MCP_INSPECTOR_SECRET_STORE: 'file',
}

describe('MCP Inspector in the terminal', () => {
  const { start, opened } = spawnedClients(INSPECTOR, () => ENVIRONMENT)

  const world = fixture((closing) => closing(startWorld()))

  test.for([
    ['legacy', '2025-11-25'],
    ['auto', '2026-07-28'],
    ['modern', '2026-07-28'],
  ] as const)('signs in and calls a tool in the era %s', async ([era, version]) => {
    const callback = `http://127.0.0.1:${await freePort()}/oauth/callback`
    const inspector = whoami('--protocol-era', era, '--callback-url', callback)
    expect((await inspector.signIn('alice')).status).toBe(200)
    expect({ code: await inspector.ended(), said: inspector.stderr }).toEqual({ code: 0, said: expect.any(String) })
    expect(saidBy(JSON.parse(inspector.stdout))).toMatchObject(VERIFIED_ALICE)
    const call = world.downstream.requests.all.findLast(({ body }) => body.includes('tools/call'))
    expect(call?.headers).toMatchObject({ 'mcp-protocol-version': version })
  })

  test('does it with the line that npm start prints, and stays signed in', async ({ skip }) => {
    if (!(await isFree(ITS_PORT))) skip(`another program has port ${ITS_PORT}, where this client must be called back`)
    const [, line] = clientLines(world.mcpUrl, true).find(([client]) => client === 'MCP Inspector, in the terminal') ?? []
    const [npx, , ...args] = line?.split(' ') ?? []
    expect(npx).toBe('npx')
    const first = start(...args, '--format', 'json')
    await first.signIn('alice')
    expect({ code: await first.ended(), said: first.stderr }).toEqual({ code: 0, said: expect.any(String) })

    const second = whoami()
    expect({ code: await second.ended(), said: second.stderr }).toEqual({ code: 0, said: expect.any(String) })
    expect(saidBy(JSON.parse(second.stdout))).toMatchObject(VERIFIED_ALICE)
    expect(await opened()).toHaveLength(1)
  })

  function whoami(...options: string[]): SpawnedClient {
    const args = ['--cli', world.mcpUrl, '--method', 'tools/call', '--tool-name', 'whoami', '--format', 'json', ...options]
    return start(...args)
  }
})
