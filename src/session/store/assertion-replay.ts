// Tokens of other issuers that this person's object has to know of: assertions that were used, and from when on new ones are needed.
//
// Layout: one row per assertion, and at most one with the moment of the last revocation. Lifetime: an assertion until nobody would take it
// any more; the moment for ever, or a token that was signed before a revocation would open again what it closed. Trade-off: a bounded
// number of assertions at a time; beyond it new ones wait, because forgetting one would let it be used twice.
import { LifecycleCapability } from 'agents/lifecycle'
import { TakenIds } from './taken-once.ts'
import type { TakenBack } from '../contract/taken-back.ts'
import { BoundedMap } from '../../platform/bounded-map.ts'

const MOST_ASSERTIONS = 1_000
const MOST_HEARD = 100
/** Seconds. */
const TOLD_EVERY = 300

export class SubjectTokens extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  readonly #used: TakenIds
  #revokedAt = 0
  #revocations = 0
  #toldAt = 0
  // By grant. In memory: the Directory is asked again in the next life of the object.
  readonly #heard = new BoundedMap<string, TakenBack>(MOST_HEARD)

  constructor(storage: DurableObjectStorage) {
    super('subject-tokens')
    this.#storage = storage
    this.#used = new TakenIds(storage, 'used_assertions', MOST_ASSERTIONS)
  }

  override onStart(): void {
    this.#used.createTable()
    this.#storage.sql.exec(
      'CREATE TABLE IF NOT EXISTS subject_floor (id INTEGER PRIMARY KEY CHECK (id = 1), revoked_at INTEGER NOT NULL)',
    )
    const [row] = this.#storage.sql.exec<{ revoked_at: number }>('SELECT revoked_at FROM subject_floor')
    this.#revokedAt = row?.revoked_at ?? 0
  }

  /** Uses up an assertion. `until` is when it has expired, clock tolerance included, in unix seconds. */
  use(jti: string, until: number, now: number): 'taken' | 'reused' | 'crowded' {
    return this.#used.take(jti, until, now)
  }

  /** Access was taken back: what was signed until now opens nothing any more. */
  revoke(now: number): void {
    this.#storage.sql.exec('INSERT OR REPLACE INTO subject_floor (id, revoked_at) VALUES (1, ?)', now)
    this.#revokedAt = now
    this.#revocations += 1
  }

  /** How often that was in this life of the object. */
  get revocations(): number {
    return this.#revocations
  }

  /** Unix seconds of the last time access was taken back from the person; 0 for never. */
  get revokedAt(): number {
    return this.#revokedAt
  }

  /** What the Directory said when the grant, or this life of the object, began. */
  heardOf(grantId: string): TakenBack | undefined {
    return this.#heard.get(grantId)
  }

  hear(grantId: string, said: TakenBack): void {
    this.#heard.set(grantId, said)
  }

  /** Whether a refusal may be reported now, and then it counts: one in a while. Kept in memory alone. */
  takeReport(now: number): boolean {
    if (now - this.#toldAt < TOLD_EVERY) return false
    this.#toldAt = now
    return true
  }
}
