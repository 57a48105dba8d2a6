// The file the set-up writes: lines NAME=value for this machine and for Cloudflare, a Secret for Kubernetes. It holds secrets, so nobody but its
// owner may read it; and it is there whole or not at all.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { SetupError } from './setup-error.ts'
import type { Place } from './places.ts'

export type Vars = Readonly<Record<string, string>>

const HEAD =
  'Written by npm run setup. It holds secrets: keep it, and keep it to yourself. docs/reference/settings.md has what else can be set.'

export function readSettingsFile(file: string, place: Place): Vars {
  if (!existsSync(file)) return {}
  const written = readFileSync(file, 'utf8')
  if (place !== 'kubernetes') {
    const lines = Object.entries(parseEnv(written))
    return Object.fromEntries(lines.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
  }
  const entries = [...written.matchAll(/^ {2}([A-Z][A-Z0-9_]*): (".*")$/gm)]
  return Object.fromEntries(entries.map(([, name = '', text = '']) => [name, JSON.parse(text)]))
}

export function settingsText(vars: Vars, place: Place): string {
  const named = Object.entries(vars)
  if (place !== 'kubernetes')
    return [`# ${HEAD}`, ...named.map(([name, value]) => `${name}=${quoted(name, value)}`), ''].join('\n')
  return [
    `# ${HEAD}`,
    'apiVersion: v1',
    'kind: Secret',
    'metadata: { name: mcp-session-broker }',
    'type: Opaque',
    'stringData:',
    ...named.map(([name, value]) => `  ${name}: ${JSON.stringify(value)}`),
    '',
  ].join('\n')
}

/** As Node.js and wrangler both read it: between single quotes nothing means anything. */
function quoted(name: string, value: string): string {
  if (/^[\w.:/@,+=~?&%-]*$/.test(value)) return value
  const quote = ["'", '`'].find((mark) => !value.includes(mark))
  if (quote === undefined || /[\r\n]/.test(value))
    throw new SetupError(
      `${name} holds characters that a line of a settings file can not hold: make another one at the provider.`,
    )
  return quote + value + quote
}

/** Whether the file would be another one than what is there. */
export function differs(file: string, text: string): boolean {
  return !existsSync(file) || readFileSync(file, 'utf8') !== text
}

/** A second file is renamed over the first, so that an interruption leaves the one or the other. */
export function writePrivately(file: string, text: string): void {
  const beside = `${file}.${process.pid}.new`
  try {
    writeFileSync(beside, text, { mode: 0o600, flag: 'wx' })
    renameSync(beside, file)
  } catch (cause) {
    rmSync(beside, { force: true })
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new SetupError(`${file} can not be written: ${why}`)
  }
}
