// What was ended here on behalf of an action on many people; being asked again gets the first answer again.
//
// Layout: one row per bulk action. Lifetime: a day, far longer than anybody asks again. Trade-off: one write beside those of the ending
// itself; without it a Directory that crashed between question and note would count nothing, and the receipt would be wrong.
import type { Closing, Ended } from '../contract/receipt.ts'
import { TableCapability } from './table.ts'

/** An action that goes from person to person. */
export interface BulkAction {
  /** Of its receipt. */
  readonly id: string
  /** Grants younger than this (unix seconds) are not meant; all are when it is absent. */
  readonly grantedUntil?: number
}

const DAY = 86_400

export class BulkActionLog extends TableCapability {
  constructor(storage: DurableObjectStorage) {
    super(
      storage,
      'errands',
      'CREATE TABLE IF NOT EXISTS errands (id TEXT PRIMARY KEY, at INTEGER NOT NULL, grants INTEGER NOT NULL, streams INTEGER NOT NULL, unanswered INTEGER NOT NULL DEFAULT 0, closing TEXT) WITHOUT ROWID',
    )
  }

  /** What was ended, as it was answered the first time. */
  answered(id: string): Ended | undefined {
    const query = 'SELECT grants, streams, unanswered, closing FROM errands WHERE id = ?'
    const [row] = this.sql.exec<Row>(query, id)
    if (!row) return undefined
    const { grants, streams, unanswered } = row
    // Written by `remember`, by nobody else.
    const closing: Closing | undefined = row.closing === null ? undefined : JSON.parse(row.closing)
    return { grants, streams, unanswered, ...(closing && { closing }) }
  }

  remember(id: string, { grants, streams, unanswered, closing }: Ended, now: number): void {
    this.sql.exec('DELETE FROM errands WHERE at < ?', now - DAY)
    this.sql.exec(
      'INSERT OR REPLACE INTO errands (id, at, grants, streams, unanswered, closing) VALUES (?, ?, ?, ?, ?, ?)',
      id,
      now,
      grants,
      streams,
      unanswered,
      closing ? JSON.stringify(closing) : null,
    )
  }
}

interface Row extends Record<string, SqlStorageValue> {
  grants: number
  streams: number
  unanswered: number
  closing: string | null
}
