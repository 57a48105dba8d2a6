// Machine credentials as administrators see them; what makes one valid lies in its own session, so that ending it there is enough.
//
// Layout: one row per credential, with the beginning of its token for telling it from others and nothing of the rest. Lifetime: as
// long as the deployment. Trade-off: whether it is in use is read from the index of people, seconds behind its session.
import { TableCapability } from '../session/store/table.ts'

/** `scim`: as the directory of an identity provider; `metrics`: to scrape the deployment. */
export type MachineScope = 'mcp' | 'admin' | 'scim' | 'metrics'

export interface MachineRecord {
  readonly id: string
  /** Name of its `UserSession`. */
  readonly sub: string
  readonly name: string
  /** Who answers for it, as an administrator has written it down. */
  readonly owner: string
  /** The first characters of its token. */
  readonly prefix: string
  readonly scopes: readonly MachineScope[]
  readonly resources: readonly string[]
  /** Unix seconds. */
  readonly createdAt: number
  readonly createdBy: string
  readonly expiresAt: number
}

export interface ListedMachine extends MachineRecord {
  readonly state: 'active' | 'expired' | 'ended'
  /** Unix seconds, to five minutes; undefined when it has never been used. */
  readonly lastUsedAt: number | undefined
}

const PAGE = 100
/** How soon the session of a new credential has reported, in seconds. */
const REPORTED_WITHIN = 300

export class Machines extends TableCapability {
  constructor(storage: DurableObjectStorage) {
    super(
      storage,
      'machines',
      `CREATE TABLE IF NOT EXISTS machines (
      number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, sub TEXT NOT NULL UNIQUE, name TEXT NOT NULL, owner TEXT NOT NULL,
      prefix TEXT NOT NULL, scopes TEXT NOT NULL, resources TEXT NOT NULL, created_at INTEGER NOT NULL, created_by TEXT NOT NULL,
      expires_at INTEGER NOT NULL)`,
    )
  }

  keep({ id, sub, name, owner, prefix, scopes, resources, createdAt, createdBy, expiresAt }: MachineRecord): void {
    this.sql.exec(
      `INSERT INTO machines (id, sub, name, owner, prefix, scopes, resources, created_at, created_by, expires_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      sub,
      name,
      owner,
      prefix,
      JSON.stringify(scopes),
      JSON.stringify(resources),
      createdAt,
      createdBy,
      expiresAt,
    )
  }

  /** Newest first. */
  page(before: number | undefined): { readonly machines: readonly MachineRecord[]; readonly next: number | undefined } {
    const query = 'SELECT * FROM machines WHERE number < ? ORDER BY number DESC LIMIT ?'
    const rows = [...this.sql.exec<Row>(query, before ?? Number.MAX_SAFE_INTEGER, PAGE + 1)]
    const shown = rows.slice(0, PAGE)
    return { machines: shown.map(fromRow), next: rows.length > PAGE ? shown.at(-1)?.number : undefined }
  }
}

/** With what the index of people says of its session. */
export function listed(
  machine: MachineRecord,
  session: { readonly liveGrants: number; readonly lastSeenAt: number } | undefined,
  now: number,
): ListedMachine {
  const hasGrants = session ? session.liveGrants > 0 : now - machine.createdAt < REPORTED_WITHIN
  const lasting = hasGrants ? 'active' : 'ended'
  const lastSeenAt = session?.lastSeenAt ?? 0
  return {
    ...machine,
    state: machine.expiresAt <= now ? 'expired' : lasting,
    lastUsedAt: lastSeenAt >= machine.createdAt ? lastSeenAt : undefined,
  }
}

interface Row extends Record<string, SqlStorageValue> {
  number: number
  id: string
  sub: string
  name: string
  owner: string
  prefix: string
  scopes: string
  resources: string
  created_at: number
  created_by: string
  expires_at: number
}

function fromRow(row: Row): MachineRecord {
  const { id, sub, name, owner, prefix } = row
  return {
    id,
    sub,
    name,
    owner,
    prefix,
    // Written by `keep`, by nobody else.
    scopes: JSON.parse(row.scopes),
    resources: JSON.parse(row.resources),
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
  }
}
