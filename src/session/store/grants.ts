// Grants: one person's permission for one client on one resource, and the generations of its refresh token.
//
// Layout: one row per grant. All rows of a person (bounded by twice MAX_GRANTS) are kept in memory too, so that admitting a
// request reads no storage. Lifetime: until `ends_at`; a revoked row stays as a tombstone until then or until MAX_GRANTS newer
// ones have come, so that the reason can be told; a sign-in that was not finished goes when its code has expired.
// Trade-off: every write goes to both places in one turn; the object is the only writer, so they can't disagree.
import { LifecycleCapability } from 'agents/lifecycle'
import { randomId } from '../../platform/crypto.ts'
import type { GrantUses } from './grant-uses.ts'

export type RevocationReason =
  | 'client_revoked'
  | 'code_replayed'
  | 'code_failed'
  | 'refresh_token_reused'
  | 'idp_session_ended'
  | 'idp_logout'
  | 'session_expired'
  | 'limit_exceeded'
  | 'not_linked'
  | 'administrator'

export interface Grant {
  readonly id: string
  readonly clientId: string
  readonly clientName: string
  readonly resource: string
  readonly scopes: readonly string[]
  readonly createdAt: number
  /** Absolute end of the session this grant belongs to, unix seconds. */
  readonly endsAt: number
  /** Current refresh generation; 0 until the code is redeemed. */
  readonly generation: number
  readonly rotatedAt: number
  /** Highest generation of which any token has been used. */
  readonly usedGeneration: number
  readonly revokedAt: number | null
  readonly revokedWhy: string | null
}

export interface NewGrant {
  readonly clientId: string
  readonly clientName: string
  readonly resource: string
  readonly scopes: readonly string[]
  readonly endsAt: number
}

/** Where a presented refresh token stands: ARCHITECTURE.md, “Credentials”. */
export type GenerationState = 'current' | 'replay' | 'reused' | 'unknown'

/** How long the previous refresh token may come again after a rotation, whatever has been used since, in seconds. */
export const REPLAY_WINDOW = 60

/** A client that refreshes because of the answer to its call does so at once. */
const NARROW_FOR_MS = 10_000

export class Grants extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  readonly #uses: GrantUses
  readonly #rows = new Map<string, Grant>()
  // By id: until when its client, told that a scope is missing, is expected to refresh instead of asking for it; milliseconds.
  readonly #narrow = new Map<string, number>()

  constructor(storage: DurableObjectStorage, uses: GrantUses) {
    super('grants')
    this.#storage = storage
    this.#uses = uses
  }

  override onStart(): void {
    this.#storage.sql.exec(`CREATE TABLE IF NOT EXISTS grants (
      id TEXT PRIMARY KEY, client_id TEXT NOT NULL, client_name TEXT NOT NULL, resource TEXT NOT NULL, scopes TEXT NOT NULL,
      created_at INTEGER NOT NULL, ends_at INTEGER NOT NULL, generation INTEGER NOT NULL, rotated_at INTEGER NOT NULL,
      used_generation INTEGER NOT NULL, revoked_at INTEGER, revoked_why TEXT)`)
    for (const row of this.#storage.sql.exec<GrantRow>('SELECT * FROM grants')) this.#rows.set(row.id, fromRow(row))
  }

  open(asked: NewGrant, now: number, id = randomId(16)): Grant {
    const grant: Grant = {
      ...asked,
      id,
      createdAt: now,
      generation: 0,
      rotatedAt: now,
      usedGeneration: 0,
      revokedAt: null,
      revokedWhy: null,
    }
    this.#write(grant)
    return grant
  }

  find(id: string): Grant | undefined {
    return this.#rows.get(id)
  }

  /** The grant if it may be used now. */
  live(id: string, now: number): Grant | undefined {
    const grant = this.#rows.get(id)
    return grant && grant.revokedAt === null && grant.endsAt > now && !this.#uses.isIdle(grant, now) ? grant : undefined
  }

  /** True for a grant that came to its end by itself, of age or of idleness, also before that was noted. */
  isOver(grant: Grant, now: number): boolean {
    if (grant.revokedAt !== null) return grant.revokedWhy === 'session_expired'
    return grant.endsAt <= now || this.#uses.isIdle(grant, now)
  }

  /** A call needed a scope that the grant does not have. */
  noteNarrow(id: string, nowMs: number): void {
    this.#narrow.set(id, nowMs + NARROW_FOR_MS)
  }

  /** True once after each such call, for a moment. */
  isTooNarrow(id: string, nowMs: number): boolean {
    const until = this.#narrow.get(id) ?? 0
    this.#narrow.delete(id)
    return until > nowMs
  }

  all(): readonly Grant[] {
    return [...this.#rows.values()]
  }

  /** Grants that may be used now, oldest first. */
  allLive(now: number): readonly Grant[] {
    return this.all()
      .filter((grant) => grant.revokedAt === null && grant.endsAt > now)
      .sort((a, b) => a.createdAt - b.createdAt)
  }

  /** Rows nothing depends on: sign-ins not finished since then, and the tombstones beyond so many, longest ended first. */
  forgettable(unfinishedSince: number, tombstones: number): readonly Grant[] {
    const unfinished = this.all().filter(({ generation, createdAt }) => generation === 0 && createdAt <= unfinishedSince)
    const ended = this.all().filter(({ revokedAt }) => revokedAt !== null)
    const longest = ended.sort((a, b) => (b.revokedAt ?? 0) - (a.revokedAt ?? 0)).slice(tombstones)
    return [...new Set([...unfinished, ...longest])]
  }

  generationState(grant: Grant, generation: number, now: number): GenerationState {
    if (generation === grant.generation) return 'current'
    if (generation > grant.generation) return 'unknown'
    const lostAnswerIsPossible = now - grant.rotatedAt <= REPLAY_WINDOW || grant.usedGeneration < grant.generation
    return generation === grant.generation - 1 && lostAnswerIsPossible ? 'replay' : 'reused'
  }

  /** Starts the next generation; its tokens are issued at `now`. */
  rotate(grant: Grant, now: number): Grant {
    const rotated = { ...grant, usedGeneration: grant.generation, generation: grant.generation + 1, rotatedAt: now }
    this.#write(rotated)
    return rotated
  }

  /** Issues the current generation anew: its first answer never arrived and its access token may have expired meanwhile. */
  restamp(grant: Grant, now: number): Grant {
    const restamped = { ...grant, rotatedAt: now }
    this.#write(restamped)
    return restamped
  }

  /** One write per generation, the first time a token of it is used. */
  markUsed(grant: Grant, generation: number): void {
    if (generation > grant.usedGeneration && generation <= grant.generation) this.#write({ ...grant, usedGeneration: generation })
  }

  /** The grant goes on until then, if it did not go on for longer anyway. */
  prolong(grant: Grant, endsAt: number): Grant {
    if (endsAt <= grant.endsAt) return grant
    const prolonged = { ...grant, endsAt }
    this.#write(prolonged)
    return prolonged
  }

  revoke(grant: Grant, why: RevocationReason, now: number): void {
    if (grant.revokedAt === null) this.#write({ ...grant, revokedAt: now, revokedWhy: why })
  }

  forget(id: string): void {
    this.#storage.sql.exec('DELETE FROM grants WHERE id = ?', id)
    this.#rows.delete(id)
    this.#uses.forget(id)
  }

  #write(grant: Grant): void {
    this.#storage.sql.exec(
      `INSERT OR REPLACE INTO grants (id, client_id, client_name, resource, scopes, created_at, ends_at, generation, rotated_at, used_generation, revoked_at, revoked_why)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      grant.id,
      grant.clientId,
      grant.clientName,
      grant.resource,
      grant.scopes.join(' '),
      grant.createdAt,
      grant.endsAt,
      grant.generation,
      grant.rotatedAt,
      grant.usedGeneration,
      grant.revokedAt,
      grant.revokedWhy,
    )
    this.#rows.set(grant.id, grant)
  }
}

// A grant that was opened by a token exchange is known by its id, which no other kind can have: theirs are of another length.
const EXCHANGED = /^ex_[\w-]{22}$/

export function exchangedGrantId(): string {
  return `ex_${randomId(16)}`
}

export function isExchanged({ id }: Pick<Grant, 'id'>): boolean {
  return EXCHANGED.test(id)
}

interface GrantRow extends Record<string, SqlStorageValue> {
  id: string
  client_id: string
  client_name: string
  resource: string
  scopes: string
  created_at: number
  ends_at: number
  generation: number
  rotated_at: number
  used_generation: number
  revoked_at: number | null
  revoked_why: string | null
}

function fromRow(row: GrantRow): Grant {
  return {
    id: row.id,
    clientId: row.client_id,
    clientName: row.client_name,
    resource: row.resource,
    scopes: row.scopes === '' ? [] : row.scopes.split(' '),
    createdAt: row.created_at,
    endsAt: row.ends_at,
    generation: row.generation,
    rotatedAt: row.rotated_at,
    usedGeneration: row.used_generation,
    revokedAt: row.revoked_at,
    revokedWhy: row.revoked_why,
  }
}
