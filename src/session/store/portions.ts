// What of a recording is sealed and written at once: many small messages together, large ones one after the other.
import type { Redacted } from './redaction.ts'

/** What is sealed at once, in characters, and the entry that goes beyond. */
const PORTION = 1024 * 1024
/** An entry without its messages, at most: names are cut off. */
const ENTRY = 2 * 1024

/** What is sealed at once is in memory twice: large messages come one after the other. */
export function inPortions(entries: readonly Redacted[]): readonly (readonly Redacted[])[] {
  const portions: Redacted[][] = []
  let length = Infinity
  for (const entry of entries) {
    const { request = '', answer = '' } = entry
    const own = request.length + answer.length + ENTRY
    length += own
    if (length > PORTION) {
      portions.push([])
      length = own
    }
    portions.at(-1)?.push(entry)
  }
  return portions
}
