// `npm start`: the broker, an identity provider and an example MCP server on this computer, ready to be connected to.
import { join } from 'node:path'
import { ROOT } from './bundle.ts'
import { isFree } from './listening.ts'
import { spoken } from './spoken-log.ts'
import { welcome } from './welcome.ts'
import { startWorld, type World } from './world.ts'

const DEFAULT_PORT = 8788
/** The identity provider and the example server take the next two, always: its address is part of who a person is. */
const PORTS_NEEDED = 3

const port = portAsked(process.env['PORT'])
await refuseBusyPorts(port)

let world: World | undefined
let isEnding = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(0))
endWithNpm()

try {
  world = await startWorld({
    ports: { broker: port, identityProvider: port + 1, downstream: port + 2 },
    dataDir: join(ROOT, 'node_modules/.cache/zz-data'),
    onLog: (line) => {
      const text = spoken(line, new Date())
      if (text !== undefined) console.log(text)
    },
    onCrash: () => void startAgain(),
    project: '/tmp/world-try',
  })
  console.log(welcome(world.brokerUrl, world.mcpUrl))
} catch (error) {
  stop(error instanceof Error ? error.message : String(error))
}

/** An open stream is lost, nothing else: everything that matters is on the disk. */
async function startAgain(): Promise<void> {
  if (isEnding) return
  console.log('  The broker ended unexpectedly and is started again.')
  try {
    await world?.restartRuntime()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    await end(1)
  }
}

async function end(code: number): Promise<void> {
  // A second Ctrl-C does not wait; the runtime is ended by its guard then.
  if (isEnding) process.exit(code)
  isEnding = true
  await world?.close()
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

function portAsked(given: string | undefined): number {
  if (given === undefined || given.trim() === '') return DEFAULT_PORT
  const asked = /^\d{1,5}$/.test(given.trim()) ? Number(given) : 0
  if (asked < 1 || asked > 65_536 - PORTS_NEEDED)
    stop(`PORT must be a number from 1 to ${65_536 - PORTS_NEEDED}, not “${given}”. For example: PORT=8790 npm start`)
  return asked
}

async function refuseBusyPorts(first: number): Promise<void> {
  const busy = await firstBusy(first)
  if (busy === undefined) return
  let other = first + 2
  while (other < 65_000 && (await firstBusy(other)) !== undefined) other += PORTS_NEEDED - 1
  const what = busy === first ? '' : ` (the demo needs ${first} and the two after it)`
  stop(`Port ${busy} is taken by another program${what}. Choose another one: PORT=${other} npm start`)
}

async function firstBusy(first: number): Promise<number | undefined> {
  for (let offset = 0; offset < PORTS_NEEDED; offset += 1) if (!(await isFree(first + offset))) return first + offset
  return undefined
}

function stop(sentence: string): never {
  console.error(`\n  ${sentence}\n`)
  process.exit(1)
}
