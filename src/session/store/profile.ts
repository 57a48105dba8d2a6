// Who this object belongs to: what the identity provider last said about the person.
//
// Layout: one row. Lifetime: as long as the object. Trade-off: names and groups are as old as the last sign-in or refresh.
import { LifecycleCapability } from 'agents/lifecycle'
import type { Identity } from '../../caller.ts'
import { groupsText, identityOf, type IdentityRow } from './identity-row.ts'

/** Who has shut somebody out. Both may have. */
export type Blocking = 'administrator' | 'signal'

const BITS: Readonly<Record<Blocking, number>> = { administrator: 1, signal: 2 }

export class Profile extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  #identity: Identity | undefined
  #blockedBy = 0
  #firstSeenAt = 0
  #lastSeenAt = 0

  constructor(storage: DurableObjectStorage) {
    super('profile')
    this.#storage = storage
  }

  override onStart(): void {
    this.#storage.sql.exec(`CREATE TABLE IF NOT EXISTS profile (
      id INTEGER PRIMARY KEY CHECK (id = 1), issuer TEXT NOT NULL, subject TEXT NOT NULL, email TEXT, name TEXT, groups TEXT NOT NULL,
      first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, blocked INTEGER NOT NULL DEFAULT 0, blocked_by INTEGER NOT NULL DEFAULT 0)`)
    const [row] = this.#storage.sql.exec<ProfileRow>('SELECT * FROM profile')
    if (!row) return
    this.#identity = identityOf(row)
    // A row of an earlier release does not say: it was an administrator.
    this.#blockedBy = row.blocked === 1 ? row.blocked_by || BITS.administrator : 0
    this.#firstSeenAt = row.first_seen
    this.#lastSeenAt = row.last_seen
  }

  get identity(): Identity | undefined {
    return this.#identity
  }

  /** An administrator or a signal has shut this person out: nothing is admitted and no sign-in succeeds. */
  get isBlocked(): boolean {
    return this.#blockedBy !== 0
  }

  /** Unix seconds of the last sign-in or refresh. */
  get lastSeenAt(): number {
    return this.#lastSeenAt
  }

  get firstSeenAt(): number {
    return this.#firstSeenAt
  }

  see(now: number): void {
    this.#storage.sql.exec('UPDATE profile SET last_seen = ?', now)
    this.#lastSeenAt = now
  }

  block(by: Blocking): void {
    this.#blocked(this.#blockedBy | BITS[by])
  }

  /** What an administrator takes back is over; a signal takes back no more than signals have done. */
  unblock(by: Blocking): void {
    this.#blocked(by === 'administrator' ? 0 : this.#blockedBy & ~BITS.signal)
  }

  #blocked(by: number): void {
    this.#storage.sql.exec('UPDATE profile SET blocked = ?, blocked_by = ?', by === 0 ? 0 : 1, by)
    this.#blockedBy = by
  }

  /** A blocked person is remembered: forgetting would let them in again. */
  forget(): void {
    if (this.isBlocked) return
    this.#storage.sql.exec('DELETE FROM profile')
    this.#identity = undefined
  }

  /** True when anything a downstream is told has changed. */
  remember(identity: Identity, now: number): boolean {
    const groups = groupsText(identity.groups)
    this.#storage.sql.exec(
      `INSERT INTO profile (id, issuer, subject, email, name, groups, first_seen, last_seen, blocked) VALUES (1, ?, ?, ?, ?, ?, ?, ?, 0)
       ON CONFLICT (id) DO UPDATE SET email = excluded.email, name = excluded.name, groups = excluded.groups, last_seen = excluded.last_seen`,
      identity.issuer,
      identity.subject,
      identity.email ?? null,
      identity.name ?? null,
      groups,
      now,
      now,
    )
    const before = this.#identity
    this.#identity = identity
    if (!before) this.#firstSeenAt = now
    this.#lastSeenAt = now
    return before?.email !== identity.email || before?.name !== identity.name || (before && groupsText(before.groups)) !== groups
  }
}

interface ProfileRow extends IdentityRow {
  first_seen: number
  last_seen: number
  blocked: number
  blocked_by: number
}
