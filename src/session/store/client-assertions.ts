// Assertions clients have signed about this person's tokens, so that none works twice (RFC 7523 section 3, `jti`).
//
// Layout: one row per assertion. Lifetime: until it has expired by every clock. Trade-off: kept beside the token it came with, where nobody
// but the holder of one of this person's tokens can write; one that was seen here would still be taken with another person's token.
import { LifecycleCapability } from 'agents/lifecycle'

export class ClientAssertions extends LifecycleCapability {
  readonly #storage: DurableObjectStorage

  constructor(storage: DurableObjectStorage) {
    super('client-assertions')
    this.#storage = storage
  }

  override onStart(): void {
    this.#storage.sql.exec(
      'CREATE TABLE IF NOT EXISTS client_assertions (id TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID',
    )
  }

  /** False when it was taken before. `until` is when nobody would take it any more, in unix seconds. */
  take(id: string, until: number, now: number): boolean {
    this.#storage.sql.exec('DELETE FROM client_assertions WHERE until <= ?', now)
    return this.#storage.sql.exec('INSERT OR IGNORE INTO client_assertions (id, until) VALUES (?, ?)', id, until).rowsWritten > 0
  }
}
