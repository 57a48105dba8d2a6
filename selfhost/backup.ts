// A copy of everything that lasts, made while the broker runs, and the way back, on which no access comes along.
//
// Each object is one SQLite database. VACUUM INTO reads it in one transaction, so its copy is as it was at one moment; two objects may
// be seconds apart, which they also are for each other while they run. Directory comes last: it knows of everything that was ended before.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { kindsIn, lock } from './data-folder.ts'

/** A mistake of whoever asked. */
export class BackupError extends Error {}

export interface Manifest {
  readonly format: 1
  readonly begunAt: string
  readonly databases: number
}

const OBJECTS = 'durable-objects'
const MANIFEST = 'backup.json'

export function backUp(dataDir: string, to: string, now = new Date()): Manifest {
  const from = join(resolve(dataDir), OBJECTS)
  if (!existsSync(from)) throw new BackupError(`${dataDir} is no data folder of a broker: it has no ${OBJECTS}`)
  if (kindsIn(from).has('cluster'))
    throw new BackupError(
      `${dataDir} is the disk of a node of a cluster, and has a part of it: the whole is in the bucket, docs/cluster.md`,
    )
  if (existsSync(to)) throw new BackupError(`${to} is there already: name a folder that is not`)
  // Until it is complete it has another name: half a backup is none.
  const partial = `${resolve(to)}.partial`
  rmSync(partial, { recursive: true, force: true })
  let databases = 0
  for (const folder of classesIn(from)) {
    mkdirSync(join(partial, OBJECTS, folder), { recursive: true, mode: 0o700 })
    for (const name of databasesIn(join(from, folder)))
      if (copied(join(from, folder, name), join(partial, OBJECTS, folder, name))) databases += 1
  }
  const manifest: Manifest = { format: 1, begunAt: now.toISOString(), databases }
  writeFileSync(join(partial, MANIFEST), JSON.stringify(manifest, undefined, 2), { mode: 0o600 })
  renameSync(partial, to)
  return manifest
}

/**
 * Into a folder without objects. What was taken away since the backup would be back: so everybody's access ends here, and they sign in
 * again, unless whoever restores says that nothing was taken away.
 */
export function restore(from: string, dataDir: string, keepsAccess: boolean, now = new Date()): Manifest {
  const manifest = manifestIn(from)
  const into = join(resolve(dataDir), OBJECTS)
  mkdirSync(resolve(dataDir), { recursive: true, mode: 0o700 })
  const release = lock(resolve(dataDir))
  try {
    if (existsSync(into) && readdirSync(into, { recursive: true, withFileTypes: true }).some((entry) => entry.isFile()))
      throw new BackupError(`${dataDir} has objects already: move them away first, and keep them`)
    const partial = `${into}.partial`
    rmSync(partial, { recursive: true, force: true })
    cpSync(join(resolve(from), OBJECTS), partial, { recursive: true })
    let databases = 0
    for (const folder of classesIn(partial)) {
      for (const name of databasesIn(join(partial, folder))) {
        databases += 1
        made(join(partial, folder, name), keepsAccess ? undefined : Math.floor(now.getTime() / 1000))
      }
    }
    if (databases !== manifest.databases)
      throw new BackupError(`${from} has ${databases} databases, and should have ${manifest.databases}: it is not whole`)
    rmSync(into, { recursive: true, force: true })
    renameSync(partial, into)
    return manifest
  } finally {
    release()
  }
}

function manifestIn(from: string): Manifest {
  try {
    const manifest: Manifest = JSON.parse(readFileSync(join(from, MANIFEST), 'utf8'))
    if (manifest.format === 1) return manifest
  } catch {
    // Said below.
  }
  throw new BackupError(`${from} is no backup of a broker: its ${MANIFEST} can not be read`)
}

/** Sorted, so that Directory comes after the people. */
function classesIn(folder: string): readonly string[] {
  const found = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return found.map(({ name }) => name).sort((a, b) => Number(a === 'Directory') - Number(b === 'Directory'))
}

function databasesIn(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.sqlite'))
}

/** False for one that has gone meanwhile: an object in which nothing was left. */
function copied(from: string, to: string): boolean {
  if (!existsSync(from)) return false
  const database = new DatabaseSync(from, { timeout: 10_000 })
  try {
    database.prepare('VACUUM INTO ?').run(to)
    return true
  } finally {
    database.close()
  }
}

/** Whoever restores can not know whether it was stopped since; whoever still wants it switches it on again. */
const ENDED_ALWAYS: readonly (readonly [table: string, statement: string])[] = [['recording', 'DELETE FROM recording']]
// What is ended is ended as revocation would: the words of the tables are those of src/session/store and src/directory.
const ENDINGS: readonly (readonly [table: string, statement: string])[] = [
  ['grants', "UPDATE grants SET revoked_at = :now, revoked_why = 'administrator' WHERE revoked_at IS NULL AND :now > 0"],
  ['idp_session', 'DELETE FROM idp_session WHERE :now > 0'],
  ['links', 'DELETE FROM links WHERE :now > 0'],
  ['pages_sessions', 'DELETE FROM pages_sessions WHERE :now > 0'],
  ['not_before', "INSERT OR REPLACE INTO not_before (what, id, at) VALUES ('everyone', '', :now)"],
]

function made(file: string, endedAt: number | undefined): void {
  const database = new DatabaseSync(file)
  try {
    const [answer] = database.prepare('PRAGMA quick_check').all()
    if (answer?.['quick_check'] !== 'ok') throw new BackupError(`${file} is damaged`)
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all()
    const has = (table: string): boolean => tables.some(({ name }) => name === table)
    for (const [table, statement] of ENDED_ALWAYS) if (has(table)) database.prepare(statement).run()
    if (endedAt === undefined) return
    for (const [table, statement] of ENDINGS) if (has(table)) database.prepare(statement).run({ now: endedAt })
  } finally {
    database.close()
  }
}
