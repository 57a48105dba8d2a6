// Goes over lines of evidence: each covers the one before, so what was removed, changed, moved or put in shows at one of them.
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { canonical } from '../../src/platform/canonical-json.ts'
import { BEFORE_ALL, covered, type EvidenceEntry, type EvidenceGap, type EvidenceLine } from '../../src/evidence/line.ts'
import { EvidenceError, type TrustedKeys } from './trusted-keys.ts'

const lineBody = z.looseObject({ kind: z.enum(['begin', 'event', 'receipt', 'key']), at: z.number(), salt: z.string() })
const evidenceLine = z.object({ number: z.int().min(1), digest: z.string(), hash: z.string(), body: lineBody.optional() })
const evidenceGap = z.object({ first: z.int().min(1), last: z.int(), hash: z.string(), statement: z.string() })
export const evidenceEntry = z.union([evidenceLine, evidenceGap])
export const evidenceLines = z.array(evidenceEntry)

export interface Walked {
  readonly lines: number
  readonly gone: number
  readonly hidden: number
  readonly first: number
  readonly last: number
  readonly hash: string
  /** The last line that is signed for or was pinned; those behind it fit, and anybody could have written them. */
  readonly proven: number
}

export interface KnownHash {
  readonly number: number
  readonly hash: string
}

interface Walk {
  readonly issuer?: string | undefined
  readonly pinned?: readonly KnownHash[]
}

type Entries = Iterable<EvidenceEntry> | AsyncIterable<EvidenceEntry>

/** Each line covers the one before. Lines that begin later than 1 begin behind a line that was pinned. None is held longer than it takes. */
export async function walk(entries: Entries, keys: TrustedKeys, asked: Walk = {}): Promise<Walked> {
  let walking: Walking | undefined
  for await (const entry of entries) {
    walking ??= new Walking(firstOf(entry), keys, asked)
    if ('number' in entry) walking.line(entry)
    else await walking.gap(entry)
  }
  return (walking ?? new Walking(1, keys, asked)).end()
}

class Walking {
  readonly #keys: TrustedKeys
  readonly #issuer: string | undefined
  readonly #from: KnownHash
  /** Hashes that are known, of lines that have not come yet. */
  readonly #expected: Map<number, string>
  /** The gap that reaches furthest: lines of it may be there all the same, for they were exported before they went. */
  #gap: EvidenceGap | undefined
  #last: number
  #before: string
  #proven = 0
  #lines = 0
  #gone = 0
  #hidden = 0

  constructor(began: number, keys: TrustedKeys, { issuer, pinned = [] }: Walk) {
    this.#keys = keys
    this.#issuer = issuer
    this.#from = pinned.find(({ number }) => number === began - 1) ?? { number: 0, hash: BEFORE_ALL }
    this.#expected = new Map(pinned.filter(({ number }) => number > this.#from.number).map(({ number, hash }) => [number, hash]))
    this.#last = this.#from.number
    this.#before = this.#from.hash
  }

  line(line: EvidenceLine): void {
    const { number, body, digest, hash } = line
    this.#follow(number)
    if (body !== undefined && sha256(canonical(body)) !== digest)
      throw new EvidenceError(`line ${number} was changed: its digest is of another text`)
    if (sha256(covered(line, this.#before)) !== hash)
      throw new EvidenceError(`line ${number} does not follow the one before: one of them was changed or replaced`)
    this.#lines += 1
    if (body === undefined) this.#hidden += 1
    this.#reach(number, hash)
  }

  async gap(gap: EvidenceGap): Promise<void> {
    const { first, last, hash, statement } = gap
    this.#follow(first)
    const said = await this.#keys.gap(statement).catch((error: unknown) => {
      throw new EvidenceError(`lines ${first} to ${last}: ${error instanceof Error ? error.message : ''}`)
    })
    const isIt = said.first === first && said.last === last && said.hash === hash && said.before === this.#before
    if (!isIt || last < first || (this.#issuer !== undefined && said.iss !== this.#issuer))
      throw new EvidenceError(`lines ${first} to ${last} are said to be kept no more, by a statement about others`)
    this.#expect(last, hash)
    if (this.#gap === undefined || this.#gap.last < last) this.#gap = gap
  }

  end(): Walked {
    this.#overGap()
    const [unmet] = this.#expected.keys()
    if (unmet !== undefined) throw new EvidenceError(`line ${unmet} was pinned, and the lines end at ${this.#last}`)
    const first = this.#last === this.#from.number ? this.#last : this.#from.number + 1
    const [lines, gone, hidden, proven] = [this.#lines, this.#gone, this.#hidden, this.#proven]
    return { lines, gone, hidden, first, last: this.#last, hash: this.#before, proven }
  }

  #follow(number: number): void {
    if (number > this.#last + 1) this.#overGap()
    if (number !== this.#last + 1) throw new EvidenceError(missing(this.#last, number))
  }

  /** What lies between is not there, and the broker has signed for it. */
  #overGap(): void {
    if (this.#gap === undefined || this.#gap.last <= this.#last) return
    const { last, hash } = this.#gap
    // Whoever can sign could sign for lines that never were: a pin that can not be compared is not passed over.
    for (const pinned of this.#expected.keys())
      if (pinned > this.#last && pinned < last)
        throw new EvidenceError(
          `line ${pinned} was pinned, and is kept no more (lines ${this.#last + 1} to ${last}): only a later pin can be compared`,
        )
    this.#gone += last - this.#last
    this.#reach(last, hash)
  }

  #reach(number: number, hash: string): void {
    const expected = this.#expected.get(number)
    if (expected !== undefined && expected !== hash) throw new EvidenceError(another(number))
    if (this.#expected.delete(number)) this.#proven = number
    this.#last = number
    this.#before = hash
  }

  #expect(number: number, hash: string): void {
    if ((this.#expected.get(number) ?? hash) !== hash) throw new EvidenceError(another(number))
    this.#expected.set(number, hash)
  }
}

function another(number: number): string {
  return `line ${number} is another one than was pinned: what came before was changed`
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

function firstOf(entry: EvidenceEntry): number {
  return 'number' in entry ? entry.number : entry.first
}

function missing(last: number, first: number): string {
  if (first <= last) return `line ${first} stands behind line ${last}: lines were moved or repeated`
  return last + 1 === first - 1 ? `line ${last + 1} is missing` : `lines ${last + 1} to ${first - 1} are missing`
}
