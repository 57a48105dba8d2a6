// The folder in which everything lasts: made where it is not there, written to once, and held by one process at a time.
//
// Two runtimes on one folder would both be the only writer of each object, so a grant that one of them ends would live in the other.
// SQLite's lock is held by the kernel: a process that is killed leaves none behind.
import { accessSync, constants, mkdirSync, statSync, writeFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export class DataFolderError extends Error {
  readonly reason: 'not_writable' | 'in_use'

  constructor(reason: 'not_writable' | 'in_use', message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

export interface DataFolder {
  readonly path: string
  /** Durable Objects live here. */
  readonly objects: string
  release(): void
}

export function holdDataFolder(written: string): DataFolder {
  const path = resolve(written)
  const objects = join(path, 'durable-objects')
  try {
    mkdirSync(objects, { recursive: true, mode: 0o700 })
    for (const folder of [path, objects]) accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    // Read-only file systems and full disks say so only now.
    const probe = join(objects, `.written-${process.pid}`)
    writeFileSync(probe, 'x')
    rmSync(probe)
  } catch (cause) {
    const { uid } = statOr(path)
    const who = uid === undefined ? '' : ` (it belongs to user ${uid}, and this is user ${process.getuid?.() ?? '?'})`
    throw new DataFolderError('not_writable', `the data folder ${path} can not be written${who}: ${messageOf(cause)}`, { cause })
  }
  return { path, objects, release: lock(path) }
}

/** For whoever wants the folder to be nobody's: a restore, or a move. */
export function lock(path: string): () => void {
  const database = new DatabaseSync(join(path, 'lock.sqlite'))
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    throw new DataFolderError('in_use', `another broker is using the data folder ${path}`, { cause })
  }
  return () => database.close()
}

function statOr(path: string): { readonly uid?: number } {
  try {
    return statSync(path)
  } catch {
    return {}
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
