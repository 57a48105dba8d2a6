// Token buckets, of the person and of each downstream with a limit of its own: exact, in memory, and not refilled by letting the object sleep.
//
// Layout: one row with the level of the person's bucket at a moment, and one for each of the others by resource; their table is made
// where there are any. Lifetime: a checkpoint is written by a job, never by a request, once a bucket is half empty; an object
// hibernates 10 s after its last event, so the job (5 s) always runs first. Trade-off: a crash inside those 5 s gives back at most
// what was spent in them.
import type { Settings } from '../../settings/settings.ts'
import type { Rate } from '../contract/admission.ts'
import { Allowance } from './allowance.ts'
import { TableCapability } from './table.ts'

export interface Spent extends Rate {
  readonly allowed: boolean
  /** Seconds until so many requests are available, as far as they ever are; 0 when allowed. */
  readonly retryAfter: number
}

/** What a router may spend without asking, and how it tells its clients how much that leaves. */
export interface Lent {
  readonly requests: number
  /** How fast the bucket fills that is nearest to empty. */
  readonly perSecond: number
}

const CHECKPOINT_AFTER_MS = 5_000
/** A router gets one part in so many of what is there. */
const LENT_SHARE = 4
const LEAST_LENT = 4

export class TokenBucket extends TableCapability {
  #person = new Allowance({ requests: 1, window: 1 }, 0, { level: 0, at: 0 })
  readonly #ofDownstreams = new Map<string, Allowance>()
  #checkpointDue = false

  constructor(storage: DurableObjectStorage) {
    super(
      storage,
      'limits',
      'CREATE TABLE IF NOT EXISTS bucket (id INTEGER PRIMARY KEY CHECK (id = 1), level REAL NOT NULL, at REAL NOT NULL)',
    )
  }

  /** Called once after start: the sizes come from the settings, the levels from the last checkpoint. */
  open({ limits, downstreams }: Pick<Settings, 'limits' | 'downstreams'>, nowMs: number): void {
    const { sql } = this.storage
    const [row] = sql.exec<Level>('SELECT level, at FROM bucket')
    this.#person = new Allowance({ requests: limits.rateLimitRequests, window: limits.rateLimitWindow }, nowMs, row)
    const limited = downstreams.filter((downstream) => downstream.limits?.requests !== undefined)
    if (limited.length === 0) return
    sql.exec(
      'CREATE TABLE IF NOT EXISTS downstream_buckets (resource TEXT PRIMARY KEY, level REAL NOT NULL, at REAL NOT NULL) WITHOUT ROWID',
    )
    for (const { resource, limits: { requests = 1, window = 60 } = {} } of limited) {
      const [kept] = sql.exec<Level>('SELECT level, at FROM downstream_buckets WHERE resource = ?', resource)
      this.#ofDownstreams.set(resource, new Allowance({ requests, window }, nowMs, kept))
    }
  }

  /**
   * Requests to a downstream, of the person's allowance and of the one there: where either has not got so many nothing is taken from either.
   * More than fit into a bucket never pass.
   */
  spend(nowMs: number, resource: string, count = 1): Spent {
    const all = this.#of(resource)
    const tightest = tightestOf(all, nowMs)
    const allowed = tightest.level(nowMs) >= count
    if (allowed) for (const allowance of all) allowance.spend(count)
    this.#noteLevels(all, nowMs)
    const { requests } = tightest.size
    const level = tightest.level(nowMs)
    return {
      allowed,
      limit: requests,
      remaining: Math.floor(level),
      resetSeconds: Math.ceil((requests - level) / tightest.perMs / 1000),
      retryAfter: allowed ? 0 : Math.max(1, Math.ceil((Math.min(count, requests) - level) / tightest.perMs / 1000)),
    }
  }

  /** Whether as many requests could be spent. */
  has(nowMs: number, resource: string, count: number): boolean {
    return this.#of(resource).every((allowance) => allowance.level(nowMs) >= count)
  }

  /** A share of what is there, out of both allowances, so that another router finds some. Undefined where that is too little to be worth it. */
  lend(nowMs: number, resource: string): Lent | undefined {
    const all = this.#of(resource)
    const requests = Math.floor(tightestOf(all, nowMs).level(nowMs) / LENT_SHARE)
    if (requests < LEAST_LENT) return undefined
    for (const allowance of all) allowance.lend(requests)
    this.#noteLevels(all, nowMs)
    return { requests, perSecond: Math.min(...all.map(({ perMs }) => perMs)) * 1000 }
  }

  /** A router may spend nothing of this any more: what it has not spent comes back. */
  settle(nowMs: number, resource: string, lent: number, unspent: number): void {
    for (const allowance of this.#of(resource)) {
      allowance.level(nowMs)
      allowance.settle(lent, unspent)
    }
  }

  /** Lent in an earlier life of the object, and still out. */
  isOut(resource: string, requests: number): void {
    for (const allowance of this.#of(resource)) allowance.isOut(requests)
  }

  forget(): void {
    this.sql.exec('DELETE FROM bucket')
    if (this.#ofDownstreams.size > 0) this.sql.exec('DELETE FROM downstream_buckets')
  }

  onJob(): undefined {
    this.#checkpointDue = false
    const { sql } = this.storage
    const { level, at } = this.#person.kept
    sql.exec('INSERT OR REPLACE INTO bucket (id, level, at) VALUES (1, ?, ?)', level, at)
    for (const [resource, { kept }] of this.#ofDownstreams)
      sql.exec('INSERT OR REPLACE INTO downstream_buckets (resource, level, at) VALUES (?, ?, ?)', resource, kept.level, kept.at)
  }

  #of(resource: string): readonly Allowance[] {
    const there = this.#ofDownstreams.get(resource)
    return there ? [this.#person, there] : [this.#person]
  }

  #noteLevels(all: readonly Allowance[], nowMs: number): void {
    const isHalfEmpty = all.some((allowance) => allowance.level(nowMs) < allowance.size.requests / 2)
    if (isHalfEmpty && !this.#checkpointDue) this.#scheduleCheckpoint(nowMs)
  }

  #scheduleCheckpoint(nowMs: number): void {
    this.#checkpointDue = true
    // Not awaited: the request that emptied the bucket need not wait for the alarm to be armed.
    void this.lifecycle.jobs.push({ id: 'bucket', fn: 'checkpoint', time: nowMs + CHECKPOINT_AFTER_MS })
  }
}

interface Level extends Record<string, SqlStorageValue> {
  level: number
  at: number
}

function tightestOf(all: readonly Allowance[], nowMs: number): Allowance {
  return all.reduce((one, other) => (other.level(nowMs) <= one.level(nowMs) ? other : one))
}
