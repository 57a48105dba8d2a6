// Schema versions of a Durable Object: what older tables lack is added by numbered migrations, once and before anything reads them.
import { log } from './telemetry.ts'

/**
 * From the version before to `version`. It may add tables, columns and indexes and fill them in; what the release before still reads
 * is left, so that a release can be rolled back (CONTRIBUTING.md, "Tables").
 */
export interface Migration {
  readonly version: number
  readonly run: (sql: SqlStorage) => void
}

/** Tables without a version are those of the first release. */
const FIRST = 1

/**
 * To be called in the constructor. New storage has no tables yet, and the `CREATE TABLE` of each file makes them as they are today.
 * All or nothing: an object whose migration fails does not start, and its tables are as they were.
 */
export function migrate(storage: DurableObjectStorage, migrations: readonly Migration[]): void {
  const newest = migrations.at(-1)?.version ?? FIRST
  const { sql } = storage
  const version = versionOf(sql)
  if (version === newest) return
  // A release that was rolled back: what it added is there, and nobody here misses it.
  if (version !== undefined && version > newest) return log('warn', 'storage.newer', { version, known: newest })
  storage.transactionSync(() => {
    const due = version === undefined ? [] : migrations.filter((migration) => migration.version > version)
    for (const { run } of due) run(sql)
    sql.exec('CREATE TABLE IF NOT EXISTS schema_version (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL)')
    sql.exec('INSERT OR REPLACE INTO schema_version (id, version) VALUES (1, ?)', newest)
  })
}

/** Undefined for storage that was never written. */
function versionOf(sql: SqlStorage): number | undefined {
  const names = sql
    .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*'")
    .toArray()
  if (names.length === 0) return undefined
  if (!names.some(({ name }) => name === 'schema_version')) return FIRST
  return sql.exec<{ version: number }>('SELECT version FROM schema_version').toArray()[0]?.version ?? FIRST
}
