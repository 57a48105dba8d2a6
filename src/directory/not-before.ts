// Since when something is of no use any more that began before: for everybody, for all who use a client, for all who use a server.
//
// Layout: a row for everybody, and one for each client and server of which everything was ended once. Lifetime: for ever, like the tokens of
// other issuers that were signed before; as many as administrators have named. Trade-off: it says nothing about single people, whose own
// objects know that better; in return it holds for those of whom the index has never heard.
import type { AdminAction } from '../session/contract/receipt.ts'
import { TableCapability } from '../session/store/table.ts'

const EVERYONE = 'everyone'

export class NotBefore extends TableCapability {
  constructor(storage: DurableObjectStorage) {
    super(
      storage,
      'not-before',
      'CREATE TABLE IF NOT EXISTS not_before (what TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (what, id)) WITHOUT ROWID',
    )
  }

  /** An order that comes a second time, or late, takes nothing back that a newer one did. */
  note({ at, target: { what, id = '' } }: Pick<AdminAction, 'at' | 'target'>): void {
    this.sql.exec(
      'INSERT INTO not_before (what, id, at) VALUES (?, ?, ?) ON CONFLICT (what, id) DO UPDATE SET at = max(at, excluded.at)',
      what,
      what === EVERYONE ? '' : id,
      at,
    )
  }

  /** Resolves when the second is over in which a client was taken back: who signs in after that has signed in after it. */
  async passed(clientId: string): Promise<void> {
    const query = "SELECT at FROM not_before WHERE what = 'client' AND id = ?"
    const [row] = this.sql.exec<{ at: number }>(query, clientId)
    const left = ((row?.at ?? 0) + 1) * 1000 - Date.now()
    if (left > 0) await new Promise((resolve) => setTimeout(resolve, Math.min(left, 1000)))
  }

  /** Unix seconds; 0 where nothing was ended. */
  of(clientId: string | undefined, resource: string): number {
    const query = `SELECT coalesce(max(at), 0) AS at FROM not_before
      WHERE (what = 'everyone') OR (what = 'client' AND id = ?) OR (what = 'resource' AND id = ?)`
    return this.sql.exec<{ at: number }>(query, clientId ?? '', resource).one().at
  }
}
