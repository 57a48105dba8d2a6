// How busy the deployment was in each minute of a day: requests, and streams open at once, as the people's objects tell it.
//
// Layout: a ring of one row per minute in which anything was told, and a row per person with open streams. Lifetime: a day; a person's
// streams count until the object has not confirmed them for longer than that, which it does whenever it asks the identity provider.
// Trade-off: the minute that runs is kept in memory and written every few seconds, so that a report costs no write unless the number
// of streams has changed; a crash loses those seconds.
import type { LoadReport } from '../session/contract/load-report.ts'
import { TableCapability } from '../session/store/table.ts'

export interface LoadOfDay {
  /** Seconds that one number stands for. */
  readonly step: number
  /** Requests in each step, the oldest first. */
  readonly requests: readonly number[]
  /** The most streams that were open at once in each step. */
  readonly streams: readonly number[]
}

interface Minute {
  readonly minute: number
  requests: number
  /** Streams open at its end, and the most at once. */
  streams: number
  peak: number
}

const MINUTE = 60
const DAY_MINUTES = 1_440
const STEP_MINUTES = 15
/** Longer than the objects of connected people sleep without being woken to ask about the person. */
const CONFIRMED_WITHIN = 90_000
/** Seconds. */
const CONFIRMED_EVERY = 1_800
const WRITTEN_EVERY_MS = 5_000

export class LoadOfDeployment extends TableCapability {
  #open = 0
  #now: Minute | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(storage: DurableObjectStorage) {
    super(storage, 'load')
  }

  override onStart(): void {
    this.sql.exec(`
      CREATE TABLE IF NOT EXISTS load (
        minute INTEGER PRIMARY KEY, requests INTEGER NOT NULL, streams INTEGER NOT NULL, peak INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS open_streams (sub TEXT PRIMARY KEY, streams INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS open_streams_by_age ON open_streams (at)`)
    this.#count()
  }

  /** Streams that are open now, as far as has been told. */
  get streams(): number {
    return this.#open
  }

  /** True when the number of open streams is another one than before. */
  note({ sub, requests, open }: LoadReport, now: number): boolean {
    const before = this.#open
    this.#keep(sub, open, now)
    const minute = this.#minuteOf(now)
    minute.requests += requests
    minute.streams = this.#open
    minute.peak = Math.max(minute.peak, this.#open)
    this.#timer ??= setTimeout(() => this.#write(), WRITTEN_EVERY_MS)
    return this.#open !== before
  }

  lastDay(now: number): LoadOfDay {
    this.#write()
    const first = Math.floor(now / MINUTE / STEP_MINUTES) * STEP_MINUTES - DAY_MINUTES + STEP_MINUTES
    const length = DAY_MINUTES / STEP_MINUTES
    const requests = Array.from({ length }, () => 0)
    const peaks = new Map<number, Minute>()
    let carried = this.#before(first)
    for (const row of this.sql.exec<Row>('SELECT * FROM load WHERE minute >= ? ORDER BY minute', first)) {
      const step = Math.floor((row.minute - first) / STEP_MINUTES)
      requests[step] = (requests[step] ?? 0) + row.requests
      peaks.set(step, { ...row, peak: Math.max(row.peak, peaks.get(step)?.peak ?? 0) })
    }
    // In a step of which nothing was told as many streams were open as at the end of the one before.
    const streams = requests.map((_, step) => {
      const told = peaks.get(step)
      const most = Math.max(carried, told?.peak ?? 0)
      carried = told?.streams ?? carried
      return most
    })
    return { step: STEP_MINUTES * MINUTE, requests, streams }
  }

  #keep(sub: string, open: number, now: number): void {
    const { sql } = this.storage
    const [known] = sql.exec<{ streams: number; at: number }>('SELECT streams, at FROM open_streams WHERE sub = ?', sub)
    // Confirmed once in a while is enough to know that it is so.
    if ((known?.streams ?? 0) === open && (open === 0 || now - (known?.at ?? 0) < CONFIRMED_EVERY)) return
    if (open === 0) sql.exec('DELETE FROM open_streams WHERE sub = ?', sub)
    else sql.exec('INSERT OR REPLACE INTO open_streams (sub, streams, at) VALUES (?, ?, ?)', sub, open, now)
    this.#open += open - (known?.streams ?? 0)
  }

  #minuteOf(now: number): Minute {
    const minute = Math.floor(now / MINUTE)
    if (this.#now?.minute === minute) return this.#now
    this.#write()
    const { sql } = this.storage
    sql.exec('DELETE FROM load WHERE minute <= ?', minute - DAY_MINUTES)
    if (sql.exec('DELETE FROM open_streams WHERE at < ?', now - CONFIRMED_WITHIN).rowsWritten > 0) this.#count()
    const [row] = sql.exec<Row>('SELECT * FROM load WHERE minute = ?', minute)
    this.#now = row ? { ...row } : { minute, requests: 0, streams: this.#open, peak: this.#open }
    return this.#now
  }

  #write(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (!this.#now) return
    const { minute, requests, streams, peak } = this.#now
    this.sql.exec(
      'INSERT OR REPLACE INTO load (minute, requests, streams, peak) VALUES (?, ?, ?, ?)',
      minute,
      requests,
      streams,
      peak,
    )
  }

  #before(minute: number): number {
    const query = 'SELECT streams FROM load WHERE minute < ? ORDER BY minute DESC LIMIT 1'
    const [row] = this.sql.exec<{ streams: number }>(query, minute)
    return row?.streams ?? 0
  }

  #count(): void {
    this.#open = this.sql.exec<{ n: number }>('SELECT coalesce(sum(streams), 0) AS n FROM open_streams').one().n
  }
}

interface Row extends Record<string, SqlStorageValue> {
  minute: number
  requests: number
  streams: number
  peak: number
}
