// A program that answers every line with a line, and whether this machine has what it takes to run it.
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'

export function canRun(command: readonly string[]): boolean {
  const [program = '', ...parameters] = command
  return spawnSync(program, parameters, { stdio: 'ignore' }).status === 0
}

export class LineProgram {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>

  constructor(command: readonly string[], environment: Readonly<Record<string, string>>) {
    const [program = '', ...parameters] = command
    this.#child = spawn(program, parameters, { env: { ...process.env, ...environment } })
    this.#child.stderr.pipe(process.stderr)
    const lines: Interface = createInterface(this.#child.stdout)
    this.#lines = lines[Symbol.asyncIterator]()
  }

  /** One question at a time. */
  async ask(line: string): Promise<string> {
    this.#child.stdin.write(`${line}\n`)
    const { value } = await this.#lines.next()
    return String(value)
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.stdin.end()
    await ended
  }
}
