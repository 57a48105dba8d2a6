// What tables of a person's object were made without in earlier releases.
import { ASKING_CALLS, MODERN_SESSIONS } from './modern-sessions.ts'
import type { Migration } from '../../platform/migrations.ts'

export const SESSION_MIGRATIONS: readonly Migration[] = [
  {
    // A router may not answer before its lease is over, and a bulk action remembers that.
    version: 2,
    run: (sql) => {
      sql.exec('ALTER TABLE errands ADD COLUMN unanswered INTEGER NOT NULL DEFAULT 0')
    },
  },
  {
    // A signal takes back what a signal has blocked, and leaves what an administrator has.
    version: 3,
    run: (sql) => {
      sql.exec('ALTER TABLE profile ADD COLUMN blocked_by INTEGER NOT NULL DEFAULT 0')
      // The Directory takes them now; what was in here was good for minutes.
      sql.exec('DROP TABLE IF EXISTS logout_tokens')
    },
  },
  {
    // Sessions with servers that keep none.
    version: 4,
    run: (sql) => {
      for (const table of [MODERN_SESSIONS, ASKING_CALLS]) sql.exec(table)
    },
  },
  {
    // A receipt says when the first and the last of what was ended closed.
    version: 5,
    run: (sql) => {
      sql.exec('ALTER TABLE errands ADD COLUMN closing TEXT')
    },
  },
  {
    // Messages are kept only sealed: those of the release before go, and what was being recorded is over.
    version: 6,
    run: (sql) => {
      sql.exec('CREATE TABLE IF NOT EXISTS recording (id INTEGER PRIMARY KEY CHECK (id = 1), terms TEXT NOT NULL)')
      sql.exec(
        'CREATE TABLE IF NOT EXISTS wire (number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, entry TEXT NOT NULL, size INTEGER NOT NULL)',
      )
      sql.exec('DELETE FROM recording')
      sql.exec("UPDATE wire SET entry = json_remove(entry, '$.request', '$.answer')")
      sql.exec('UPDATE wire SET size = length(entry)')
    },
  },
  {
    // How long sessions last is measured.
    version: 7,
    run: (sql) => {
      for (const column of ['opened_at_ms', 'downstream_opened_at_ms'])
        sql.exec(`ALTER TABLE mcp_sessions ADD COLUMN ${column} INTEGER`)
    },
  },
]
