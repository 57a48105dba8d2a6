// What tables of the Directory were made without in earlier releases.
import type { Migration } from '../platform/migrations.ts'

export const DIRECTORY_MIGRATIONS: readonly Migration[] = [
  {
    // Who acts is known by a subject, and what they were called stands beside it.
    version: 2,
    run: (sql) => {
      for (const table of ['security_events', 'receipts', 'campaigns', 'blocked_clients'])
        sql.exec(`ALTER TABLE ${table} ADD COLUMN actor_name TEXT`)
    },
  },
  {
    // A router may not answer before its lease is over, and the receipt says so.
    version: 3,
    run: (sql) => {
      sql.exec('ALTER TABLE receipts ADD COLUMN unanswered INTEGER NOT NULL DEFAULT 0')
    },
  },
  {
    // What identity systems say is named by receipts, and pushes out nothing that administrators did.
    version: 4,
    run: (sql) => {
      sql.exec('ALTER TABLE receipts ADD COLUMN signal TEXT')
      sql.exec('DROP INDEX IF EXISTS receipts_by_kind')
      sql.exec('DROP INDEX IF EXISTS security_events_by_cause')
    },
  },
  {
    // A receipt says when the first and the last of what was ended closed.
    version: 5,
    run: (sql) => {
      sql.exec('ALTER TABLE receipts ADD COLUMN closing TEXT')
    },
  },
  {
    // What a million people ask is read by an index.
    version: 6,
    run: (sql) => {
      for (const [table, index] of [
        ['campaign_people', 'campaign_people_failing ON campaign_people (campaign) WHERE attempts > 0'],
        ['provisioned_users', 'provisioned_users_by_age ON provisioned_users (issuer, created_at, id) WHERE deleted = 0'],
        ['security_events', 'security_events_by_client ON security_events (client_id, number)'],
      ] as const)
        if (hasTable(sql, table)) sql.exec(`CREATE INDEX IF NOT EXISTS ${index}`)
    },
  },
]

/** A table that came with a later release is not there yet in one of the first. */
function hasTable(sql: SqlStorage, name: string): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", name).toArray().length > 0
}
