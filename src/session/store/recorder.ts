// The flight recorder: what passed between a person's clients and the servers, while an administrator has switched it on.
//
// Layout: one row with the terms, one per entry; messages lie beside them, sealed. Lifetime: the recording switches itself off; entries go
// when RECORDING_TTL is over, and the oldest make room beyond ENTRIES and RECORDING_BYTES. Trade-off: while it is on, every exchange costs
// a row; off, a look at one field.
import { LifecycleCapability, type LifecycleJobOutcome } from 'agents/lifecycle'
import { MessageSealer, type SealedTo } from '../../evidence/message-sealer.ts'
import { BoundedMap } from '../../platform/bounded-map.ts'
import { randomId } from '../../platform/crypto.ts'
import { describeError, log } from '../../platform/telemetry.ts'
import type { Limits } from '../../settings/limits.ts'
import type {
  KeptEntry,
  NumberedEntry,
  RecordedBy,
  RecordingAsked,
  RecordingPage,
  RecordingTerms,
  SealedPage,
  Watched,
  WireEntry,
} from '../contract/recording.ts'
import { inPortions } from './portions.ts'
import { redactEntries, type Redacted } from './redaction.ts'
import { sealedRows } from './sealed-rows.ts'
import type { SealedMessages } from './sealed-messages.ts'

const ENTRIES = 2_000
const LONGEST_MINUTES = 24 * 60
/** Seconds in which somebody who reads one message after the other is one who reads. */
const ONE_READING = 600
const READERS = 100
const PAGE = 500
/** What waits to be sealed, in characters of messages: beyond that entries come without theirs. */
const MOST_WAITING = 24 * 1024 * 1024
/** What one answer holds of sealed messages, and the one that goes beyond. */
const SEALED_PAGE_BYTES = 4 * 1024 * 1024

/** `bodies` is false in storage whatever was asked: the release before would keep them as they are. */
interface Stored extends Omit<RecordingTerms, 'fingerprint'> {
  readonly sealedTo?: SealedTo
}

export class Recorder extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  readonly #messages: SealedMessages
  #limits: Pick<Limits, 'recordingTtl' | 'recordingBytes'> = { recordingTtl: 0, recordingBytes: 0 }
  #stored: Stored | undefined
  #sealer: MessageSealer | undefined
  /** One after the other: what comes first has the lower number. */
  #writing: Promise<void> = Promise.resolve()
  #waiting = 0
  readonly #readers = new BoundedMap<string, number>(READERS)
  #entries = 0
  #bytes = 0

  constructor(storage: DurableObjectStorage, messages: SealedMessages) {
    super('recorder')
    this.#storage = storage
    this.#messages = messages
  }

  override onStart(): void {
    this.#storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS recording (id INTEGER PRIMARY KEY CHECK (id = 1), terms TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS wire (number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, entry TEXT NOT NULL, size INTEGER NOT NULL)`)
    const [row] = this.#storage.sql.exec<{ terms: string }>('SELECT terms FROM recording')
    // Written by `start`, by nobody else.
    if (row) this.#stored = JSON.parse(row.terms)
    this.#count()
  }

  open(limits: Pick<Limits, 'recordingTtl' | 'recordingBytes'>): void {
    this.#limits = limits
  }

  /** Replaces a recording that is on. */
  async start(
    { grantId, sealedTo, minutes }: RecordingAsked,
    { actor: by, actorName: byName }: RecordedBy,
    now: number,
  ): Promise<RecordingTerms> {
    await this.stop()
    const until = now + Math.min(Math.max(1, Math.ceil(minutes)), LONGEST_MINUTES) * 60
    const whose = { ...(grantId !== undefined && { grantId }), ...(sealedTo && { sealedTo }) }
    const stored = { id: randomId(9), ...whose, bodies: false, by, byName, startedAt: now, until }
    this.#storage.sql.exec('INSERT OR REPLACE INTO recording (id, terms) VALUES (1, ?)', JSON.stringify(stored))
    this.#stored = stored
    await this.lifecycle.jobs.push({ id: 'recorder', fn: 'tidy', time: until * 1000 })
    return termsOf(stored)
  }

  /** Puts the mark at the end of what was sealed. False when nothing was recorded. */
  async stop(): Promise<boolean> {
    const over = this.#stored
    if (over === undefined) return false
    this.#storage.sql.exec('DELETE FROM recording')
    this.#stored = undefined
    const sealer = this.#sealerOf(over)
    this.#sealer = undefined
    await this.#next(async () => {
      const [parts] = (await sealer?.seal([{ text: '', direction: 'end' }], this.#messages.count(over.id))) ?? []
      if (parts) this.#messages.keep(parts)
    })
    return true
  }

  /** The recording that is on, if there is one. */
  terms(now: number): RecordingTerms | undefined {
    return this.#stored && this.#stored.until > now ? termsOf(this.#stored) : undefined
  }

  /** How a grant is watched; undefined, and nothing more than a look at a field, when it is not. */
  watching(grantId: string, now: number): Watched | undefined {
    if (this.#stored === undefined) return undefined
    const { until, sealedTo, grantId: only = grantId } = this.#stored
    return until > now && only === grantId ? { bodies: sealedTo !== undefined, until } : undefined
  }

  /** Takes what belongs to a recording that is on, and nothing else. `secrets` are known by value. */
  async add(entries: readonly WireEntry[], secrets: readonly string[], now: number): Promise<void> {
    const stored = this.#stored
    const watched = entries.filter(({ grantId }) => this.watching(grantId, now) !== undefined)
    if (stored === undefined || watched.length === 0) return
    const length = watched.reduce((sum, { request = '', answer = '' }) => sum + request.length + answer.length, 0)
    const sealer = this.#waiting + length > MOST_WAITING ? undefined : this.#sealerOf(stored)
    const held = sealer ? length : 0
    this.#waiting += held
    await this.#next(async () => {
      const told = redactEntries(watched, secrets, sealer !== undefined)
      for (const some of inPortions(told)) await this.#write(stored.id, some, sealer)
      this.#trim()
    })
    this.#waiting -= held
  }

  /** What has come after an entry, or the newest so many; oldest first. */
  read(asked: { readonly after: number } | { readonly newest: number }, now: number): RecordingPage {
    const after = 'after' in asked ? asked.after : this.#before(asked.newest)
    const entries = this.#after(after)
    return { terms: this.terms(now), entries, last: entries.at(-1)?.number ?? after }
  }

  /** The same with what is sealed, as much as one answer may hold. */
  sealed(after: number, most = PAGE): SealedPage {
    const entries: SealedPage['entries'][number][] = []
    let bytes = 0
    let inBlock = 0
    for (const entry of this.#after(after, most)) {
      const { number, sealed } = entry
      const parts = sealed ? this.#messages.partsOf(number) : []
      // A block comes with the first of its entries.
      const last = sealed?.block === undefined ? 0 : number + sealed.block
      const all = last > inBlock ? [...this.#messages.blocksUpTo(last), ...parts] : parts
      inBlock = Math.max(inBlock, last)
      entries.push({ ...entry, parts: all })
      bytes += all.reduce((sum, { data }) => sum + data.length, 0)
      if (bytes >= SEALED_PAGE_BYTES) break
    }
    const marks = entries.length === 0 ? this.#messages.marks : []
    const named = new Set([...entries.flatMap(({ parts }) => parts), ...marks].map(({ segment }) => segment))
    const segments = [...named].flatMap((id) => this.#messages.segment(id) ?? [])
    return { entries, segments, marks, last: entries.at(-1)?.number ?? after }
  }

  /** Whether somebody has begun to read messages: there are some, and it was not them a moment ago. */
  isNewReader(actor: string, now: number): boolean {
    if (!this.#messages.hasAny || now - (this.#readers.get(actor) ?? 0) < ONE_READING) return false
    this.#readers.set(actor, now)
    return true
  }

  /** Switches off what is over, and drops what is old. */
  async onJob(): Promise<LifecycleJobOutcome> {
    const now = Date.now()
    if (this.#stored && this.#stored.until * 1000 <= now) await this.stop()
    const kept = this.#limits.recordingTtl * 1000
    const query = 'SELECT max(number) AS number FROM wire WHERE at <= ?'
    const { number } = this.#storage.sql.exec<{ number: number | null }>(query, now - kept).one()
    if (number !== null) this.#drop(number)
    this.#messages.sweep(this.#stored?.id ?? '')
    this.#count()
    const { oldest } = this.#storage.sql.exec<{ oldest: number | null }>('SELECT min(at) AS oldest FROM wire').one()
    const next = [this.#stored && this.#stored.until * 1000, oldest === null ? undefined : oldest + kept]
    const times = next.filter((time) => time !== undefined)
    return times.length === 0 ? undefined : { rescheduleAt: Math.min(...times) }
  }

  #sealerOf({ id, sealedTo }: Stored): MessageSealer | undefined {
    if (sealedTo && !this.#sealer)
      this.#sealer = new MessageSealer(id, this.lifecycle.name, sealedTo, (segment) => this.#messages.keepSegment(segment))
    return this.#sealer
  }

  /** An entry that can not be kept costs nobody anything else. */
  #next(work: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing
      .then(work)
      .catch((error: unknown) => log('warn', 'recording.not_kept', { reason: describeError(error) }))
    return this.#writing
  }

  /** All of them in one transaction, and what is sealed of them sealed at once: small messages as one block, each large one by itself. */
  async #write(recording: string, entries: readonly Redacted[], sealer: MessageSealer | undefined): Promise<void> {
    const { rows, parts } = sealer
      ? await sealedRows(recording, entries, sealer, this.#messages.count(recording))
      : { rows: entries.map(({ facts }) => ({ ...facts, recording })), parts: [] }
    this.#storage.transactionSync(() => {
      const first = this.#insert(rows)
      this.#messages.keep(parts.map(({ index, part }) => ({ ...part, entry: first + index })))
    })
  }

  /** The number of the first: one statement for all, and numbers without a gap. */
  #insert(entries: readonly KeptEntry[]): number {
    const { sql } = this.#storage
    sql.exec(
      `INSERT INTO wire (at, entry, size) SELECT value ->> 'at', value,
         octet_length(value) + coalesce(value ->> '$.sealed.request', 0) + coalesce(value ->> '$.sealed.answer', 0) FROM json_each(?)`,
      JSON.stringify(entries),
    )
    const first = sql.exec<{ number: number }>('SELECT max(number) AS number FROM wire').one().number - entries.length + 1
    const query = 'SELECT sum(size) AS bytes FROM wire WHERE number >= ?'
    this.#entries += entries.length
    this.#bytes += sql.exec<{ bytes: number }>(query, first).one().bytes
    return first
  }

  /** The number of the entry before the newest so many. */
  #before(newest: number): number {
    const query = 'SELECT min(number) AS number FROM (SELECT number FROM wire ORDER BY number DESC LIMIT ?)'
    const { number } = this.#storage.sql.exec<{ number: number | null }>(query, newest).one()
    return (number ?? 1) - 1
  }

  #after(number: number, most = PAGE): readonly NumberedEntry[] {
    const query = 'SELECT number, entry FROM wire WHERE number > ? ORDER BY number LIMIT ?'
    const rows = this.#storage.sql.exec<{ number: number; entry: string }>(query, number, most)
    return [...rows].map((row) => ({ ...entryOf(row.entry), number: row.number }))
  }

  #trim(): void {
    let gone = 0
    if (this.#entries <= ENTRIES && this.#bytes <= this.#limits.recordingBytes) return
    for (const { number, size } of this.#storage.sql.exec<{ number: number; size: number }>(
      'SELECT number, size FROM wire ORDER BY number',
    )) {
      if (this.#entries <= ENTRIES && this.#bytes <= this.#limits.recordingBytes) break
      this.#entries -= 1
      this.#bytes -= size
      gone = number
    }
    if (gone > 0) this.#drop(gone)
  }

  #drop(upTo: number): void {
    this.#storage.sql.exec('DELETE FROM wire WHERE number <= ?', upTo)
    this.#messages.drop(upTo)
  }

  #count(): void {
    const { entries, bytes } = this.#storage.sql
      .exec<{ entries: number; bytes: number }>('SELECT count(*) AS entries, coalesce(sum(size), 0) AS bytes FROM wire')
      .one()
    this.#entries = entries
    this.#bytes = bytes
  }
}

function termsOf({ sealedTo, ...terms }: Stored): RecordingTerms {
  return { ...terms, bodies: sealedTo !== undefined, ...(sealedTo && { fingerprint: sealedTo.fingerprint }) }
}

function entryOf(json: string): KeptEntry {
  // Written by `#write`, by nobody else.
  return JSON.parse(json)
}
