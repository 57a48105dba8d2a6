// `npm start`: the broker on this computer, in front of an example MCP server or somebody's own, ready to be connected to.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { foundation } from '../../src/services.ts'
import { SettingsError } from '../../src/settings/settings.ts'
import { ROOT } from './bundle.ts'
import { demoVarsFor, portsNeeded, startDemo, type Demo } from './demo.ts'
import { isFree } from './listening.ts'
import { stdioBridge, untilItAnswers, whatIsWrongWith } from './own-servers.ts'
import { examplesIn, ownSettings, portOf, type OwnSettings } from './own-settings.ts'
import { spoken } from './spoken-log.ts'
import { welcome } from './welcome.ts'

const DEFAULT_PORT = 8788
const MOST_PORTS = 5

const file = existsSync('.dev.vars') ? parseEnv(readFileSync('.dev.vars', 'utf8')) : {}
const own = ownSettings(process.env, file, examplesIn(readFileSync(join(ROOT, '.dev.vars.example'), 'utf8')))
const baseUrl = process.env['BASE_URL'] ?? file['BASE_URL']
const port = portAsked(process.env['PORT'], portOf(baseUrl) ?? DEFAULT_PORT)
const told = await foundation(demoVarsFor(port, own)).catch(refused)
if (own.problems.length > 0) refused(new SettingsError(own.problems))
await refuseBusyPorts(port)

let demo: Demo | undefined
let isEnding = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(0))
endWithNpm()

try {
  demo = await startDemo({
    port,
    own,
    // By port: two demos side by side must not share a disk.
    dataDir: join(ROOT, '.data', String(port)),
    onLog: (line) => {
      const text = spoken(line, new Date())
      if (text !== undefined) console.log(text)
    },
    onCrash: () => void startAgain(),
  })
  await greet(own)
} catch (error) {
  stop(error instanceof Error ? error.message : String(error))
}

async function greet({ hasServer, notes }: OwnSettings): Promise<void> {
  const { settings, providers } = told
  const unusable = new Map<string, string>()
  const asked = hasServer ? settings.downstreams : []
  await Promise.all(
    asked.map(async (server) => {
      const wrong = await whatIsWrongWith(server)
      if (wrong !== undefined) unusable.set(server.url, wrong)
    }),
  )
  const elsewhere =
    baseUrl === undefined || baseUrl.replace(/\/$/, '') === settings.baseUrl
      ? []
      : [`BASE_URL is ${settings.baseUrl} here and not ${baseUrl}: npm start serves this computer alone`]
  console.log(welcome({ settings, own, providers: providers.names, notes: [...notes, ...elsewhere], unusable }))
  for (const server of asked) {
    const wrong = unusable.get(server.url)
    if (wrong !== undefined) void untilItAnswers(server, wrong, (line) => console.log(`  ${line}`))
  }
}

/** An open stream is lost, nothing else: everything that matters is on the disk. */
async function startAgain(): Promise<void> {
  if (isEnding) return
  console.log('  The broker ended unexpectedly and is started again.')
  try {
    await demo?.restart()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    await end(1)
  }
}

async function end(code: number): Promise<void> {
  // A second Ctrl-C does not wait; the runtime is ended by its guard then.
  if (isEnding) process.exit(code)
  isEnding = true
  await demo?.close()
  process.exit(code)
}

/** A killed npm tells nobody: this process would go on alone, holding its ports. */
function endWithNpm(): void {
  const parent = process.ppid
  if (process.env['npm_lifecycle_event'] === undefined) return
  setInterval(() => {
    if (process.ppid !== parent) void end(0)
  }, 1000).unref()
}

function portAsked(given: string | undefined, otherwise: number): number {
  if (given === undefined || given.trim() === '') return otherwise
  const asked = /^\d{1,5}$/.test(given.trim()) ? Number(given) : 0
  if (asked < 1 || asked > 65_536 - MOST_PORTS)
    stop(`PORT must be a number from 1 to ${65_536 - MOST_PORTS}, not “${given}”. For example: PORT=8790 npm start`)
  return asked
}

async function refuseBusyPorts(first: number): Promise<void> {
  const busy = await firstBusy(first)
  if (busy === undefined) return
  let other = first + 2
  while (other < 65_000 && (await firstBusy(other)) !== undefined) other += MOST_PORTS - 1
  const needed = portsNeeded(first, own)
  const what = busy === first ? '' : ` (the demo needs ${needed.slice(0, -1).join(', ')} and ${needed.at(-1)})`
  stop(`Port ${busy} is taken by another program${what}. Choose another one: PORT=${other} npm start`)
}

async function firstBusy(first: number): Promise<number | undefined> {
  for (const needed of portsNeeded(first, own)) if (!(await isFree(needed))) return needed
  return undefined
}

/** What is wrong with the settings, as the broker says it in production: each variable, and what to do. */
function refused(error: unknown): never {
  if (!(error instanceof SettingsError)) throw error
  const lines = error.problems.flatMap(({ variable, problem, cure }) => [`  ${variable} ${problem}`, `    → ${cure}`])
  if (error.problems.some(({ variable }) => variable === 'DOWNSTREAM_MCP_URL' || variable === 'MCP_SERVER_URL'))
    lines.push(
      '',
      'A server that is a program (stdio) needs somebody in between who listens, and then has a URL:',
      '',
      `  ${stdioBridge('3001')}`,
    )
  stop(['The settings need a correction before the broker can start:', '', ...lines].join('\n  '))
}

function stop(sentence: string): never {
  console.error(`\n  ${sentence}\n`)
  process.exit(1)
}
