// The flight recorder: what passed between a person's clients and the servers, while an administrator has switched it on.
//
// Layout: one row with the terms, one per entry. Lifetime: the recording switches itself off; entries go a day after they came, and the
// oldest make room beyond ENTRIES and BYTES. Trade-off: while it is on, every exchange costs a row; off, a look at one field.
import { LifecycleCapability, type LifecycleJobOutcome } from 'agents/lifecycle'
import { redact } from '../../platform/redact.ts'
import type {
  NumberedEntry,
  RecordedBy,
  RecordingAsked,
  RecordingPage,
  RecordingTerms,
  Watched,
  WireEntry,
} from '../contract/recording.ts'
import { redactMessage, redactName } from './redaction.ts'

const ENTRIES = 2_000
const BYTES = 4 * 1024 * 1024
const LONGEST_MINUTES = 24 * 60
const KEPT_MS = 86_400_000
const PAGE = 500
const LONGEST_NAME = 300
/** What is kept of a message, when everything has been taken out of it that has to be. */
const LONGEST_MESSAGE = 16 * 1024

export class Recorder extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  #terms: RecordingTerms | undefined
  #entries = 0
  #bytes = 0

  constructor(storage: DurableObjectStorage) {
    super('recorder')
    this.#storage = storage
  }

  override onStart(): void {
    this.#storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS recording (id INTEGER PRIMARY KEY CHECK (id = 1), terms TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS wire (number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, entry TEXT NOT NULL, size INTEGER NOT NULL)`)
    const [row] = this.#storage.sql.exec<{ terms: string }>('SELECT terms FROM recording')
    // Written by `start`, by nobody else.
    if (row) this.#terms = JSON.parse(row.terms)
    this.#count()
  }

  /** Replaces a recording that is on. */
  async start(
    { grantId, bodies, minutes }: RecordingAsked,
    { actor: by, actorName: byName }: RecordedBy,
    now: number,
  ): Promise<RecordingTerms> {
    const until = now + Math.min(Math.max(1, Math.ceil(minutes)), LONGEST_MINUTES) * 60
    const terms = { ...(grantId !== undefined && { grantId }), bodies, by, byName, startedAt: now, until }
    this.#storage.sql.exec('INSERT OR REPLACE INTO recording (id, terms) VALUES (1, ?)', JSON.stringify(terms))
    this.#terms = terms
    await this.lifecycle.jobs.push({ id: 'recorder', fn: 'tidy', time: until * 1000 })
    return terms
  }

  /** False when nothing was recorded. */
  stop(): boolean {
    const wasOn = this.#terms !== undefined
    if (wasOn) this.#storage.sql.exec('DELETE FROM recording')
    this.#terms = undefined
    return wasOn
  }

  /** The recording that is on, if there is one. */
  terms(now: number): RecordingTerms | undefined {
    return this.#terms && this.#terms.until > now ? this.#terms : undefined
  }

  /** How a grant is watched; undefined, and nothing more than a look at a field, when it is not. */
  watching(grantId: string, now: number): Watched | undefined {
    if (this.#terms === undefined) return undefined
    const { bodies, until, grantId: only = grantId } = this.#terms
    return until > now && only === grantId ? { bodies, until } : undefined
  }

  /** Takes what belongs to a recording that is on, and nothing else. `secrets` are known by value. */
  add(entries: readonly WireEntry[], secrets: readonly string[], now: number): void {
    for (const entry of entries) {
      const watched = this.watching(entry.grantId, now)
      if (watched) this.#write(redacted(entry, watched, secrets))
    }
    this.#trim()
  }

  /** What has come after the entry of that number, oldest first. */
  page(after: number, now: number): RecordingPage {
    const rows = this.#storage.sql.exec<{ number: number; entry: string }>(
      'SELECT number, entry FROM wire WHERE number > ? ORDER BY number LIMIT ?',
      after,
      PAGE,
    )
    const entries = [...rows].map(({ number, entry }) => ({ ...entryOf(entry), number }))
    return { terms: this.terms(now), entries, last: entries.at(-1)?.number ?? after }
  }

  /** The newest so many, oldest of them first. */
  lately(most: number, now: number): RecordingPage {
    const { number } = this.#storage.sql
      .exec<{ number: number | null }>(
        'SELECT min(number) AS number FROM (SELECT number FROM wire ORDER BY number DESC LIMIT ?)',
        most,
      )
      .one()
    return this.page((number ?? 1) - 1, now)
  }

  /** Switches off what is over, and drops what is old. */
  onJob(): LifecycleJobOutcome {
    const now = Date.now()
    if (this.#terms && this.#terms.until * 1000 <= now) this.stop()
    this.#storage.sql.exec('DELETE FROM wire WHERE at <= ?', now - KEPT_MS)
    this.#count()
    const { oldest } = this.#storage.sql.exec<{ oldest: number | null }>('SELECT min(at) AS oldest FROM wire').one()
    const next = [this.#terms && this.#terms.until * 1000, oldest === null ? undefined : oldest + KEPT_MS]
    const times = next.filter((time) => time !== undefined)
    return times.length === 0 ? undefined : { rescheduleAt: Math.min(...times) }
  }

  #write(entry: WireEntry): void {
    const json = JSON.stringify(entry)
    const size = new TextEncoder().encode(json).length
    this.#storage.sql.exec('INSERT INTO wire (at, entry, size) VALUES (?, ?, ?)', entry.at, json, size)
    this.#entries += 1
    this.#bytes += size
  }

  #trim(): void {
    while (this.#entries > ENTRIES || this.#bytes > BYTES) {
      const [gone] = this.#storage.sql.exec<{ size: number }>(
        'DELETE FROM wire WHERE number = (SELECT min(number) FROM wire) RETURNING size',
      )
      if (!gone) return
      this.#entries -= 1
      this.#bytes -= gone.size
    }
  }

  #count(): void {
    const { entries, bytes } = this.#storage.sql
      .exec<{ entries: number; bytes: number }>('SELECT count(*) AS entries, coalesce(sum(size), 0) AS bytes FROM wire')
      .one()
    this.#entries = entries
    this.#bytes = bytes
  }
}

/** Names too: a client may put anything where a tool is named. Messages that nobody asked for do not come in, whoever sent them. */
function redacted(entry: WireEntry, { bodies }: Watched, secrets: readonly string[]): WireEntry {
  const { request, answer, ...rest } = entry
  const name = (text: string | undefined): string | undefined => text && redactName(text.slice(0, LONGEST_NAME), secrets)
  const message = (text: string | undefined): string | undefined => text && redactMessage(text, secrets).slice(0, LONGEST_MESSAGE)
  const told = { ...rest, method: name(rest.method), about: name(rest.about), refusal: rest.refusal && redact(rest.refusal) }
  return bodies ? { ...told, request: message(request), answer: message(answer) } : told
}

function entryOf(json: string): Omit<NumberedEntry, 'number'> {
  // Written by `#write`, by nobody else.
  return JSON.parse(json)
}
