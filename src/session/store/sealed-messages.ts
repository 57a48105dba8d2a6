// The messages of recordings, which nobody here can read: parts that were sealed, and the keys they were sealed under, sealed themselves.
//
// Layout: one row per block of small messages, by the last entry it is about, one per part of a larger message, 1 MiB at most, and one per
// segment; how many parts a recording has had is kept apart, so that trimming repeats no number. Lifetime: as long as the entry a part
// belongs to, a block as long as its last. Trade-off: a message of 4 MiB is five rows, and one that is opened brings its block along.
import { LifecycleCapability } from 'agents/lifecycle'
import type { SealedPart, Segment } from '../../evidence/message-sealer.ts'
import { joined } from '../../platform/bytes.ts'

export class SealedMessages extends LifecycleCapability {
  readonly #sql: SqlStorage

  constructor({ sql }: DurableObjectStorage) {
    super('sealed-messages')
    this.#sql = sql
  }

  override onStart(): void {
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS sealed_segments (
        id TEXT PRIMARY KEY, recording TEXT NOT NULL, fingerprint TEXT NOT NULL, jwe TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS sealed_counts (recording TEXT PRIMARY KEY, parts INTEGER NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS sealed_parts (
        number INTEGER PRIMARY KEY AUTOINCREMENT, entry INTEGER, recording TEXT NOT NULL, segment TEXT NOT NULL, sequence INTEGER NOT NULL,
        direction TEXT NOT NULL, part INTEGER NOT NULL, is_last INTEGER NOT NULL, data BLOB NOT NULL);
      CREATE INDEX IF NOT EXISTS sealed_parts_by_entry ON sealed_parts (entry)`)
  }

  keepSegment({ id, recording, fingerprint, jwe }: Segment): void {
    const row = [id, recording, fingerprint, jwe]
    this.#sql.exec('INSERT INTO sealed_segments (id, recording, fingerprint, jwe) VALUES (?, ?, ?, ?)', ...row)
  }

  /** How many parts the recording has had: the number of its next. */
  count(recording: string): number {
    const [row] = this.#sql.exec<{ parts: number }>('SELECT parts FROM sealed_counts WHERE recording = ?', recording)
    return row?.parts ?? 0
  }

  /** All of one segment, in their order. One statement for many of them: each costs as much as what it writes. */
  keep(parts: readonly KeptPart[]): void {
    const [first, last] = [parts[0], parts.at(-1)]
    if (!first || !last) return
    for (const some of inBlobs(parts)) {
      let at = 1
      const rows = some.map(({ entry, sequence, direction, part, isLast, data }) => {
        const from = at
        at += data.length
        return [entry ?? null, sequence, direction, part, isLast ? 1 : 0, from, data.length]
      })
      this.#sql.exec(
        `INSERT INTO sealed_parts (entry, recording, segment, sequence, direction, part, is_last, data)
         SELECT value ->> 0, ?1, ?2, value ->> 1, value ->> 2, value ->> 3, value ->> 4, substr(?4, value ->> 5, value ->> 6)
         FROM json_each(?3)`,
        first.recording,
        first.segment,
        JSON.stringify(rows),
        joined(some.map(({ data }) => data)),
      )
    }
    const row = [last.recording, last.sequence + 1]
    this.#sql.exec('INSERT OR REPLACE INTO sealed_counts (recording, parts) VALUES (?, ?)', ...row)
  }

  partsOf(entry: number): readonly SealedPart[] {
    return this.#parts("entry = ? AND direction <> 'block'", entry)
  }

  /** Of entries of which that one is the last. */
  blocksUpTo(entry: number): readonly SealedPart[] {
    return this.#parts("entry = ? AND direction = 'block'", entry)
  }

  get hasAny(): boolean {
    return this.#sql.exec('SELECT 1 FROM sealed_parts WHERE entry IS NOT NULL LIMIT 1').toArray().length > 0
  }

  /** The marks at the ends of recordings. */
  get marks(): readonly SealedPart[] {
    return this.#parts('entry IS NULL')
  }

  segment(id: string): Segment | undefined {
    const [row] = this.#sql.exec<Segment & Record<string, SqlStorageValue>>('SELECT * FROM sealed_segments WHERE id = ?', id)
    return row
  }

  /** With the entries up to that number; and the marks of recordings of which nothing else is. Recordings follow one another. */
  drop(upTo: number): void {
    this.#sql.exec('DELETE FROM sealed_parts WHERE entry <= ?', upTo)
    const oldest = 'SELECT number FROM sealed_parts WHERE entry IS NOT NULL ORDER BY number LIMIT 1'
    const [first] = this.#sql.exec<{ number: number }>(oldest)
    this.#sql.exec('DELETE FROM sealed_parts WHERE entry IS NULL AND number < ?', first?.number ?? Number.MAX_SAFE_INTEGER)
  }

  /** What is left of recordings of which no message is, but for the one that is on; it looks at every part. */
  sweep(current: string): void {
    const gone = `recording <> ? AND recording NOT IN (SELECT recording FROM sealed_parts WHERE entry IS NOT NULL)`
    for (const table of ['sealed_parts', 'sealed_segments', 'sealed_counts'])
      this.#sql.exec(`DELETE FROM ${table} WHERE ${gone}`, current)
  }

  #parts(which: string, ...bound: readonly number[]): readonly SealedPart[] {
    const rows = this.#sql.exec<Row>(`SELECT * FROM sealed_parts WHERE ${which} ORDER BY number`, ...bound)
    return [...rows].map(({ recording, segment, sequence, direction, part, is_last, data }) => ({
      recording,
      segment,
      sequence,
      direction,
      part,
      isLast: is_last === 1,
      data: new Uint8Array(data),
    }))
  }
}

/** `entry` is whose it is; undefined for the mark at the end. */
interface KeptPart extends SealedPart {
  readonly entry?: number
}

/** What a value of SQLite may hold here, and some. */
const BLOB_BYTES = 1024 * 1024 + 64

function inBlobs(parts: readonly KeptPart[]): readonly (readonly KeptPart[])[] {
  const blobs: KeptPart[][] = []
  let bytes = Infinity
  for (const part of parts) {
    bytes += part.data.length
    if (bytes > BLOB_BYTES) {
      blobs.push([])
      bytes = part.data.length
    }
    blobs.at(-1)?.push(part)
  }
  return blobs
}

interface Row extends Record<string, SqlStorageValue> {
  recording: string
  segment: string
  sequence: number
  direction: SealedPart['direction']
  part: number
  is_last: number
  data: ArrayBuffer
}
