// The whole world works: npm start's refusals, a sign-in from both eras, and a runtime that dies and comes back.
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { examineDeployment } from '../../scripts/doctor/deployment.ts'
import { ROOT } from '../world/bundle.ts'
import { credentialsFor, legacyClientFor, modernClientWith } from '../world/clients.ts'
import { close, listen } from '../world/listening.ts'
import { spoken } from '../world/spoken-log.ts'
import { saidBy } from '../world/spoken-result.ts'
import { startWorld, type World } from '../world/world.ts'

const WHOAMI = { name: 'whoami', arguments: {} }

describe('the world', () => {
  let world: World

  beforeAll(async () => {
    world = await startWorld()
  })

  afterAll(async () => {
    await world.close()
  })

  test('signs a person in and the MCP server behind the broker knows who calls, in both eras', async () => {
    const { accessToken } = await credentialsFor('alice', world.mcpUrl)
    const modern = await modernClientWith(accessToken, world.mcpUrl)
    expect(saidBy(await modern.callTool(WHOAMI))).toMatchObject({ verified: true, claims: { email: 'alice@example.com' } })
    await modern.close()

    const { client: legacy } = await legacyClientFor('bob', world.mcpUrl)
    expect(saidBy(await legacy.callTool(WHOAMI))).toMatchObject({ verified: true, claims: { email: 'bob@example.com' } })
    await legacy.close()
  })

  test('has no fault the doctor could find from outside', async () => {
    expect((await examineDeployment(new URL(world.brokerUrl))).filter(({ state }) => state !== 'ok')).toEqual([])
  })

  test('keeps everybody signed in when the runtime is killed', async () => {
    const { accessToken } = await credentialsFor('carol', world.mcpUrl)
    const before = world.pid
    await world.killRuntime()
    expect(world.pid).toBeUndefined()
    await expect(fetch(`${world.brokerUrl}/health`)).rejects.toThrow('fetch failed')
    await world.restartRuntime()
    expect(world.pid).not.toBe(before)
    const client = await modernClientWith(accessToken, world.mcpUrl)
    expect(saidBy(await client.callTool(WHOAMI))).toMatchObject({ claims: { email: 'carol@example.com' } })
    await client.close()
  })

  test('leaves no process behind when it is closed', async () => {
    const other = await startWorld()
    const { pid = 0 } = other
    expect(isAlive(pid)).toBe(true)
    await other.close()
    expect(isAlive(pid)).toBe(false)
  })

  test('says what is wrong when the broker is told something wrong', async () => {
    await expect(startWorld({ overrides: { ENCRYPTION_KEY: 'short' } })).rejects.toThrow('ENCRYPTION_KEY')
  })
})

describe('npm start', () => {
  test.for([
    [
      'a PORT that is not a number',
      'eighty',
      'PORT must be a number from 1 to 65533, not “eighty”. For example: PORT=8790 npm start',
    ],
    [
      'a PORT without room for the two after it',
      '65535',
      'PORT must be a number from 1 to 65533, not “65535”. For example: PORT=8790 npm start',
    ],
  ] as const)('refuses %s', async ([, port, sentence]) => {
    expect(await start(port)).toEqual({ code: 1, said: sentence })
  })

  test('refuses a busy port and names another one', async () => {
    const squatter = createServer()
    const port = await listen(squatter, 0)
    try {
      const { code, said } = await start(String(port))
      expect(code).toBe(1)
      expect(said).toMatch(new RegExp(`^Port ${port} is taken by another program. Choose another one: PORT=\\d+ npm start$`))
    } finally {
      await close(squatter)
    }
  })

  test('shows warnings of the broker as sentences and nothing else', () => {
    const at = new Date(2026, 0, 1, 9, 5, 7)
    const message = '{"event":"token.refused","reason":"expired"}'
    expect(spoken({ level: 'warn', message, isOurs: true }, at)).toContain('09:05:07  warning  token refused (reason: expired)')
    expect(spoken({ level: 'info', message, isOurs: true }, at)).toBeUndefined()
    expect(spoken({ level: 'error', message: 'kj: disconnected: peer', isOurs: false }, at)).toBeUndefined()
  })
})

async function start(port: string): Promise<{ code: number | null; said: string }> {
  const env = { ...process.env, PORT: port, NO_COLOR: '1' }
  const child = spawn(process.execPath, [join(ROOT, 'test/world/start.ts')], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, said: said.trim() }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
