// Sealing keys of the deployment: the one that is used, and those it took the place of, so that old recordings stay readable.
//
// Layout: one row per key, private halves wrapped in a browser under what nobody here knows. Lifetime: kept for good, there are few.
// Trade-off: whoever can read this table may try passphrases on it; that costs them at least 600,000 rounds of PBKDF2 each.
import type { MadeSealingKey, SealingKey } from '../evidence/sealing-key.ts'
import type { AdminAction } from '../session/contract/receipt.ts'
import { TableCapability } from '../session/store/table.ts'

export class SealingKeys extends TableCapability {
  constructor(storage: DurableObjectStorage) {
    super(
      storage,
      'sealing-keys',
      `CREATE TABLE IF NOT EXISTS sealing_keys (
      number INTEGER PRIMARY KEY AUTOINCREMENT, fingerprint TEXT NOT NULL UNIQUE, jwk TEXT NOT NULL, by_passphrase TEXT NOT NULL,
      by_recovery_code TEXT NOT NULL, created_at INTEGER NOT NULL, actor TEXT NOT NULL, actor_name TEXT, replaced_at INTEGER)`,
    )
  }

  /** False when the one it should replace is not the one in use: of two administrators the second is told so. */
  keep(fingerprint: string, { key, wrapped, replaces }: MadeSealingKey, { at, by, byName }: AdminAction): boolean {
    if ((this.current?.fingerprint ?? null) !== replaces || this.#all(fingerprint).length > 0) return false
    this.sql.exec('UPDATE sealing_keys SET replaced_at = ? WHERE replaced_at IS NULL', at)
    this.sql.exec(
      `INSERT INTO sealing_keys (fingerprint, jwk, by_passphrase, by_recovery_code, created_at, actor, actor_name)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      fingerprint,
      JSON.stringify(key),
      wrapped.passphrase,
      wrapped.recovery,
      at,
      by,
      byName ?? null,
    )
    return true
  }

  get current(): SealingKey | undefined {
    return this.all.find(({ replacedAt }) => replacedAt === undefined)
  }

  /** Newest first. */
  get all(): readonly SealingKey[] {
    return this.#all()
  }

  #all(fingerprint?: string): readonly SealingKey[] {
    const query = 'SELECT * FROM sealing_keys WHERE ?1 IS NULL OR fingerprint = ?1 ORDER BY number DESC'
    return [...this.sql.exec<Row>(query, fingerprint ?? null)].map(fromRow)
  }
}

interface Row extends Record<string, SqlStorageValue> {
  fingerprint: string
  jwk: string
  by_passphrase: string
  by_recovery_code: string
  created_at: number
  actor: string
  actor_name: string | null
  replaced_at: number | null
}

function fromRow(row: Row): SealingKey {
  // Written by `keep`, by nobody else.
  const key: SealingKey['key'] = JSON.parse(row.jwk)
  return {
    fingerprint: row.fingerprint,
    key,
    wrapped: { passphrase: row.by_passphrase, recovery: row.by_recovery_code },
    createdAt: row.created_at,
    by: row.actor,
    ...(row.actor_name !== null && { byName: row.actor_name }),
    ...(row.replaced_at !== null && { replacedAt: row.replaced_at }),
  }
}
