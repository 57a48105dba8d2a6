// `npm run selfhost` and `npx mcp-session-broker`: the broker alone, for production, on workerd.
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Bundle } from './bundle.ts'
import { DataFolderError, holdDataFolder, type DataFolder } from './data-folder.ts'
import { say } from './log-lines.ts'
import { OptionsError, readOptions, type SelfHostOptions } from './options.ts'
import { Supervisor } from './supervisor.ts'

const USAGE = `mcp-session-broker [--settings FILE] [--check]

Runs the broker on this machine. Settings come from the environment and from FILE (lines NAME=value); the environment wins.
LISTEN (127.0.0.1:8788), DATA_DIR (./data) and DRAIN_SECONDS (10) are about this process, all others are in docs/reference/settings.md.
--check says what is wrong with them and ends. docs/self-hosting.md has the rest.

Exit codes: 0 ended as asked · 64 wrong arguments · 69 the port is taken · 73 the data folder can not be written ·
75 another broker uses the data folder · 78 a setting is wrong`

// As in sysexits.h: a service manager can be told which of them starting again does not mend.
const EXIT = { usage: 64, port: 69, not_writable: 73, in_use: 75, of_another_kind: 78, settings: 78 } as const

const { settings, check, help } = argumentsOf()
if (help) {
  console.log(USAGE)
  process.exit(0)
}
const options = await readOptions(process.env, settings).catch((error: unknown) => {
  if (!(error instanceof OptionsError)) throw error
  for (const { variable, problem, cure } of error.problems) say('error', 'settings.refused', { variable, problem, cure })
  process.exit(EXIT.settings)
})
for (const note of options.notes) say('warn', 'settings.noted', { note })
if (check) {
  say('info', 'settings.fine', { base_url: options.vars['BASE_URL'] })
  process.exit(0)
}
const folder = hold(options)
await refuseBusyPort(options)

const supervisor = new Supervisor(options, folder, await bundle())
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void supervisor.end())
say('info', 'broker.starting', { address: options.address, base_url: options.vars['BASE_URL'], data: folder.path })
await supervisor.run()
folder.release()
say('info', 'broker.ended')
process.exit(0)

function argumentsOf(): { readonly settings?: string; readonly check?: boolean; readonly help?: boolean } {
  try {
    return parseArgs({
      options: { settings: { type: 'string' }, check: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    }).values
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`)
    return process.exit(EXIT.usage)
  }
}

function hold({ dataDir, cluster }: SelfHostOptions): DataFolder {
  try {
    return holdDataFolder(dataDir, cluster !== undefined)
  } catch (error) {
    if (!(error instanceof DataFolderError)) throw error
    say('error', 'data_folder.refused', { reason: error.reason, message: error.message })
    return process.exit(EXIT[error.reason])
  }
}

/** workerd would say it too, at every one of its starts and in other words. */
async function refuseBusyPort({ address, port }: SelfHostOptions): Promise<void> {
  const host = address.slice(0, address.lastIndexOf(':')).replaceAll(/[[\]]/g, '')
  const server = createServer()
  server.listen({ port, ...(host !== '*' && { host }) })
  try {
    await once(server, 'listening')
  } catch (error) {
    const message = `${address} can not be listened at: ${error instanceof Error ? error.message : String(error)}`
    say('error', 'port.refused', { message, cure: 'end the other program, or set LISTEN to another address' })
    process.exit(EXIT.port)
  }
  server.close()
  await once(server, 'close')
}

/** Of the package, where there is one; else built from the sources. */
async function bundle(): Promise<Bundle> {
  const file = join(import.meta.dirname, 'worker.js')
  if (existsSync(file)) return { file, config: JSON.parse(readFileSync(join(import.meta.dirname, 'worker.json'), 'utf8')) }
  const { bundleWorker } = await import('./bundle.ts')
  return await bundleWorker()
}
