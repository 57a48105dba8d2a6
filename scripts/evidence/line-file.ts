// Lines of evidence as JSON Lines, in a file of any size: one of them is in memory at a time, and of the others where they stand in the file.
//
// An export brings lines at least once, and sinks may not keep their order: the file is gone over once for their numbers, and then read in
// the order of those. That costs 20 bytes a line.
import { openSync, readSync } from 'node:fs'
import type { EvidenceEntry } from '../../src/evidence/line.ts'
import { isWrittenOnce } from './written-once.ts'
import { EvidenceError } from './trusted-keys.ts'
import { evidenceEntry } from './walk.ts'

const CHUNK = 16 * 1024
/** Nobody has written a longer one. */
const LONGEST_LINE = 4 * 1024 * 1024
const NEW_LINE = 0x0a

export const NO_EVIDENCE = 'these are no lines of evidence, a bundle or a receipt'

interface Line {
  readonly text: string
  /** Where it begins in the file. */
  readonly from: number
}

export class LineFile {
  readonly #file: number
  readonly #chunk = Buffer.alloc(CHUNK)

  private constructor(file: number) {
    this.#file = file
  }

  /** Undefined where the file does not begin with a line of evidence. */
  static open(path: string): LineFile | undefined {
    const lines = new LineFile(openSync(path, 'r'))
    const [first] = lines.#lines()
    return first && entryIn(first.text) ? lines : undefined
  }

  /** In the order of their numbers, each once; what stands for many comes before the first of those. */
  *entries(): Generator<EvidenceEntry> {
    const { places, offsets, order } = this.#index()
    let lines = this.#lines()
    let line = lines.next()
    let same: EvidenceEntry[] = []
    let before: number | undefined
    for (const index of order) {
      const from = offsets[index] ?? 0
      if (line.done || line.value.from !== from) line = (lines = this.#lines(from)).next()
      const entry = line.done ? undefined : entryIn(line.value.text)
      if (!entry) throw new EvidenceError('the file was changed while it was read')
      line = lines.next()
      if (places[index] !== before) yield* once(same.splice(0))
      before = places[index]
      same.push(entry)
    }
    yield* once(same)
  }

  #index(): { readonly places: readonly number[]; readonly offsets: readonly number[]; readonly order: Uint32Array } {
    const [places, offsets]: [number[], number[]] = [[], []]
    for (const { text, from } of this.#lines()) {
      const entry = entryIn(text)
      if (!entry) throw new EvidenceError(NO_EVIDENCE)
      places.push(placeOf(entry))
      offsets.push(from)
    }
    const order = Uint32Array.from(places, (_, index) => index)
    return { places, offsets, order: order.sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0) || a - b) }
  }

  /** From there on. */
  *#lines(from = 0): Generator<Line> {
    let held: Buffer = Buffer.alloc(0)
    for (let at = from; ;) {
      const length = readSync(this.#file, this.#chunk, 0, CHUNK, at)
      at += length
      const bytes = Buffer.concat([held, this.#chunk.subarray(0, length)])
      let begin = 0
      for (let end = bytes.indexOf(NEW_LINE); end >= 0; end = bytes.indexOf(NEW_LINE, begin)) {
        if (end > begin + 1) yield { text: bytes.toString('utf8', begin, end), from: at - bytes.length + begin }
        begin = end + 1
      }
      held = bytes.subarray(begin)
      if (held.length > LONGEST_LINE) throw new EvidenceError(NO_EVIDENCE)
      if (length > 0) continue
      if (held.length > 0) yield { text: held.toString('utf8'), from: at - held.length }
      return
    }
  }
}

/** As an export has them, where a line may have come more than once, and what stands for it may have come, too. */
export function inOrder(entries: readonly EvidenceEntry[]): readonly EvidenceEntry[] {
  const byPlace = Map.groupBy(entries, placeOf)
  return [...byPlace].sort(([a], [b]) => a - b).flatMap(([, same]) => once(same))
}

/** What there is of one place. */
function once(same: readonly EvidenceEntry[]): readonly EvidenceEntry[] {
  const lines = same.filter((entry) => 'number' in entry)
  const line = lines.find(({ body }) => body !== undefined) ?? lines[0]
  if (line && lines.some(({ hash, digest }) => hash !== line.hash || digest !== line.digest))
    throw new EvidenceError(`line ${line.number} is there twice, and says two things`)
  return [...same.filter((entry) => !('number' in entry)), ...(line ? [line] : [])]
}

function placeOf(entry: EvidenceEntry): number {
  return 'number' in entry ? entry.number : entry.first
}

function entryIn(text: string): EvidenceEntry | undefined {
  let said: unknown
  try {
    said = JSON.parse(text)
  } catch {
    return undefined
  }
  const entry = evidenceEntry.safeParse(said).data
  if (entry && !isWrittenOnce(text, said))
    throw new EvidenceError(`line ${placeOf(entry)} has a name twice, and readers differ in what it says`)
  return entry
}
