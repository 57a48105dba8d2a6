// One workerd process with the built Worker in it: started, killed the hard way, started again on the same disk.
//
// No wrangler dev and no Miniflare in between: a test that kills the runtime must know the one process that matters, and a
// benchmark must measure the broker alone. Variables travel in the environment, so no secret is written into a file.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { bundleWorker, ROOT, type Bundle } from '../../selfhost/bundle.ts'
import type { Cluster } from '../../selfhost/cluster.ts'
import { workerdConfig, type Neighbour, type StrangersReach } from '../../selfhost/workerd-config.ts'
import { endWithUs } from '../../selfhost/end-with-us.ts'
import { freePort } from './listening.ts'

export interface LogLine {
  readonly level: string
  readonly message: string
  /** False for what the runtime itself says, true for the Worker's `console`. */
  readonly isOurs: boolean
}

export interface RuntimeOptions {
  readonly port: number
  /** Durable Objects live here. */
  readonly dataDir: string
  readonly vars: Readonly<Record<string, string>>
  readonly onLog?: (line: LogLine) => void
  /** The process ended and nobody of us asked it to. */
  readonly onCrash?: () => void
  /** The folder of another Worker, for trying the world itself. */
  readonly project?: string
  /** Also accept a broker whose `/health` says that something is wrong, e.g. with its settings. */
  readonly mayBeUnhealthy?: boolean
  /** What addresses that strangers choose may reach; absent: anything, for the strangers of the world live on this computer. */
  readonly strangersReach?: StrangersReach
  /** Other Workers in the same process, for benchmarks that compare. */
  readonly neighbours?: readonly Neighbour[]
  /** The other nodes of which this is one. */
  readonly cluster?: Cluster
  /** The executable of `npm run build:binary`, started as a service starts it; absent: workerd with the Worker of this tree. */
  readonly executable?: string
}

const READY_WITHIN_MS = 15_000
const GRACE_MS = 400

export class Runtime {
  readonly #options: RuntimeOptions
  #bundle: Bundle
  #child: ChildProcess | undefined
  #isEnding = false

  private constructor(options: RuntimeOptions, bundle: Bundle) {
    this.#options = options
    this.#bundle = bundle
  }

  static async start(options: RuntimeOptions): Promise<Runtime> {
    const runtime = new Runtime(options, await bundleWorker(options.project))
    await runtime.start()
    return runtime
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** From its next start on it is what is built in that folder. */
  async becomes(project: string): Promise<void> {
    this.#bundle = await bundleWorker(project)
  }

  /** Until it has ended by itself. */
  get ended(): Promise<void> {
    const child = this.#child
    return new Promise((resolve) => void (child ? child.once('exit', () => resolve()) : resolve()))
  }

  /** SIGTERM, and at most so long for what it wants to finish. */
  async drain(withinMs = 10_000): Promise<void> {
    await Promise.race([this.#end('SIGTERM'), sleep(withinMs, undefined, { ref: false })])
    await this.kill()
  }

  /** SIGKILL, as when the machine loses power: nothing is flushed, no stream is ended politely. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async close(): Promise<void> {
    // Asked politely, workerd drains open streams for as long as their clients like.
    await this.drain(GRACE_MS)
  }

  /** On the same port and the same disk, with other variables if given. */
  async start(vars: Readonly<Record<string, string>> = this.#options.vars): Promise<void> {
    if (this.#child) throw new Error('the runtime is running already')
    const { port, dataDir, onLog, onCrash, neighbours = [], strangersReach = 'anything', cluster } = this.#options
    const disk = join(dataDir, 'durable-objects')
    await mkdir(disk, { recursive: true })
    const config = join(dataDir, 'workerd.capnp')
    const { file, config: worker } = this.#bundle
    await writeFile(
      config,
      workerdConfig({
        worker,
        module: relative(dataDir, file),
        variables: Object.keys(vars),
        listeners: [{ name: 'broker', address: `127.0.0.1:${port}`, trustsProxy: true }],
        disk,
        strangersReach,
        neighbours,
        ...(cluster && { cluster }),
      }),
    )

    // A group of its own: Ctrl-C reaches every process of the terminal's group, and only we decide when this one ends.
    const { executable } = this.#options
    const [program, args, env] = executable
      ? ['bash', [join(ROOT, 'selfhost/run')], await this.#asService(executable)]
      : [workerdProgram(), ['serve', ...(cluster ? ['--experimental'] : []), config], cluster?.env]
    const child = spawn(program, args, {
      env: { ...vars, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    this.#child = child
    this.#isEnding = false
    let isReady = false
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined
      if (isReady && !this.#isEnding) onCrash?.()
    })
    endWithUs(child)
    const said: string[] = []
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        const read = logLine(line)
        if (said.push(read.message) > 50) said.shift()
        onLog?.(read)
      })
    }
    await this.#untilReady(child, said).catch(async (error: unknown) => {
      await this.kill()
      throw error
    })
    isReady = true
  }

  async #asService(executable: string): Promise<Record<string, string>> {
    const { port, dataDir } = this.#options
    const address = { LISTEN: `127.0.0.1:${port}`, OPERATIONS_PORT: String(await freePort()), TRUSTED_PROXY: '1' }
    return { ...address, BROKER_PROGRAM: executable, DATA_DIR: dataDir, PATH: process.env['PATH'] ?? '' }
  }

  async #untilReady(child: ChildProcess, said: readonly string[]): Promise<void> {
    const failed = new Promise<never>((_, reject) => {
      child
        .once('error', reject)
        .once('exit', (code, signal) => reject(new Error(`workerd ended (${signal ?? code}):\n${said.join('\n')}`)))
    })
    const deadline = Date.now() + READY_WITHIN_MS
    let last = 'nothing'
    while (Date.now() < deadline) {
      const answer = await Promise.race([health(this.#options.port), failed])
      if (answer && (answer.ok || this.#options.mayBeUnhealthy)) return
      if (answer) last = `${answer.status} ${answer.text}`
      await Promise.race([sleep(answer ? 200 : 15), failed])
      if (answer && answer.status >= 500) break
    }
    throw new Error(`the broker is not healthy: GET /health answered ${last}\n${said.join('\n')}`)
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#isEnding = true
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => resolve())
    })
    // The script that starts an executable is not all of it.
    if (signal === 'SIGKILL' && this.#options.executable !== undefined && child.pid !== undefined)
      process.kill(-child.pid, signal)
    else child.kill(signal)
    await exited
  }
}

async function health(port: number): Promise<{ ok: boolean; status: number; text: string } | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health`, {
      headers: { host: `localhost:${port}` },
      signal: AbortSignal.timeout(5000),
    })
    return { ok: response.ok, status: response.status, text: await response.text() }
  } catch {
    return undefined
  }
}

/** workerd belongs to wrangler: asking from there finds the very version wrangler builds for. */
export function workerdProgram(): string {
  const fromWrangler = createRequire(createRequire(import.meta.url).resolve('wrangler/package.json'))
  const { default: program }: { default: string } = fromWrangler('workerd')
  return program
}

function logLine(line: string): LogLine {
  try {
    const { level, message, source } = JSON.parse(line)
    if (typeof level === 'string' && typeof message === 'string') return { level, message, isOurs: source === undefined }
  } catch {
    // Not structured: a crash of the runtime speaks plainly.
  }
  return { level: 'error', message: line, isOurs: false }
}
