// `npm run selfhost` as an operator meets it: what it refuses and with which exit code, a crash, and the end it comes to when asked.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { BrokerClient, countForLong, statusWith } from '../world/broker-client.ts'
import { startDownstream } from '../world/downstream.ts'
import { fixture } from '../world/fixture.ts'
import { startIdentityProvider } from '../world/identity-provider.ts'
import { freePort } from '../world/listening.ts'
import { bareEnvironment } from '../world/program.ts'

const PROGRAM = join(import.meta.dirname, '../../selfhost/main.ts')
const SECRET = 'a secret of this test'

type Line = Readonly<Record<string, unknown>>

const the = fixture(async (closing, onEnd) => {
  const folder = await mkdtemp(join(tmpdir(), 'broker-selfhost-'))
  onEnd(() => rm(folder, { recursive: true, force: true }))
  const port = await freePort()
  const brokerUrl = `http://localhost:${port}`
  const redirectUris = [`${brokerUrl}/callback`]
  const known = { clientId: 'broker', clientSecret: SECRET, redirectUris, clientName: 'Broker', rotates: true, dataDir: folder }
  const idp = await closing(startIdentityProvider({ ...known, port: 0, backchannelLogoutUri: `${brokerUrl}/backchannel-logout` }))
  const downstream = await closing(startDownstream({ port: 0 }))
  const env = {
    LISTEN: `127.0.0.1:${port}`,
    DATA_DIR: join(folder, 'data'),
    DRAIN_SECONDS: '2',
    BASE_URL: brokerUrl,
    DOWNSTREAM_MCP_URL: downstream.url,
    OAUTH_AUTHORIZE_URL: idp.issuer,
    OAUTH_CLIENT_ID: 'broker',
    OAUTH_CLIENT_SECRET: SECRET,
    ENCRYPTION_KEY: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
  }
  return { folder, brokerUrl, env }
})

test('every mistake in the settings is said at once, and the exit code says that starting again mends nothing', async () => {
  const file = join(the.folder, 'settings')
  await writeFile(file, 'DOWNSTREAM_MCP_ULR=https://tools.example.com/mcp\nENCRYPTION_KEY=short\nDRAIN_SECONDS=soon\n')
  const { code, lines } = await ended(started({ LISTEN: 'everywhere' }, '--settings', file))
  expect(code).toBe(78)
  expect(lines.filter(({ event }) => event === 'settings.refused').map(({ variable, problem }) => [variable, problem])).toEqual(
    expect.arrayContaining([
      ['DOWNSTREAM_MCP_ULR', 'is no setting of the broker'],
      ['LISTEN', 'is not an address and a port'],
      ['DRAIN_SECONDS', 'is not a number of seconds'],
      ['BASE_URL', 'not configured'],
      ['ENCRYPTION_KEY', 'is not 32 bytes in hex or base64'],
      ['DOWNSTREAM_MCP_URL', 'not configured'],
    ]),
  )
  expect(JSON.stringify(lines)).not.toContain('"short"')
})

test('a data folder that is no folder is named', async () => {
  const { code, lines } = await ended(started({ ...the.env, DATA_DIR: PROGRAM }))
  expect(code).toBe(73)
  expect(lines.at(-1)).toMatchObject({ event: 'data_folder.refused', reason: 'not_writable' })
})

test('it serves, keeps its folder and port to itself, survives a crash, and tells open streams when it ends', async () => {
  const broker = started(the.env)
  await untilReady()
  const mcpUrl = `${the.brokerUrl}/mcp`
  const { accessToken } = await (await BrokerClient.register(the.brokerUrl)).signIn('alice')
  expect(await statusWith(mcpUrl, accessToken)).toBe(200)

  const [sameFolder, samePort] = await Promise.all([
    ended(started({ ...the.env, LISTEN: `127.0.0.1:${await freePort()}` })),
    ended(started({ ...the.env, DATA_DIR: join(the.folder, 'other') })),
  ])
  expect(sameFolder.code).toBe(75)
  expect(sameFolder.lines.at(-1)).toMatchObject({ event: 'data_folder.refused', reason: 'in_use' })
  expect(samePort.code).toBe(69)
  expect(samePort.lines.at(-1)).toMatchObject({ event: 'port.refused' })

  process.kill(workerdOf(broker.child), 'SIGKILL')
  await broker.untilSaid('broker.crashed')
  await untilReady()
  expect(await statusWith(mcpUrl, accessToken)).toBe(200)

  const stream = await countForLong(mcpUrl, accessToken)
  await sleep(1_500)
  const asked = Date.now()
  broker.child.kill('SIGTERM')
  const { code, lines } = await ended(broker)
  expect(stream.text).toContain(': closed: shutting_down')
  expect(code).toBe(0)
  expect(Date.now() - asked).toBeLessThan(8_000)
  expect(lines.map(({ event }) => event)).toEqual(expect.arrayContaining(['broker.starting', 'drain.told', 'broker.ended']))
  expect(JSON.stringify(lines)).not.toContain(SECRET)
})

interface Started {
  readonly child: ChildProcess
  readonly lines: readonly Line[]
  untilSaid(event: string): Promise<void>
}

function started(vars: Readonly<Record<string, string>>, ...args: readonly string[]): Started {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { ...bareEnvironment(), ...vars },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: Line[] = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line)))
  const untilSaid = async (event: string): Promise<void> => {
    while (!lines.some((line) => line['event'] === event)) await sleep(20)
  }
  return { child, lines, untilSaid }
}

async function ended({ child, lines }: Started): Promise<{ readonly code: number | null; readonly lines: readonly Line[] }> {
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, lines }
}

async function untilReady(): Promise<void> {
  while (!(await isReady())) await sleep(50)
}

/** By another name than its own, as a load balancer asks. */
async function isReady(): Promise<boolean> {
  try {
    return (await fetch(`${the.brokerUrl.replace('localhost', '127.0.0.1')}/ready`)).ok
  } catch {
    return false
  }
}

function workerdOf({ pid }: ChildProcess): number {
  const rows = execFileSync('ps', ['-eo', 'pid,ppid,args'], { encoding: 'utf8' }).split('\n')
  const row = rows.find((line) => line.includes('workerd') && line.trim().split(/\s+/)[1] === String(pid))
  return Number(row?.trim().split(/\s+/)[0])
}
