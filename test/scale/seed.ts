// Fills the file of the Directory with people and events, directly and while no runtime has it open: there is no such way into a broker.
import { createHash, createHmac } from 'node:crypto'
import { copyFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export interface Amounts {
  readonly people: number
  readonly events: number
}

/** What everybody is connected with. */
export interface Connection {
  readonly issuer: string
  readonly clientId: string
  readonly resource: string
}

/** A number in which no order can be seen, the same one each time: names of objects are hashes. */
const SUB = `printf('%08x', (i * 2654435761) % 4294967296) || substr('0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGH', 1 + i % 8, 35)`
const FIRST_NAMES = `'Alice','Bob','Carol','David','Emma','Farid','Grace','Hiro','Ines','John','Kofi','Lena','Maria','Noor','Olga','Peter'`
const EVENT_TYPES = `'signed_in','grant_ended','signed_in','refresh_ended'`

export function directoryFile(dataDir: string): string {
  return onlyFileIn(join(dataDir, 'durable-objects', 'Directory'))
}

function onlyFileIn(folder: string): string {
  const [name = ''] = readdirSync(folder).filter((file) => file.endsWith('.sqlite') && file !== 'metadata.sqlite')
  return join(folder, name)
}

/** Objects for the first so many people an action on everybody comes by, each as that of the only person who has one: with a grant that lives. */
export function seedObjects(dataDir: string, many: number): number {
  const folder = join(dataDir, 'durable-objects', 'UserSession')
  const pattern = onlyFileIn(folder)
  const database = new DatabaseSync(pattern)
  database.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE')
  database.close()
  const directory = new DatabaseSync(directoryFile(dataDir))
  const people = directory.prepare('SELECT sub, subject FROM people WHERE live_grants > 0 ORDER BY sub LIMIT ?').all(many)
  directory.close()
  for (const { sub, subject } of people) {
    const file = join(folder, `${objectId('UserSession', String(sub))}.sqlite`)
    if (statSync(file, { throwIfNoEntry: false })) continue
    copyFileSync(pattern, file)
    const own = new DatabaseSync(file)
    own.exec(`PRAGMA synchronous = OFF; UPDATE profile SET subject = ${text(String(subject))}; PRAGMA journal_mode = WAL`)
    own.close()
  }
  return people.length
}

/** As workerd makes it from a name. */
function objectId(className: string, name: string): string {
  const key = createHash('sha256').update(className).digest()
  const half = (of: string | Buffer): Buffer => createHmac('sha256', key).update(of).digest().subarray(0, 16)
  const first = half(name)
  return Buffer.concat([first, half(first)]).toString('hex')
}

export function bytesOf(file: string): number {
  return ['', '-wal'].reduce((sum, suffix) => sum + (statSync(file + suffix, { throwIfNoEntry: false })?.size ?? 0), 0)
}

/**
 * Every table is filled in the order of its key and every index is made at the end, out of a sort: a row at a random place of a tree that
 * does not fit in memory costs a page read and a page written.
 */
export function seed(file: string, { people, events }: Amounts, { issuer, clientId, resource }: Connection, now: number): void {
  const database = new DatabaseSync(file, { defensive: false })
  database.exec(
    'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000; PRAGMA temp_store = MEMORY',
  )
  const indexes = database
    .prepare(
      "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('people','security_events','provisioned_users','person_clients','person_resources')",
    )
    .all()
  for (const { name } of indexes) database.exec(`DROP INDEX ${String(name)}`)
  database.exec(`BEGIN;
    ${numbers(people)} INSERT OR IGNORE INTO people (sub, issuer, subject, email, name, groups, blocked, live_grants, first_seen, last_seen, number)
      SELECT ${SUB}, ${text(issuer)}, 'person-' || (1000000 + i), lower(${pick(FIRST_NAMES, 'i')}) || '.' || i || '@example.com',
        ${pick(FIRST_NAMES, 'i')} || ' Person ' || i, 'engineering' || char(10) || 'team-' || (i % 500), 0, 1, ${now} - 8000000 + i, ${now} - i % 4000000, 3 FROM n ORDER BY 1;
    INSERT OR IGNORE INTO person_clients (client_id, sub) SELECT ${text(clientId)}, sub FROM people;
    INSERT OR IGNORE INTO person_resources (resource, sub) SELECT ${text(resource)}, sub FROM people;
    ${numbers(people)} INSERT OR IGNORE INTO provisioned_users (id, issuer, user_name, external_id, sub, active, deleted, document, revision, created_at, changed_at)
      SELECT printf('%08x-0000-4000-8000-%012x', (i * 2654435761) % 4294967296, i), ${text(issuer)}, lower(${pick(FIRST_NAMES, 'i')}) || '.' || i || '@example.com',
        'person-' || (1000000 + i), ${SUB}, i % 50 <> 0, 0, '{"displayName":"Person"}', 1, ${now} - 8000000 + i, ${now} - 8000000 + i FROM n ORDER BY 1;
    COMMIT`)
  withoutUnique(database, 'security_events', 'id', () => {
    const step = Math.ceil(events / 20)
    for (let from = 1; from <= events; from += step)
      database.exec(`BEGIN;
        WITH RECURSIVE e(k) AS (SELECT ${from} UNION ALL SELECT k + 1 FROM e WHERE k < ${Math.min(events, from + step - 1)})
        INSERT INTO security_events (id, at, type, sub, client_id, client_name, grant_id, actor, actor_name, reason)
          SELECT sub || '.' || (10 + k), ${now} - ${events} + k, ${pick(EVENT_TYPES, 'k')}, sub, ${text(clientId)}, 'Test client', printf('%032x', k),
            CASE k % 100 WHEN 0 THEN 'administrator' END, NULL, CASE k % 4 WHEN 1 THEN 'person left' END
          FROM (SELECT k, ${SUB} AS sub FROM (SELECT k, 1 + (k * 7919) % ${people} AS i FROM e));
        COMMIT`)
  })
  for (const { sql } of indexes) database.exec(String(sql))
  database.exec('PRAGMA journal_mode = WAL')
  database.close()
}

/** The index behind a UNIQUE column can not be dropped: the schema says for a while that there is none. */
function withoutUnique(database: DatabaseSync, table: string, column: string, fill: () => void): void {
  const name = `sqlite_autoindex_${table}_1`
  const { sql } = database.prepare("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?").get(table) ?? {}
  const schema = (change: string): void => {
    database.exec(`PRAGMA writable_schema = ON; ${change}; PRAGMA writable_schema = RESET`)
  }
  schema(`UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL UNIQUE', 'NOT NULL') WHERE name = ${text(table)};
    DELETE FROM sqlite_master WHERE name = ${text(name)}`)
  fill()
  database.exec(`CREATE UNIQUE INDEX made_at_the_end ON ${table} (${column})`)
  schema(`UPDATE sqlite_master SET sql = ${text(String(sql))} WHERE type = 'table' AND name = ${text(table)};
    UPDATE sqlite_master SET name = ${text(name)}, sql = NULL WHERE name = 'made_at_the_end'`)
}

function numbers(count: number): string {
  return `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`
}

function pick(words: string, by: string): string {
  const list = words.split(',')
  return `CASE ${by} % ${list.length} ${list.map((word, index) => `WHEN ${index} THEN ${word}`).join(' ')} END`
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}
