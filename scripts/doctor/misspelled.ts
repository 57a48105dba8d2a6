// Names that are no settings but nearly one: a slip of the fingers would otherwise be ignored without a word.
import { environment } from '../../src/settings/environment.ts'
import { ALIASES } from '../../src/settings/settings.ts'

export interface Misspelled {
  readonly name: string
  readonly meant: string
}

const SETTING_NAMES: readonly string[] = [...Object.keys(environment.shape), ...ALIASES.map(([alias]) => alias)]

/** `$NAME` in the JSON of a setting stands for a secret of that name. */
const REFERENCE = /\$([A-Z][A-Z0-9_]*)/g

const SHORTEST = 8
const MOST_SLIPS = 2

/** Settings, and the secrets that those given refer to. */
export function namesKnown(given: Readonly<Record<string, unknown>>): readonly string[] {
  const json = SETTING_NAMES.map((name) => (typeof given[name] === 'string' ? given[name] : '')).join('\n')
  return [...SETTING_NAMES, ...[...json.matchAll(REFERENCE)].flatMap(([, name]) => name ?? [])]
}

/** Names that are at most two letters away from a known one, whatever its case. */
export function misspelled(given: readonly string[], known: readonly string[]): readonly Misspelled[] {
  return given.flatMap((name) => {
    if (name.length < SHORTEST || known.includes(name)) return []
    const meant = known.find((other) => isNear(name.toUpperCase(), other))
    return meant === undefined ? [] : [{ name, meant }]
  })
}

function isNear(one: string, other: string): boolean {
  return Math.abs(one.length - other.length) <= MOST_SLIPS && slips(one, other) <= MOST_SLIPS
}

/** Letters to add, to take away or to exchange (Levenshtein's distance). */
function slips(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (const [line, letter] of one.split('').entries()) {
    const next = [line + 1]
    for (const [at, there] of other.split('').entries())
      next.push(Math.min((next[at] ?? 0) + 1, (row[at + 1] ?? 0) + 1, (row[at] ?? 0) + (letter === there ? 0 : 1)))
    row = next
  }
  return row.at(-1) ?? 0
}
