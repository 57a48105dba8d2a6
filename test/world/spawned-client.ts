// A real client program as a child process, with a home of its own and a browser that only writes down what it was asked to open.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach } from 'vitest'
import { Browser, signInAs, type Page } from './browser.ts'
import type { PersonKey } from './people.ts'
import { bareEnvironment } from './program.ts'

/** Linux programs end in xdg-open, which asks $BROWSER where it finds no desktop; those on a Mac call `open`, and find this one first. */
const OPENER = '#!/bin/sh\nprintf "%s\\n" "$1" >> "$OPENED_ADDRESSES"\n'

/** A folder that stands for one person's computer: what a client keeps there, the next client of it finds. */
export class Home {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  static async create(): Promise<Home> {
    const home = new Home(await mkdtemp(join(tmpdir(), 'broker-home-')))
    await writeFile(join(home.path, 'open'), OPENER, { mode: 0o700 })
    return home
  }

  environment(): NodeJS.ProcessEnv {
    return {
      ...bareEnvironment(),
      PATH: `${this.path}${delimiter}${process.env['PATH'] ?? ''}`,
      HOME: this.path,
      BROWSER: join(this.path, 'open'),
      OPENED_ADDRESSES: join(this.path, 'opened'),
      NO_COLOR: '1',
    }
  }

  async opened(): Promise<readonly string[]> {
    const text = await readFile(join(this.path, 'opened'), 'utf8').catch(() => '')
    return text.split('\n').filter((line) => line !== '')
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true })
  }
}

export class SpawnedClient {
  readonly process: ChildProcessWithoutNullStreams
  stdout = ''
  stderr = ''
  readonly #home: Home
  readonly #ended: Promise<number | null>

  constructor(home: Home, script: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.#home = home
    this.process = spawn(process.execPath, [script, ...args], { env: { ...home.environment(), ...env }, cwd: home.path })
    this.process.stdout.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()))
    this.process.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
    this.#ended = once(this.process, 'close').then(([code]: (number | null)[]) => code ?? null)
  }

  /** Waits for the address the program wants to be opened, walks it as the person would, callback of the program included. */
  async signIn(person: PersonKey): Promise<Page> {
    const browser = new Browser()
    const back = await signInAs(person, await this.opens(), { browser })
    return await browser.get(back.href)
  }

  /** Its exit code, when it ends by itself. */
  async ended(): Promise<number | null> {
    return await this.#ended
  }

  async end(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill('SIGTERM')
    const hanging = setTimeout(() => this.process.kill('SIGKILL'), 3000)
    await this.#ended
    clearTimeout(hanging)
  }

  /** The address it wants a browser to open, as soon as it does. */
  async opens(withinMs = 20_000): Promise<string> {
    const deadline = Date.now() + withinMs
    for (;;) {
      const address = (await this.#home.opened()).at(-1)
      if (address !== undefined) return address
      if (Date.now() >= deadline || this.process.exitCode !== null)
        throw new Error(`the client opened no browser: ${this.stderr || this.stdout}`)
      await sleep(20)
    }
  }
}

/** The programs one test starts, on a computer of its own; to be called where the tests are that use them. */
export function spawnedClients(script: string, env: (home: Home) => NodeJS.ProcessEnv) {
  const running: SpawnedClient[] = []
  let home: Home | undefined
  const here = (): Home => {
    if (!home) throw new Error('the computer is there as soon as a test begins')
    return home
  }
  beforeEach(async () => {
    home = await Home.create()
  })
  afterEach(async () => {
    for (const program of running.splice(0)) await program.end()
    await home?.remove()
  })
  return {
    start: (...args: readonly string[]): SpawnedClient => {
      const program = new SpawnedClient(here(), script, args, env(here()))
      running.push(program)
      return program
    },
    opened: async (): Promise<readonly string[]> => await here().opened(),
  }
}
