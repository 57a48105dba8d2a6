// The whole world works: npm start's refusals, a sign-in from both eras, and a runtime that dies and comes back.
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { examineDeployment } from '../../scripts/doctor/deployment.ts'
import { ROOT } from '../world/bundle.ts'
import { credentialsFor, legacyClientFor, modernClientWith } from '../world/clients.ts'
import { startDownstream } from '../world/downstream.ts'
import { fixture } from '../world/fixture.ts'
import { LegacyClient } from '../world/legacy-client.ts'
import { close, freePort, isFree, listen } from '../world/listening.ts'
import { ModernClient } from '../world/modern-client.ts'
import { spoken } from '../world/spoken-log.ts'
import { messageIn, saidBy, VERIFIED_ALICE } from '../world/spoken-result.ts'
import { startWorld } from '../world/world.ts'

const ADA = { action: 'accept', content: { name: 'Ada' } } as const
const GREETED = { content: [{ type: 'text', text: 'Hello, Ada!' }] } as const
const WHOAMI = { name: 'whoami', arguments: {} }

describe('the world', () => {
  const world = fixture((closing) => closing(startWorld()))

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
      'PORT must be a number from 1 to 65531, not “eighty”. For example: PORT=8790 npm start',
    ],
    [
      'a PORT without room for those after it',
      '65535',
      'PORT must be a number from 1 to 65531, not “65535”. For example: PORT=8790 npm start',
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

  test('says what is wrong with the settings, and what to do, without a stack', async () => {
    const { code, said } = await start(String(await freePort()), { DOWNSTREAM_MCP_URL: 'npx my-server', MAX_STREAMS: 'many' })
    expect(code).toBe(1)
    expect(said.split('\n').map((line) => line.trim())).toEqual([
      'The settings need a correction before the broker can start:',
      '',
      'DOWNSTREAM_MCP_URL is not an http(s) URL',
      '→ give it as https://host/path',
      'MAX_STREAMS is not a whole number above zero',
      '→ see docs/reference/settings.md',
      '',
      'A server that is a program (stdio) needs somebody in between who listens, and then has a URL:',
      '',
      'npx -y supergateway --stdio "YOUR COMMAND" --outputTransport streamableHttp --stateful --port 3001',
    ])
  })

  test('lets one try it: a client of either era at a server of the other, whose whoami says in which revision it was asked, and which asks back', async () => {
    const port = await fivePorts()
    const demo = spawnStart(String(port), {})
    const at = (path: string): string => `http://localhost:${port}${path}`
    try {
      await expect.poll(() => demo.said(), { timeout: 20_000 }).toContain(at('/servers/modern/mcp'))
      const [legacy, modern] = [at('/servers/legacy/mcp'), at('/servers/modern/mcp')]
      const newer = new ModernClient(legacy, (await credentialsFor('alice', legacy)).accessToken, { elicitation: {} })
      expect(saidBy((await newer.call('whoami')).last)).toMatchObject({ ...VERIFIED_ALICE, revision: '2025-11-25' })
      const capabilities = { elicitation: {} }
      const older = await LegacyClient.open(modern, (await credentialsFor('alice', modern)).accessToken, { capabilities })
      const answer = await messageIn(await older.call('whoami'))
      expect(saidBy(answer)).toMatchObject({ ...VERIFIED_ALICE, revision: '2026-07-28' })
      const { requestState, inputRequests } = (await newer.call('ask')).last.result ?? {}
      const inputResponses = Object.fromEntries(Object.keys(Object(inputRequests)).map((key) => [key, ADA]))
      expect((await newer.call('ask', {}, {}, { requestState, inputResponses })).last.result).toMatchObject(GREETED)
      const stream = await older.stream('ask')
      const question: { id: unknown } = JSON.parse((await stream.message('"elicitation/create"')).data ?? '')
      await older.post({ jsonrpc: '2.0', id: question.id, result: ADA })
      expect(JSON.parse((await stream.message('Hello')).data ?? '').result).toMatchObject(GREETED)
      const page = await (await fetch(at('/'))).text()
      for (const title of ['Example of 2025-11-25', 'Example of 2026-07-28']) expect(page).toContain(title)
    } finally {
      demo.child.kill('SIGTERM')
      await demo.ended
    }
  })

  test('puts the demo sign-in in front of a server of one’s own, which may be started later', async () => {
    const [port, own] = [await freePort(), await freePort()]
    const url = `http://localhost:${own}/mcp`
    const demo = spawnStart(String(port), { DOWNSTREAM_MCP_URL: url, DOWNSTREAM_AUTH: 'none' })
    try {
      await expect
        .poll(() => demo.said(), { timeout: 20_000 })
        .toContain(`PORT=${own} npx -y @modelcontextprotocol/server-everything`)
      expect(demo.said()).toContain('is running: the demo sign-in in front of your MCP server')
      expect(demo.said()).toMatch(new RegExp(`In front of +${url}\n`))
      expect(demo.said()).toContain(`${url} refused the connection: nothing listens there`)
      const server = await startDownstream({ port: own })
      try {
        await expect.poll(() => demo.said(), { timeout: 20_000 }).toContain(`${url} answers now.`)
        const { client } = await legacyClientFor('alice', `http://localhost:${port}/mcp`)
        expect(saidBy(await client.callTool(WHOAMI))).toMatchObject({ headers: { 'x-user-email': 'alice@example.com' } })
        await client.close()
      } finally {
        await server.close()
      }
    } finally {
      demo.child.kill('SIGTERM')
      await demo.ended
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

/** A port from which on five are free. */
async function fivePorts(): Promise<number> {
  for (;;) {
    const port = await freePort()
    const others = await Promise.all([1, 2, 3, 4].map(async (offset) => await isFree(port + offset)))
    if (others.every(Boolean)) return port
  }
}

async function start(port: string, vars: Readonly<Record<string, string>> = {}): Promise<{ code: number | null; said: string }> {
  const { ended, said } = spawnStart(port, vars)
  return { code: await ended, said: said().trim() }
}

function spawnStart(port: string, vars: Readonly<Record<string, string>>) {
  const env = { ...process.env, ...vars, PORT: port, NO_COLOR: '1' }
  // Somewhere else than here: no .dev.vars of whoever runs the tests has a say.
  const child = spawn(process.execPath, [join(ROOT, 'test/world/start.ts')], {
    cwd: tmpdir(),
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { child, ended, said: () => said }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
