// Logout tokens of the identity provider that have been taken, so that none works twice (OpenID Connect Back-Channel Logout section 2.6).
//
// Layout: one row per `jti`. Lifetime: until the token has expired by every clock. Trade-off: a row per logout, beside those of the ending itself.
import { LifecycleCapability } from 'agents/lifecycle'

export class LogoutTokens extends LifecycleCapability {
  readonly #storage: DurableObjectStorage

  constructor(storage: DurableObjectStorage) {
    super('logout-tokens')
    this.#storage = storage
  }

  override onStart(): void {
    this.#storage.sql.exec(
      'CREATE TABLE IF NOT EXISTS logout_tokens (jti TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID',
    )
  }

  /** False when the token was taken before. `until` is when nobody would take it any more, in unix seconds. */
  take(jti: string, until: number, now: number): boolean {
    this.#storage.sql.exec('DELETE FROM logout_tokens WHERE until <= ?', now)
    return this.#storage.sql.exec('INSERT OR IGNORE INTO logout_tokens (jti, until) VALUES (?, ?)', jti, until).rowsWritten > 0
  }
}
