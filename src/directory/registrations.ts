// Who the broker is at the authorization servers of downstreams: sealed before it comes here, and readable by nobody here.
//
// Layout: one row per downstream, by our resource. Lifetime: until the broker registers anew. Trade-off: people who connect for the first time at
// the same moment may register twice; each goes on with the client they were sent with.
import { TableCapability } from '../session/store/table.ts'

export class Registrations extends TableCapability {
  constructor(storage: DurableObjectStorage) {
    super(
      storage,
      'registrations',
      'CREATE TABLE IF NOT EXISTS registrations (resource TEXT PRIMARY KEY, sealed TEXT NOT NULL) WITHOUT ROWID',
    )
  }

  find(resource: string): string | undefined {
    const query = 'SELECT sealed FROM registrations WHERE resource = ?'
    return this.sql.exec<{ sealed: string }>(query, resource).toArray()[0]?.sealed
  }

  keep(resource: string, sealed: string): void {
    this.sql.exec('INSERT OR REPLACE INTO registrations (resource, sealed) VALUES (?, ?)', resource, sealed)
  }
}
