// The file the set-up writes: lines NAME=value for this machine and for Cloudflare, a Secret for Kubernetes. It holds secrets, so nobody but its
// owner may read it; and it is there whole or not at all.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { SetupError } from './setup-error.ts'
import type { Place } from './places.ts'

/** Names of a Secret's `stringData`, and what is written there. */
const IN_SECRET = /^ {2}([A-Z][A-Z0-9_]*): +(\S.*?) *$/gm
/** A value between quotes may go over several lines. */
const IN_LINES = /^ *(?:export +)?([A-Za-z_]\w*) *= *(?:'[^']*'|"[^"]*"|`[^`]*`|[^'"`\n][^\n]*|)[^\n]*$/gm
const GONE = '\0'

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
  const entries = [...written.matchAll(IN_SECRET)]
  return Object.fromEntries(entries.map(([, name = '', text = '']) => [name, valueIn(name, text, file)]))
}

/** Somebody may have written it by hand: without quotes, or between single ones. */
function valueIn(name: string, text: string, file: string): string {
  try {
    if (text.startsWith('"')) return String(JSON.parse(text))
  } catch (cause) {
    throw new SetupError(`${name} in ${file} can not be read: ${cause instanceof Error ? cause.name : 'it is no text'}`)
  }
  if (text.startsWith("'")) return text.slice(1, -1).replaceAll("''", "'")
  if (/^[|>&*!{[]/.test(text)) throw new SetupError(`${name} in ${file} can not be read: write it on one line, between quotes`)
  return text.replace(/\s+#.*$/, '')
}

/** In the place of what is there: lines that say the same stay as they are, and so does what is no setting. */
export function settingsText(vars: Vars, place: Place, file?: string): string {
  const named = Object.entries(vars)
  if (file !== undefined && existsSync(file))
    return changed(readFileSync(file, 'utf8'), vars, place, readSettingsFile(file, place))
  if (place !== 'kubernetes') return [`# ${HEAD}`, ...named.map(([name, value]) => lineOf(name, value, place)), ''].join('\n')
  return [
    `# ${HEAD}`,
    'apiVersion: v1',
    'kind: Secret',
    'metadata: { name: mcp-session-broker }',
    'type: Opaque',
    'stringData:',
    ...named.map(([name, value]) => lineOf(name, value, place)),
    '',
  ].join('\n')
}

function lineOf(name: string, value: string, place: Place): string {
  return place === 'kubernetes' ? `  ${name}: ${JSON.stringify(value)}` : `${name}=${quoted(name, value)}`
}

function changed(text: string, vars: Vars, place: Place, stored: Vars): string {
  const line = place === 'kubernetes' ? IN_SECRET : IN_LINES
  const written = new Set<string>()
  const kept = text.replaceAll(line, (whole: string, name: string) => {
    const value = vars[name]
    // Of a name that is there twice the last counts, and it is written once.
    if (value === undefined || written.has(name)) return GONE
    written.add(name)
    return value === stored[name] && countOf(text, line, name) === 1 ? whole : lineOf(name, value, place)
  })
  const more = Object.entries(vars).flatMap(([name, value]) => (written.has(name) ? [] : [lineOf(name, value, place)]))
  const lines = kept.split('\n').filter((one) => one !== GONE)
  while (lines.at(-1) === '') lines.pop()
  return [...lines, ...more, ''].join('\n')
}

function countOf(text: string, line: RegExp, name: string): number {
  return [...text.matchAll(line)].filter(([, found]) => found === name).length
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
