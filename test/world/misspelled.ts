// Names that are no settings but nearly one: a slip of the fingers would otherwise be ignored without a word.

const SHORTEST = 8
const MOST_SLIPS = 2

/** One sentence for each name that is at most two letters away from a known one, whatever its case. */
export function misspelled(given: readonly string[], known: readonly string[]): readonly string[] {
  return given.flatMap((name) => {
    if (name.length < SHORTEST || known.includes(name)) return []
    const meant = known.find((other) => isNear(name.toUpperCase(), other))
    return meant === undefined ? [] : [`${name} is no setting and not used: ${meant} is one`]
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
