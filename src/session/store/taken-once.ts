// What was taken once and must not be taken again while anybody would accept it: client assertions (RFC 7523 section 3, `jti`), logout
// tokens (OpenID Connect Back-Channel Logout section 2.6), and assertions about the person (RFC 8693, RFC 7523).
//
// Layout: one row per id, in a table for each kind. Lifetime: until it has expired by every clock; the next one that comes clears them away.
// Trade-off: a client assertion is kept beside the token it came with, where nobody but the holder of one of this person's tokens can write;
// one that was seen here would still be taken with another person's token.
import { LifecycleCapability } from 'agents/lifecycle'

const TABLES = {
  client_assertions: {
    id: 'id',
    create: 'CREATE TABLE IF NOT EXISTS client_assertions (id TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID',
  },
  logout_tokens: {
    id: 'jti',
    create: 'CREATE TABLE IF NOT EXISTS logout_tokens (jti TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID',
  },
  used_assertions: {
    id: 'jti',
    create: 'CREATE TABLE IF NOT EXISTS used_assertions (jti TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID',
  },
} as const

export class TakenIds {
  readonly #sql: SqlStorage
  readonly #table: keyof typeof TABLES
  readonly #most: number

  /** `most`: so many are remembered, and then new ones wait, because forgetting one would let it be taken twice. */
  constructor({ sql }: DurableObjectStorage, table: keyof typeof TABLES, most = Number.POSITIVE_INFINITY) {
    this.#sql = sql
    this.#table = table
    this.#most = most
  }

  createTable(): void {
    this.#sql.exec(TABLES[this.#table].create)
  }

  /** `until` is when nobody would take it any more, in unix seconds. */
  take(id: string, until: number, now: number): 'taken' | 'reused' | 'crowded' {
    this.#sql.exec(`DELETE FROM ${this.#table} WHERE until <= ?`, now)
    if (this.#isFull() && !this.#has(id)) return 'crowded'
    const inserted = this.#sql.exec(
      `INSERT OR IGNORE INTO ${this.#table} (${TABLES[this.#table].id}, until) VALUES (?, ?)`,
      id,
      until,
    )
    return inserted.rowsWritten > 0 ? 'taken' : 'reused'
  }

  #isFull(): boolean {
    if (this.#most === Number.POSITIVE_INFINITY) return false
    return this.#sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${this.#table}`).one().n >= this.#most
  }

  #has(id: string): boolean {
    return this.#sql.exec(`SELECT 1 FROM ${this.#table} WHERE ${TABLES[this.#table].id} = ?`, id).toArray().length > 0
  }
}

/** Of a kind of which there are never many. */
export class TakenOnce extends LifecycleCapability {
  readonly #ids: TakenIds

  constructor(storage: DurableObjectStorage, kind: 'client-assertions' | 'logout-tokens') {
    super(kind)
    this.#ids = new TakenIds(storage, kind === 'client-assertions' ? 'client_assertions' : 'logout_tokens')
  }

  override onStart(): void {
    this.#ids.createTable()
  }

  /** False when it was taken before. */
  take(id: string, until: number, now: number): boolean {
    return this.#ids.take(id, until, now) === 'taken'
  }
}
