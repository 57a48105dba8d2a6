// Where a broker can run, and what has to be done there once its settings are written.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SetupError } from './setup-error.ts'

export const PLACES = ['this-machine', 'cloudflare', 'kubernetes'] as const
export type Place = (typeof PLACES)[number]

export const PLACE_TITLES: Readonly<Record<Place, string>> = {
  'this-machine': 'This machine: one process, one folder',
  cloudflare: 'Cloudflare Workers',
  kubernetes: 'Kubernetes',
}

/** In the package everything is one file beside the supervisor; in the repository it is not. */
const PACKED = join(import.meta.dirname, 'selfhost.js')
const IS_PACKED = existsSync(PACKED)
const ROOT = resolve(import.meta.dirname, IS_PACKED ? '..' : '../..')
const PORT = '8788'
/** The first start builds the Worker. */
const READY_WITHIN_MS = 90_000
/** A new custom domain has to become known first. */
const REACHABLE_WITHIN_MS = 180_000

export interface Broker {
  readonly place: Place
  readonly url: string
  /** Of its settings. */
  readonly file: string
  /** `LISTEN` of one on this machine. */
  readonly listen: string
}

/** Why it can not be set up for there from here. */
export function notFromHere(place: Place): string | undefined {
  return IS_PACKED && place === 'cloudflare'
    ? 'For Cloudflare the repository is needed, because wrangler deploys from it: clone it, and run npm run setup there.'
    : undefined
}

/** What the process is told besides the settings of the broker; what somebody has changed of it stays. */
export function ofTheProcess(
  place: Place,
  url: string,
  file: string,
  stored: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  if (place !== 'this-machine') return {}
  const { BASE_URL: before, LISTEN: listen, DATA_DIR = join(dirname(resolve(file)), 'broker-data') } = stored
  const isOurs = listen === undefined || (before !== undefined && listen === listenFor(before))
  return { LISTEN: isOurs ? listenFor(url) : listen, DATA_DIR }
}

function listenFor(url: string): string {
  const { protocol, port } = new URL(url)
  return `127.0.0.1:${protocol === 'http:' && port !== '' ? port : PORT}`
}

/** The command that deploys or starts, as somebody would type it next time. */
export function commandOf(place: Place, url: string, file: string): readonly string[] {
  if (place === 'this-machine')
    return [...(IS_PACKED ? ['npx', 'mcp-session-broker'] : ['npm', 'run', 'selfhost', '--']), '--settings', file]
  if (place === 'kubernetes')
    return ['kubectl', 'apply', '-f', file, '-f', join(IS_PACKED ? ROOT : '', 'selfhost/kubernetes.yaml')]
  const { hostname } = new URL(url)
  return [
    'npx',
    'wrangler',
    'deploy',
    '--secrets-file',
    file,
    ...(hostname.endsWith('.workers.dev') ? [] : ['--domain', hostname]),
  ]
}

/** Returns when the broker answers at `url`, or on this machine where it listens; with the process, where it is one of ours. */
export async function start({ place, url, file, listen }: Broker): Promise<ChildProcess | undefined> {
  if (place === 'this-machine') {
    const child = spawn(process.execPath, [IS_PACKED ? PACKED : join(ROOT, 'selfhost/main.ts'), '--settings', file], {
      stdio: 'inherit',
    })
    const ended = once(child, 'exit').then(([code]) => {
      throw new SetupError(`The broker ended (${code}): see what it said above.`)
    })
    // It also ends when it has served for a year.
    ended.catch(() => undefined)
    await Promise.race([untilAnswers(`http://${fromHere(listen)}/ready`, READY_WITHIN_MS), ended])
    return child
  }
  const [program = '', ...args] = commandOf(place, url, resolve(file))
  const { status, error } = spawnSync(program, args, { cwd: ROOT, stdio: 'inherit' })
  if (error !== undefined) throw new SetupError(`${program} can not be run: ${error.message}`)
  if (status !== 0)
    throw new SetupError(
      `${program} ended with ${status}: see what it said above. The settings are written; run the set-up again.`,
    )
  if (place === 'cloudflare') await untilAnswers(`${url}/health`, REACHABLE_WITHIN_MS)
  return undefined
}

/** Every address is this machine's, too. */
function fromHere(listen: string): string {
  return listen.replace(/^(\*|0\.0\.0\.0|\[::\]):/, '127.0.0.1:')
}

async function untilAnswers(address: string, milliseconds: number): Promise<void> {
  const deadline = Date.now() + milliseconds
  while (Date.now() < deadline) {
    const answer = await fetch(address, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined)
    if (answer?.ok === true) return
    await sleep(300)
  }
  throw new SetupError(`${address} does not answer.`)
}
