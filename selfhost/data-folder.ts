// The folder in which everything lasts: made where it is not there, written to once, and held by one process at a time.
//
// Two runtimes on one folder would both be the only writer of each object, so a grant that one of them ends would live in the other.
// Both locks are held by the kernel: a process that is killed leaves none behind.
import { spawnSync } from 'node:child_process'
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  writeFileSync,
  rmSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

type DataFolderReason = 'not_writable' | 'in_use' | 'of_another_kind'

export class DataFolderError extends Error {
  readonly reason: DataFolderReason

  constructor(reason: DataFolderReason, message: string, options?: ErrorOptions) {
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

export function holdDataFolder(written: string, inCluster: boolean): DataFolder {
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
  const release = lock(path)
  try {
    refuseOtherKind(objects, inCluster)
  } catch (error) {
    release()
    throw error
  }
  return { path, objects, release }
}

/**
 * What a node of a cluster has on its disk is a copy, old as soon as another node has taken an object over: a broker that took it for
 * its own would let in who was refused since. The other way round, a cluster forgets what was on the disk before.
 */
function refuseOtherKind(objects: string, inCluster: boolean): void {
  const kinds = kindsIn(objects)
  if (inCluster && kinds.has('alone'))
    throw new DataFolderError(
      'of_another_kind',
      `${objects} has the objects of a broker that was no node of a cluster, and a cluster takes none over: name an empty DATA_DIR, where everybody signs in anew, or remove CLUSTER_BUCKET`,
    )
  if (!inCluster && kinds.has('cluster'))
    throw new DataFolderError(
      'of_another_kind',
      `${objects} has copies of a cluster's objects, in which revocations may be missing: set CLUSTER_BUCKET, or name another DATA_DIR`,
    )
}

/** The runtime marks the folder of each class; a class without objects has no kind. */
export function kindsIn(objects: string): ReadonlySet<'alone' | 'cluster'> {
  const kinds = new Set<'alone' | 'cluster'>()
  for (const { name } of existsSync(objects)
    ? readdirSync(objects, { withFileTypes: true }).filter((one) => one.isDirectory())
    : []) {
    const files = readdirSync(join(objects, name))
    if (files.includes('.cluster')) kinds.add('cluster')
    else if (files.some((file) => file.endsWith('.sqlite') && file !== 'metadata.sqlite')) kinds.add('alone')
  }
  return kinds
}

/**
 * For whoever wants the folder to be nobody's: a restore, or a move. selfhost/run holds it by flock(2), which Node.js does not have:
 * the program flock does, and its lock belongs to the file that is open here. Where that program is missing there is no selfhost/run.
 */
export function lock(path: string): () => void {
  const inUse = (cause?: unknown): DataFolderError =>
    new DataFolderError('in_use', `another broker is using the data folder ${path}`, { cause })
  const descriptor = openSync(join(path, 'lock'), 'a', 0o600)
  // One that was killed a moment ago lets go of it when the system has taken it down.
  const { status } = spawnSync('flock', ['-w', '3', '3'], { stdio: ['ignore', 'ignore', 'ignore', descriptor] })
  if (status === 1) {
    closeSync(descriptor)
    throw inUse()
  }
  const database = new DatabaseSync(join(path, 'lock.sqlite'), { timeout: 3_000 })
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    closeSync(descriptor)
    throw inUse(cause)
  }
  return () => {
    database.close()
    closeSync(descriptor)
  }
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
