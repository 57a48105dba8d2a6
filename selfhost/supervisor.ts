// Keeps one workerd running: started again with growing pauses when it crashes, and ended within a bounded time when asked to.
import { spawn, type ChildProcess } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bundle } from './bundle.ts'
import type { DataFolder } from './data-folder.ts'
import { pass, say } from './log-lines.ts'
import type { SelfHostOptions } from './options.ts'
import { workerdConfig } from './workerd-config.ts'
import { endWithUs } from './end-with-us.ts'

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
/** Whoever ran for so long crashes for another reason than that it can not start. */
const STEADY_AFTER_MS = 60_000
/** Once the streams have been told, what is left are calls that end soon. */
const TELLING_WITHIN_MS = 5_000
/** Relative: workerd runs in the data folder, and the address of a socket has no room for a long path. */
const OPERATIONS = 'operations.sock'

export class Supervisor {
  readonly #options: SelfHostOptions
  readonly #folder: DataFolder
  readonly #bundle: Bundle
  #child: ChildProcess | undefined
  #ending: Promise<void> | undefined

  constructor(options: SelfHostOptions, folder: DataFolder, bundle: Bundle) {
    this.#options = options
    this.#folder = folder
    this.#bundle = bundle
  }

  /** Resolves when the broker has been ended by `end`. Never rejects: a crash is survived. */
  async run(): Promise<void> {
    let pause = FIRST_PAUSE_MS
    while (!this.#ending) {
      const started = Date.now()
      const how = await this.#once()
      if (this.#ending) break
      if (Date.now() - started > STEADY_AFTER_MS) pause = FIRST_PAUSE_MS
      say('error', 'broker.crashed', { how, again_in_ms: pause })
      await sleep(pause)
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
    }
    await this.#ending
  }

  /** Streams are told `shutting_down`, calls may go on for a while, and then it is over. */
  end(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #end(): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const { drainMs } = this.#options
    say('info', 'broker.draining', { most_ms: drainMs })
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => resolve())
    })
    if (drainMs > 0) {
      await this.#tell().catch((error: unknown) => say('warn', 'drain.failed', { reason: String(error) }))
      child.kill('SIGTERM')
      await Promise.race([exited, sleep(drainMs, undefined, { ref: false })])
    }
    child.kill('SIGKILL')
    await exited
  }

  async #once(): Promise<string> {
    const { path, objects } = this.#folder
    const { address, trustsProxy, vars, cluster } = this.#options
    const { file, config: worker } = this.#bundle
    const config = join(path, 'workerd.capnp')
    const [module, variables, operations] = [relative(path, file), Object.keys(vars), `unix:${OPERATIONS}`]
    const disk = objects
    const listeners = [{ name: 'broker', address, trustsProxy }]
    const known = { worker, module, variables, listeners, operations, disk, strangersReach: 'public' } as const
    // The file may have been there with another mode; in a cluster there is a secret in it.
    rmSync(config, { force: true })
    writeFileSync(config, workerdConfig(cluster ? { ...known, cluster } : known), { mode: 0o600 })
    // Of a runtime that was killed; nobody else uses this folder.
    rmSync(join(path, OPERATIONS), { force: true })
    const child = spawn(workerdProgram(), ['serve', ...(cluster ? ['--experimental'] : []), config], {
      cwd: path,
      env: { ...vars, ...cluster?.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    this.#child = child
    endWithUs(child)
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', pass)
    return await new Promise((resolve) => {
      child
        .once('error', (error) => resolve(error.message))
        .once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
    })
  }

  async #tell(): Promise<void> {
    const socketPath = join(this.#folder.path, OPERATIONS)
    await new Promise<void>((resolve, reject) => {
      const signal = AbortSignal.timeout(Math.min(TELLING_WITHIN_MS, this.#options.drainMs))
      const asked = request(
        { socketPath: relative(process.cwd(), socketPath), path: '/drain', method: 'POST', signal },
        (answer) => {
          answer.resume().once('end', resolve)
        },
      )
      asked.once('error', reject).end()
    })
  }
}

export function workerdProgram(): string {
  const { default: program }: { default: string } = createRequire(import.meta.url)('workerd')
  return program
}
