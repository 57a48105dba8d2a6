// What was taken once and must not be taken again while anybody would accept it: client assertions (RFC 7523 section 3, `jti`),
// assertions about the person (RFC 8693, RFC 7523), and what identity systems have signed (logout tokens, security events).
//
// Layout: one row per id, in a table for each kind; signals are with the Directory, all others with the person they are about. Lifetime: until it has expired by every clock; the next one that comes clears them away.
// Trade-off: a client assertion is kept beside the token it came with, where nobody but the holder of one of this person's tokens can write;
// one that was seen here would still be taken with another person's token.
import { LifecycleCapability } from 'agents/lifecycle'

const TABLES = {
  client_assertions: {
    id: 'id',
    create: 'CREATE TABLE IF NOT EXISTS client_assertions (id TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID',
  },
  used_assertions: {
    id: 'jti',
    create: 'CREATE TABLE IF NOT EXISTS used_assertions (jti TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID',
  },
  signals: {
    id: 'id',
    create: `CREATE TABLE IF NOT EXISTS signals (id TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS signals_by_end ON signals (until)`,
  },
} as const

export class TakenIds {
  readonly #sql: SqlStorage
  readonly #table: keyof typeof TABLES
  readonly #most: number
  // Counted once in the life of the object: with every id all of them would be read.
  #held: number | undefined

  /** `most`: so many are remembered, and then new ones wait, because forgetting one would let it be taken twice. */
  constructor({ sql }: DurableObjectStorage, table: keyof typeof TABLES, most = Number.POSITIVE_INFINITY) {
    this.#sql = sql
    this.#table = table
    this.#most = most
  }

  createTable(): void {
    this.#sql.exec(TABLES[this.#table].create)
  }

  /** `until` is when it has expired, clock tolerance included, in unix seconds. */
  take(id: string, until: number, now: number): 'taken' | 'reused' | 'crowded' {
    const column = TABLES[this.#table].id
    const held = this.#held ?? this.#sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${this.#table}`).one().n
    const over = this.#sql.exec(`DELETE FROM ${this.#table} WHERE until <= ? RETURNING ${column}`, now).toArray().length
    this.#held = held - over
    if (this.#held >= this.#most && !this.#has(id)) return 'crowded'
    const insert = `INSERT OR IGNORE INTO ${this.#table} (${column}, until) VALUES (?, ?) RETURNING ${column}`
    const isNew = this.#sql.exec(insert, id, until).toArray().length > 0
    if (isNew) this.#held += 1
    return isNew ? 'taken' : 'reused'
  }

  #has(id: string): boolean {
    return this.#sql.exec(`SELECT 1 FROM ${this.#table} WHERE ${TABLES[this.#table].id} = ?`, id).toArray().length > 0
  }
}

/** Client assertions: there are never many of a person. */
export class TakenOnce extends LifecycleCapability {
  readonly #ids: TakenIds

  constructor(storage: DurableObjectStorage) {
    super('client-assertions')
    this.#ids = new TakenIds(storage, 'client_assertions')
  }

  override onStart(): void {
    this.#ids.createTable()
  }

  /** False when it was taken before. */
  take(id: string, until: number, now: number): boolean {
    return this.#ids.take(id, until, now) === 'taken'
  }
}
