// What the operator of a self-hosted broker has written, in the environment or in a file: every mistake of it at once.
import { readFileSync, statSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { settingsMistakes } from '../src/routes/operations.ts'
import { environment } from '../src/settings/environment.ts'
import { ALIASES } from '../src/settings/settings.ts'
import { BUCKET_NAMES, CLUSTER_NAMES, CLUSTER_NOTE, readCluster, type Cluster } from './cluster.ts'
import type { Given, OptionProblem } from './given.ts'

export interface SelfHostOptions {
  /** Where clients are served, as workerd writes it. */
  readonly address: string
  readonly port: number
  /** Whoever connects is a proxy that says in CF-Connecting-IP where a request came from. */
  readonly trustsProxy: boolean
  /** As it was written. */
  readonly dataDir: string
  /** How long open requests may go on after SIGTERM. */
  readonly drainMs: number
  /** Absent: this broker is alone. */
  readonly cluster?: Cluster
  /** What the Worker is told, and nothing else of the environment. */
  readonly vars: Readonly<Record<string, string>>
  /** What the operator should know, and is no mistake. */
  readonly notes: readonly string[]
}

export class OptionsError extends Error {
  readonly problems: readonly OptionProblem[]

  constructor(problems: readonly OptionProblem[]) {
    super(problems.map(({ variable, problem }) => `${variable} ${problem}`).join('; '))
    this.problems = problems
  }
}

/** Of the process, not of the Worker: not in the settings reference, but in docs/self-hosting.md. */
const OWN: readonly string[] = ['LISTEN', 'DATA_DIR', 'DRAIN_SECONDS', 'TRUSTED_PROXY', ...CLUSTER_NAMES, ...BUCKET_NAMES]
/** By these the runtime finds certificates of authorities besides the usual ones, and names. */
const OF_THE_RUNTIME: readonly string[] = ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'TZ']
export const SETTINGS: ReadonlySet<string> = new Set([...Object.keys(environment.shape), ...ALIASES.map(([alias]) => alias)])

/** The environment wins over the file. Throws an `OptionsError`. */
export async function readOptions(env: Given, file: string | undefined): Promise<SelfHostOptions> {
  const { written, problems, notes } = fromFile(file)
  const given: Given = { ...written, ...env }
  const vars = varsOf(given)
  problems.push(...unknownIn(written, vars))
  const { address, port } = listenAt(given['LISTEN'] ?? '127.0.0.1:8788', problems)
  const drain = given['DRAIN_SECONDS'] ?? '10'
  if (!/^\d{1,4}$/.test(drain))
    problems.push({ variable: 'DRAIN_SECONDS', problem: 'is not a number of seconds', cure: 'give 0 to 9999, for example 10' })
  const trusted = given['TRUSTED_PROXY'] ?? ''
  if (!['', '0', '1'].includes(trusted))
    problems.push({
      variable: 'TRUSTED_PROXY',
      problem: 'is not 1',
      cure: 'give 1 where a proxy sets CF-Connecting-IP, or remove it',
    })
  const cluster = readCluster(given, problems)
  problems.push(...(await settingsMistakes(vars)))
  if (problems.length > 0) throw new OptionsError(problems)
  const dataDir = given['DATA_DIR'] ?? 'data'
  const own = { address, port, trustsProxy: trusted === '1', dataDir, drainMs: Number(drain) * 1000, vars }
  return cluster ? { ...own, cluster, notes: [...notes, CLUSTER_NOTE] } : { ...own, notes }
}

function fromFile(file: string | undefined): {
  readonly written: Readonly<Record<string, string>>
  readonly problems: OptionProblem[]
  readonly notes: readonly string[]
} {
  if (file === undefined) return { written: {}, problems: [], notes: [] }
  try {
    const isOpen = (statSync(file).mode & 0o004) !== 0
    const notes = isOpen ? [`${file} holds secrets and everybody on this machine can read it: chmod 600 ${file}`] : []
    const parsed = Object.entries(parseEnv(readFileSync(file, 'utf8')))
    const written = Object.fromEntries(parsed.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
    return { written, problems: [], notes }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return {
      written: {},
      problems: [{ variable: '--settings', problem: `can not be read: ${why}`, cure: 'name a file of lines NAME=value' }],
      notes: [],
    }
  }
}

/** Settings, and the secrets that lists refer to by name. */
function varsOf(given: Given): Readonly<Record<string, string>> {
  const settings = Object.entries(given).filter(([name, value]) => SETTINGS.has(name) && value !== undefined)
  const named = settings.flatMap(([, value = '']) => [...value.matchAll(/"\$([A-Z_][A-Z0-9_]*)|\$([A-Z_][A-Z0-9_]*)/g)])
  const wanted = new Set([...settings.map(([name]) => name), ...named.map(([, a, b]) => a ?? b ?? ''), ...OF_THE_RUNTIME])
  const vars: Record<string, string> = {}
  for (const name of wanted) {
    const value = given[name]
    if (value !== undefined) vars[name] = value
  }
  return vars
}

/** Of the environment most is not for the broker; in a file a name nobody knows is one that is spelled wrong. */
function unknownIn(written: Given, vars: Given): readonly OptionProblem[] {
  const unknown = Object.keys(written).filter((name) => !(name in vars) && !OWN.includes(name))
  const cure = 'see docs/reference/settings.md, and docs/self-hosting.md'
  return unknown.map((variable) => ({ variable, problem: 'is no setting of the broker', cure }))
}

function listenAt(text: string, problems: OptionProblem[]): { readonly address: string; readonly port: number } {
  const [, host = '', digits = ''] = /^(\*|\[[\da-f:.]+\]|[\w.-]+):(\d{1,5})$/i.exec(text.trim()) ?? []
  const port = Number(digits)
  if (host === '' || port < 1 || port > 65_535)
    problems.push({
      variable: 'LISTEN',
      problem: 'is not an address and a port',
      cure: 'give 127.0.0.1:8788, or *:8788 for every address',
    })
  return { address: `${host}:${port}`, port }
}
