// The real servers and clients of the comparison: what they are, how they are started, and how they get onto the disk.
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { ROOT } from '../world/bundle.ts'
import { CHROMIUM_PATH } from '../world/chromium.ts'
import { freePort } from '../world/listening.ts'

/** A folder of their own: nothing of them is in the product's lock file. */
const FOLDER = join(ROOT, '.data', 'compat')
const SOURCE = join(ROOT, 'test', 'compat', 'software')
const READY_WITHIN_MS = 60_000

export interface RealServer {
  /** Part of a path, too. */
  readonly name: string
  readonly title: string
  readonly command: (port: number) => readonly string[]
  /** A tool that needs nothing but this computer, and a part of its answer. */
  readonly tool: string
  readonly args: Readonly<Record<string, unknown>>
  readonly says: string
  /** It has a counter that begins anew in each session. */
  readonly counts?: boolean
  /** What has to be built first. */
  readonly build?: readonly string[]
}

const ECHO = { tool: 'echo', args: { message: 'hello there' }, says: 'hello there' }
const bin = (name: string): string => join('node_modules', '.bin', name)
const stdio = (): readonly string[] => [process.execPath, 'server-stdio.mjs']
const supergateway = (port: number, ...more: readonly string[]): readonly string[] => {
  const given = ['--stdio', stdio().join(' '), '--outputTransport', 'streamableHttp', ...more, '--port', `${port}`]
  return [bin('supergateway'), ...given]
}

export const SERVERS: readonly RealServer[] = [
  { ...ECHO, name: 'everything', title: 'server-everything', command: () => [bin('mcp-server-everything'), 'streamableHttp'] },
  ...(['sessions', 'events', 'json'] as const).map((mode) => ({
    ...ECHO,
    name: `sdk-${mode}`,
    title: `SDK v1, ${mode}`,
    command: () => ['server-sdk-v1.mjs', mode],
    counts: true,
  })),
  { ...ECHO, name: 'sdk-stateless', title: 'SDK v1, stateless', command: () => ['server-sdk-v1.mjs', 'stateless'] },
  { ...ECHO, name: 'modern', title: 'SDK v2, 2026-07-28 alone', command: () => ['server-modern.mjs'] },
  { ...ECHO, name: 'fastmcp', title: 'fastmcp', command: () => ['server-fastmcp.mjs'] },
  {
    ...ECHO,
    name: 'mcp-proxy',
    title: 'mcp-proxy',
    command: (port) => [bin('mcp-proxy'), '--host', '127.0.0.1', '--port', `${port}`, '--server', 'stream', '--', ...stdio()],
  },
  { ...ECHO, name: 'supergateway', title: 'supergateway', command: (port) => supergateway(port) },
  {
    ...ECHO,
    name: 'supergateway-stateful',
    title: 'supergateway, stateful',
    command: (port) => supergateway(port, '--stateful'),
    counts: true,
  },
  { ...ECHO, name: 'hono', title: '@hono/mcp', command: () => ['server-hono.mjs'], counts: true },
  { ...ECHO, name: 'tmcp', title: 'tmcp', command: () => ['server-tmcp.mjs'] },
  { ...ECHO, name: 'xmcp', title: 'xmcp', build: [bin('xmcp'), 'build'], command: () => ['dist/http.js'] },
  {
    name: 'playwright',
    title: '@playwright/mcp',
    command: (port) => [
      bin('playwright-mcp'),
      '--port',
      `${port}`,
      '--headless',
      '--isolated',
      '--no-sandbox',
      '--executable-path',
      CHROMIUM_PATH ?? '',
    ],
    tool: 'browser_tabs',
    args: { action: 'list' },
    says: 'about:blank',
  },
]

export const CLIENTS: readonly (readonly [name: string, title: string])[] = [
  ['sdk-v1', 'SDK v1'],
  ['sdk-v2', 'SDK v2'],
  ['sdk-v2-legacy', 'SDK v2, legacy'],
  ['sdk-v2-modern', 'SDK v2, 2026-07-28 alone'],
  ['ai-sdk', '@ai-sdk/mcp'],
  ['langchain', '@langchain/mcp-adapters'],
  ['openai-agents', '@openai/agents'],
  ['mcp-remote', 'mcp-remote'],
  ['mcp-remote-auto', 'mcp-remote, --protocol auto'],
  ['inspector', 'MCP Inspector'],
  ['inspector-modern', 'MCP Inspector, 2026-07-28 alone'],
]

/** They are before `era_bridge`: two can be used with most servers in no other way, and what one does with it by itself is tried with that. */
export const BRIDGED: readonly string[] = ['sdk-v2-modern', 'inspector-modern', 'mcp-remote-auto']

/** Installs what is missing; a change of the list installs anew. */
export async function install(): Promise<void> {
  const list = await readFile(join(SOURCE, 'package.json'))
  const wanted = createHash('sha256').update(list).digest('hex')
  const stamp = join(FOLDER, 'node_modules', '.installed')
  const isThere = (await readFile(stamp, 'utf8').catch(() => '')) === wanted
  await mkdir(FOLDER, { recursive: true })
  await cp(SOURCE, FOLDER, { recursive: true })
  if (isThere) return
  console.log('Installing the servers and clients; this happens once and takes a minute or two.')
  await rm(join(FOLDER, 'node_modules'), { recursive: true, force: true })
  await promisify(execFile)('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock'], {
    cwd: FOLDER,
  })
  await writeFile(stamp, wanted)
}

export interface Running {
  readonly url: string
  readonly end: () => Promise<void>
}

export async function started({ name, command, build }: RealServer, port: number): Promise<Running> {
  const cwd = name === 'xmcp' ? join(FOLDER, 'xmcp') : FOLDER
  const env = { ...process.env, PORT: `${port}`, NODE_PATH: join(FOLDER, 'node_modules') }
  if (build) await promisify(execFile)(process.execPath, [join(FOLDER, build[0] ?? ''), ...build.slice(1)], { cwd, env })
  const [program = '', ...args] = command(port)
  const path = program.startsWith('node_modules') ? join(FOLDER, program) : program
  let said = ''
  const child = spawn(process.execPath, [path, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const listen = (text: Buffer): void => void (said = (said + text.toString()).slice(-2_000))
  child.stdout.on('data', listen)
  child.stderr.on('data', listen)
  const url = `http://localhost:${port}/mcp`
  const end = async (): Promise<void> => await ended(child)
  for (const giveUp = Date.now() + READY_WITHIN_MS; !(await answers(url)); await sleep(200))
    if (child.exitCode !== null || Date.now() > giveUp) {
      await end()
      throw new Error(`${name} does not answer: ${said}`)
    }
  return { url, end }
}

async function answers(url: string): Promise<boolean> {
  const asked = await fetch(url, { method: 'DELETE', signal: AbortSignal.timeout(2_000) }).catch(() => undefined)
  await asked?.body?.cancel()
  return asked !== undefined
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const slow = setTimeout(() => child.kill('SIGKILL'), 3_000)
  await gone
  clearTimeout(slow)
}

export interface Task {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

export type Steps = Readonly<Record<string, string>>

/** What the client made of it: "ok" or the fault, step by step. */
export async function tried(client: string, server: RealServer, { url, headers }: Task): Promise<Steps> {
  const { tool, args, says, counts = false } = server
  // The command line of the Inspector is a program and a session for each question.
  const lives = !client.startsWith('inspector')
  const task = { url, headers, tool, args, says, counts: counts && lives, parallel: lives }
  const home = join(FOLDER, 'home')
  await rm(home, { recursive: true, force: true })
  const env = { ...process.env, HOME: home, MCP_REMOTE_CONFIG_DIR: home, CALLBACK: `${await freePort()}` }
  try {
    const options = { cwd: FOLDER, env, timeout: 150_000 }
    const { stdout } = await promisify(execFile)(process.execPath, [`client-${client}.mjs`, JSON.stringify(task)], options)
    const line = stdout.split('\n').find((text) => text.startsWith('RESULT '))
    return line === undefined ? { connect: 'no result' } : JSON.parse(line.slice('RESULT '.length))
  } catch (error) {
    return { connect: String(error).slice(-300) }
  }
}
