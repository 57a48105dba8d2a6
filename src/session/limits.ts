// The person's token bucket: exact, in memory, and not refilled by letting the object sleep.
//
// Layout: one row with the level at a moment. Lifetime: a checkpoint is written by a job, never by a request, once the bucket
// is half empty; an object hibernates 10 s after its last event, so the job (5 s) always runs first. Trade-off: a crash
// inside those 5 s gives back at most what was spent in them.
import { LifecycleCapability } from 'agents/lifecycle'
import type { Rate } from './admission.ts'

export interface BucketSize {
  /** Requests a person may have in hand. */
  readonly requests: number
  /** Seconds in which an empty bucket fills. */
  readonly window: number
}

export interface Spent extends Rate {
  readonly allowed: boolean
  /** Seconds until one request is available; 0 when allowed. */
  readonly retryAfter: number
}

const CHECKPOINT_AFTER_MS = 5_000

export class TokenBucket extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  #size: BucketSize = { requests: 1, window: 1 }
  #level = 0
  #at = 0
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

  /** Called once after start: the size comes from the settings, the level from the last checkpoint. */
  open(size: BucketSize, nowMs: number): void {
    this.#size = size
    const [row] = this.#storage.sql.exec<{ level: number; at: number }>('SELECT level, at FROM bucket')
    this.#level = Math.min(row?.level ?? size.requests, size.requests)
    this.#at = row?.at ?? nowMs
  }

  spend(nowMs: number): Spent {
    const { requests, window } = this.#size
    const perMs = requests / (window * 1000)
    this.#level = Math.min(requests, this.#level + Math.max(0, nowMs - this.#at) * perMs)
    this.#at = nowMs
    const allowed = this.#level >= 1
    if (allowed) this.#level -= 1
    if (this.#level < requests / 2 && !this.#checkpointDue) this.#scheduleCheckpoint(nowMs)
    return {
      allowed,
      limit: requests,
      remaining: Math.floor(this.#level),
      resetSeconds: Math.ceil((requests - this.#level) / perMs / 1000),
      retryAfter: allowed ? 0 : Math.max(1, Math.ceil((1 - this.#level) / perMs / 1000)),
    }
  }

  forget(): void {
    this.#storage.sql.exec('DELETE FROM bucket')
  }

  onJob(): undefined {
    this.#checkpointDue = false
    this.#storage.sql.exec('INSERT OR REPLACE INTO bucket VALUES (1, ?, ?)', this.#level, this.#at)
  }

  #scheduleCheckpoint(nowMs: number): void {
    this.#checkpointDue = true
    // Not awaited: the request that emptied the bucket need not wait for the alarm to be armed.
    void this.lifecycle.jobs.push({ id: 'bucket', fn: 'checkpoint', time: nowMs + CHECKPOINT_AFTER_MS })
  }
}
