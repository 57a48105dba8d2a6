// Token buckets, of the person and of each downstream with a limit of its own: exact, in memory, and not refilled by letting the object sleep.
//
// Layout: one row with the level of the person's bucket at a moment, and one for each of the others by resource; their table is made
// where there are any. Lifetime: a checkpoint is written by a job, never by a request, once a bucket is half empty; an object
// hibernates 10 s after its last event, so the job (5 s) always runs first. Trade-off: a crash inside those 5 s gives back at most
// what was spent in them.
import { LifecycleCapability } from 'agents/lifecycle'
import type { Settings } from '../../settings/settings.ts'
import type { Rate } from '../contract/admission.ts'

interface BucketSize {
  /** Requests a person may have in hand. */
  readonly requests: number
  /** Seconds in which an empty bucket fills. */
  readonly window: number
}

export interface Spent extends Rate {
  readonly allowed: boolean
  /** Seconds until so many requests are available, as far as they ever are; 0 when allowed. */
  readonly retryAfter: number
}

interface Bucket {
  readonly size: BucketSize
  level: number
  at: number
}

const CHECKPOINT_AFTER_MS = 5_000

export class TokenBucket extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  #person: Bucket = { size: { requests: 1, window: 1 }, level: 0, at: 0 }
  readonly #ofDownstreams = new Map<string, Bucket>()
  #checkpointDue = false

  constructor(storage: DurableObjectStorage) {
    super('limits')
    this.#storage = storage
  }

  override onStart(): void {
    this.#storage.sql.exec(
      'CREATE TABLE IF NOT EXISTS bucket (id INTEGER PRIMARY KEY CHECK (id = 1), level REAL NOT NULL, at REAL NOT NULL)',
    )
  }

  /** Called once after start: the sizes come from the settings, the levels from the last checkpoint. */
  open({ limits, downstreams }: Pick<Settings, 'limits' | 'downstreams'>, nowMs: number): void {
    const { sql } = this.#storage
    const [row] = sql.exec<Level>('SELECT level, at FROM bucket')
    this.#person = bucketOf({ requests: limits.rateLimitRequests, window: limits.rateLimitWindow }, row, nowMs)
    const limited = downstreams.filter((downstream) => downstream.limits?.requests !== undefined)
    if (limited.length === 0) return
    sql.exec(
      'CREATE TABLE IF NOT EXISTS downstream_buckets (resource TEXT PRIMARY KEY, level REAL NOT NULL, at REAL NOT NULL) WITHOUT ROWID',
    )
    for (const { resource, limits: { requests = 1, window = 60 } = {} } of limited) {
      const [kept] = sql.exec<Level>('SELECT level, at FROM downstream_buckets WHERE resource = ?', resource)
      this.#ofDownstreams.set(resource, bucketOf({ requests, window }, kept, nowMs))
    }
  }

  /**
   * Requests to a downstream, of the person's allowance and of the one there: where either has not got so many nothing is taken from either.
   * More than fit into a bucket never pass.
   */
  spend(nowMs: number, resource: string, count = 1): Spent {
    const person = this.#person
    const there = this.#ofDownstreams.get(resource)
    refill(person, nowMs)
    if (!there) return this.#taken(person, person.level >= count, count, nowMs)
    refill(there, nowMs)
    const allowed = person.level >= count && there.level >= count
    const [tighter, other] = person.level < there.level ? [person, there] : [there, person]
    if (allowed) this.#taken(other, true, count, nowMs)
    return this.#taken(tighter, allowed, count, nowMs)
  }

  forget(): void {
    this.#storage.sql.exec('DELETE FROM bucket')
    if (this.#ofDownstreams.size > 0) this.#storage.sql.exec('DELETE FROM downstream_buckets')
  }

  onJob(): undefined {
    this.#checkpointDue = false
    const { sql } = this.#storage
    sql.exec('INSERT OR REPLACE INTO bucket (id, level, at) VALUES (1, ?, ?)', this.#person.level, this.#person.at)
    for (const [resource, { level, at }] of this.#ofDownstreams)
      sql.exec('INSERT OR REPLACE INTO downstream_buckets (resource, level, at) VALUES (?, ?, ?)', resource, level, at)
  }

  #taken(bucket: Bucket, allowed: boolean, count: number, nowMs: number): Spent {
    const { requests, window } = bucket.size
    const perMs = requests / (window * 1000)
    if (allowed) bucket.level -= count
    if (bucket.level < requests / 2 && !this.#checkpointDue) this.#scheduleCheckpoint(nowMs)
    return {
      allowed,
      limit: requests,
      remaining: Math.floor(bucket.level),
      resetSeconds: Math.ceil((requests - bucket.level) / perMs / 1000),
      retryAfter: allowed ? 0 : Math.max(1, Math.ceil((Math.min(count, requests) - bucket.level) / perMs / 1000)),
    }
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

function bucketOf(size: BucketSize, kept: Level | undefined, nowMs: number): Bucket {
  return { size, level: Math.min(kept?.level ?? size.requests, size.requests), at: kept?.at ?? nowMs }
}

function refill(bucket: Bucket, nowMs: number): void {
  const { requests, window } = bucket.size
  bucket.level = Math.min(requests, bucket.level + (Math.max(0, nowMs - bucket.at) * requests) / (window * 1000))
  bucket.at = nowMs
}
