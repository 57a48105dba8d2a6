// Who this object belongs to: what the identity provider last said about the person.
//
// Layout: a row of what the identity provider said, and one of what the company's directory said by SCIM, where it did. Lifetime: as long as
// the object. Trade-off: names and groups of the first are as old as the last sign-in or refresh; the second is as old as its change.
import { LifecycleCapability } from 'agents/lifecycle'
import type { Identity } from '../../caller.ts'
import type { Provisioned } from '../contract/provisioned.ts'
import { storedGroups, groupsText, identityOf, type IdentityRow } from './identity-row.ts'

/** Who has shut somebody out. Both may have. */
export type Blocking = 'administrator' | 'signal'

const BITS: Readonly<Record<Blocking, number>> = { administrator: 1, signal: 2 }

export class Profile extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  /** As the identity provider says. */
  #said: Identity | undefined
  #provisioned: Provisioned | undefined
  /** Both together; another object whenever anything about it changes. */
  #identity: Identity | undefined
  #blockedBy = 0
  #asked = 0
  #answered = 0
  #firstSeenAt = 0
  #lastSeenAt = 0

  constructor(storage: DurableObjectStorage) {
    super('profile')
    this.#storage = storage
  }

  override onStart(): void {
    this.#storage.sql.exec(`CREATE TABLE IF NOT EXISTS profile (
      id INTEGER PRIMARY KEY CHECK (id = 1), issuer TEXT NOT NULL, subject TEXT NOT NULL, email TEXT, name TEXT, groups TEXT NOT NULL,
      first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, blocked INTEGER NOT NULL DEFAULT 0, blocked_by INTEGER NOT NULL DEFAULT 0);
      CREATE TABLE IF NOT EXISTS provisioned (
      id INTEGER PRIMARY KEY CHECK (id = 1), active INTEGER NOT NULL, groups TEXT NOT NULL, without TEXT NOT NULL)`)
    const [told] = this.#storage.sql.exec<ProvisionedRow>('SELECT * FROM provisioned')
    this.#provisioned = told && {
      active: told.active === 1,
      groups: storedGroups(told.groups),
      without: storedGroups(told.without),
    }
    const [row] = this.#storage.sql.exec<ProfileRow>('SELECT * FROM profile')
    if (!row) return
    this.#said = identityOf(row)
    this.#identity = effective(this.#said, this.#provisioned)
    // A row of an earlier release does not say: it was an administrator.
    this.#blockedBy = row.blocked === 1 ? row.blocked_by || BITS.administrator : 0
    this.#firstSeenAt = row.first_seen
    this.#lastSeenAt = row.last_seen
  }

  get identity(): Identity | undefined {
    return this.#identity
  }

  /** As the identity provider says, whatever the company's directory has to add. */
  get said(): Identity | undefined {
    return this.#said
  }

  /** What the identity provider has just said of the person, with what the company's directory has to add. */
  asKnown(said: Identity): Identity {
    return effective(said, this.#provisioned)
  }

  /** An administrator, a signal or the company's directory has shut this person out: nothing is admitted and no sign-in succeeds. */
  get isBlocked(): boolean {
    return this.#blockedBy !== 0 || this.isDeactivated
  }

  /** The company's directory has, and it alone can let them in again. */
  get isDeactivated(): boolean {
    return this.#provisioned?.active === false
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
    this.#storage.sql.exec('DELETE FROM provisioned')
    this.#said = undefined
    this.#provisioned = undefined
    this.#identity = undefined
  }

  /** To be called where the company's directory is asked: of two answers that of the later question counts. */
  ask(): number {
    this.#asked += 1
    return this.#asked
  }

  /** Takes over what the company's directory says; undefined where it says nothing. True when anything a downstream is told has changed. */
  provision(question: number, provisioned: Provisioned | undefined): boolean {
    const { sql } = this.#storage
    if (question < this.#answered) return false
    this.#answered = question
    if (provisioned) {
      const { active, groups, without } = provisioned
      const values = [active ? 1 : 0, groupsText(groups), groupsText(without)]
      sql.exec('INSERT OR REPLACE INTO provisioned (id, active, groups, without) VALUES (1, ?, ?, ?)', ...values)
    } else if (this.#provisioned) sql.exec('DELETE FROM provisioned')
    this.#provisioned = provisioned
    return this.#said !== undefined && this.#isNew(this.#said)
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
    if (!this.#said) this.#firstSeenAt = now
    this.#said = identity
    this.#lastSeenAt = now
    return this.#isNew(identity)
  }

  #isNew(said: Identity): boolean {
    const before = this.#identity
    const now = effective(said, this.#provisioned)
    const isSame =
      before?.email === now.email && before?.name === now.name && groupsText(before?.groups ?? []) === groupsText(now.groups)
    if (!before || !isSame) this.#identity = now
    return !isSame || !before
  }
}

/** Groups the directory knows are its to give; of the others the identity provider is believed. */
function effective(said: Identity, provisioned: Provisioned | undefined): Identity {
  if (!provisioned) return said
  const { groups, without } = provisioned
  const others = said.groups.filter((group) => !without.includes(group) && !groups.includes(group))
  return { ...said, groups: [...others, ...groups] }
}

interface ProvisionedRow extends Record<string, SqlStorageValue> {
  active: number
  groups: string
  without: string
}

/** Whose object this is, before anything has started. */
export function storedPerson(sql: SqlStorage): Pick<Identity, 'issuer' | 'subject'> | undefined {
  const isThere = sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'profile'").toArray().length > 0
  return isThere ? sql.exec<{ issuer: string; subject: string }>('SELECT issuer, subject FROM profile').toArray()[0] : undefined
}

interface ProfileRow extends IdentityRow {
  first_seen: number
  last_seen: number
  blocked: number
  blocked_by: number
}
