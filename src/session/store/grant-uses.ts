// When each grant was last used, and which ones nobody has used for so long that they end.
//
// Layout: one row per grant. Lifetime: that of the grant. Trade-off: a use is kept in memory, and written a moment after the answer
// has gone out, at most every few minutes; a crash makes a grant seem idle for that much longer, and a request writes nothing.
import type { LifecycleJobOutcome } from 'agents/lifecycle'
import { TableCapability } from './table.ts'

export interface GrantUsesOptions {
  /** Seconds. */
  readonly idleTtl: number
  /** What an administrator has given an end of its own ends then, used or not. */
  readonly applies: () => boolean
  /** Whether something is open that belongs to the grant: who listens uses it. */
  readonly isOpen: (grantId: string) => boolean
  /** Grants that may end of idleness, with the moment they began. */
  readonly candidates: () => readonly Usable[]
  readonly end: (grantId: string) => Promise<void>
  /** Unix seconds. */
  readonly now: () => number
}

/** A rotation is a use too, and written anyway. */
export interface Usable {
  readonly id: string
  readonly createdAt: number
  readonly rotatedAt: number
}

/** How exactly a last use is known after a crash, in seconds. */
const WRITTEN_EVERY = 300
/** Sooner than the object falls asleep, which is ten seconds after its last request; later than the answer. */
const WRITTEN_AFTER_MS = 2_000

export class GrantUses extends TableCapability {
  readonly #usedAt = new Map<string, number>()
  readonly #writtenAt = new Map<string, number>()
  #options: GrantUsesOptions | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(storage: DurableObjectStorage) {
    super(storage, 'grant-uses')
  }

  override onStart(): void {
    this.sql.exec('CREATE TABLE IF NOT EXISTS grant_uses (grant_id TEXT PRIMARY KEY, used_at INTEGER NOT NULL) WITHOUT ROWID')
    const rows = this.sql.exec<{ grant_id: string; used_at: number }>('SELECT * FROM grant_uses')
    for (const { grant_id: id, used_at: usedAt } of rows) {
      this.#usedAt.set(id, usedAt)
      this.#writtenAt.set(id, usedAt)
    }
  }

  /** Called once after start. */
  open(options: GrantUsesOptions): void {
    this.#options = options
  }

  /** A request of the grant was admitted. */
  note({ id, rotatedAt }: Usable, now: number): void {
    this.#usedAt.set(id, now)
    const known = Math.max(rotatedAt, this.#writtenAt.get(id) ?? 0)
    if (now - known >= WRITTEN_EVERY) this.#timer ??= setTimeout(() => this.#write(), WRITTEN_AFTER_MS)
  }

  /** Unix seconds. */
  lastUse({ id, createdAt, rotatedAt }: Usable): number {
    return Math.max(createdAt, rotatedAt, this.#usedAt.get(id) ?? 0)
  }

  /** True from the second on in which the grant should have ended; the job that ends it comes a moment later. */
  isIdle(grant: Usable, now: number): boolean {
    if (!this.#options) return false
    const { idleTtl, isOpen, applies } = this.#options
    return this.lastUse(grant) + idleTtl <= now && applies() && !isOpen(grant.id)
  }

  forget(grantId: string): void {
    this.sql.exec('DELETE FROM grant_uses WHERE grant_id = ?', grantId)
    this.#usedAt.delete(grantId)
    this.#writtenAt.delete(grantId)
  }

  /** To be called where a grant begins; from then on the job plans itself. */
  async plan(): Promise<void> {
    const time = this.#next()
    const planned = this.lifecycle.jobs.get('idle')
    if (time !== undefined && (planned === undefined || planned.time > time))
      await this.lifecycle.jobs.push({ id: 'idle', fn: 'end idle', time })
  }

  async onJob(): Promise<LifecycleJobOutcome> {
    if (!this.#options) return undefined
    const { candidates, isOpen, end, now } = this.#options
    for (const grant of candidates()) {
      if (isOpen(grant.id)) this.#usedAt.set(grant.id, now())
      if (this.isIdle(grant, now())) await end(grant.id)
    }
    this.#write()
    const time = this.#next()
    return time === undefined ? undefined : { rescheduleAt: time }
  }

  /** Milliseconds; a second late, so that what ends then has ended. */
  #next(): number | undefined {
    if (!this.#options?.applies()) return undefined
    const { candidates, idleTtl } = this.#options
    const ends = candidates().map((grant) => this.lastUse(grant) + idleTtl)
    return ends.length === 0 ? undefined : Math.min(...ends) * 1000 + 1000
  }

  #write(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const [id, usedAt] of this.#usedAt) {
      if (usedAt - (this.#writtenAt.get(id) ?? 0) < WRITTEN_EVERY) continue
      this.sql.exec('INSERT OR REPLACE INTO grant_uses (grant_id, used_at) VALUES (?, ?)', id, usedAt)
      this.#writtenAt.set(id, usedAt)
    }
  }
}
