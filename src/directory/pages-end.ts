// Since when everybody has to sign in to the pages again: an action on everyone ends those sessions too, though no object holds them.
//
// Layout: one row. Lifetime: until the next such action. Trade-off: a cookie can't be taken back, so each page looks here when it is
// opened; that is one question more to an object which draws the page anyway.
import { TableCapability } from '../session/store/table.ts'

export interface PagesEnded {
  /** Who signed in at this second (unix) or before has to sign in again. */
  readonly at: number
  /** But not the session of who did it: they are to see what comes of it. */
  readonly except: string
}

const NEVER: PagesEnded = { at: 0, except: '' }

export class PagesEnd extends TableCapability {
  constructor(storage: DurableObjectStorage) {
    super(
      storage,
      'pages-end',
      'CREATE TABLE IF NOT EXISTS pages_end (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL, except_session TEXT NOT NULL)',
    )
  }

  note({ at, except }: PagesEnded): void {
    this.sql.exec('INSERT OR REPLACE INTO pages_end (id, at, except_session) VALUES (1, ?, ?)', at, except)
  }

  get last(): PagesEnded {
    const [row] = this.sql.exec<{ at: number; except_session: string }>('SELECT at, except_session FROM pages_end')
    return row ? { at: row.at, except: row.except_session } : NEVER
  }
}
