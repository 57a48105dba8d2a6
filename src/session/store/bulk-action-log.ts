// BulkActionLog: what was ended here on behalf of an action on many people; being asked again gets the first answer again.
//
// Layout: one row per bulkAction. Lifetime: a day, far longer than anybody asks again. Trade-off: one write beside those of the ending
// itself; without it a Directory that crashed between question and note would count nothing, and the receipt would be wrong.
import { LifecycleCapability } from 'agents/lifecycle'

/** An action that goes from person to person. */
export interface BulkAction {
  /** Of its receipt. */
  readonly id: string
  /** Grants younger than this (unix seconds) are not meant; all are when it is absent. */
  readonly grantedUntil?: number
}

/** What was ended, as it was answered the first time. */
interface Answer {
  readonly grants: number
  readonly streams: number
}

const DAY = 86_400

export class BulkActionLog extends LifecycleCapability {
  readonly #storage: DurableObjectStorage

  constructor(storage: DurableObjectStorage) {
    super('errands')
    this.#storage = storage
  }

  override onStart(): void {
    this.#storage.sql.exec(
      'CREATE TABLE IF NOT EXISTS errands (id TEXT PRIMARY KEY, at INTEGER NOT NULL, grants INTEGER NOT NULL, streams INTEGER NOT NULL) WITHOUT ROWID',
    )
  }

  answered(id: string): Answer | undefined {
    const [row] = this.#storage.sql.exec<{ grants: number; streams: number }>(
      'SELECT grants, streams FROM errands WHERE id = ?',
      id,
    )
    return row && { grants: row.grants, streams: row.streams }
  }

  remember(id: string, { grants, streams }: Answer, now: number): void {
    this.#storage.sql.exec('DELETE FROM errands WHERE at < ?', now - DAY)
    this.#storage.sql.exec(
      'INSERT OR REPLACE INTO errands (id, at, grants, streams) VALUES (?, ?, ?, ?)',
      id,
      now,
      grants,
      streams,
    )
  }
}
