// Users as a company's directory has told of them by SCIM (RFC 7643 section 4.1): who is active, and under which name they sign in.
//
// Layout: a row per user, with what was sent besides as JSON. Lifetime: as long as the deployment; a user who was deleted stays as one
// who is not active, because forgetting would let them in again. Trade-off: `sub` is worked out when the row is written, so that a
// sign-in costs one look.
import { TableCapability } from '../session/store/table.ts'

/** What a user is known by, and what was sent besides. */
export interface UserWrite {
  readonly userName: string
  readonly externalId: string | undefined
  readonly active: boolean
  /** JSON. */
  readonly document: string
  /** Name of the person's `UserSession`; absent while nobody is meant. */
  readonly sub: string | undefined
}

export interface ProvisionedUser extends UserWrite {
  readonly id: string
  /** Goes up with every change. */
  readonly revision: number
  /** Unix seconds. */
  readonly createdAt: number
  readonly changedAt: number
}

/** What a filter can name a user by. */
export interface UserFilter {
  readonly id?: string
  readonly userName?: string
  readonly externalId?: string
  readonly active?: boolean
}

export interface Slice {
  /** How many to leave out, and how many to show. */
  readonly from: number
  readonly most: number
}

export class ProvisionedUsers extends TableCapability {
  constructor(storage: DurableObjectStorage) {
    super(
      storage,
      'provisioned-users',
      `
      CREATE TABLE IF NOT EXISTS provisioned_users (
        id TEXT PRIMARY KEY, issuer TEXT NOT NULL, user_name TEXT NOT NULL COLLATE NOCASE, external_id TEXT, sub TEXT, active INTEGER NOT NULL,
        deleted INTEGER NOT NULL, document TEXT NOT NULL, revision INTEGER NOT NULL, created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL) WITHOUT ROWID;
      CREATE UNIQUE INDEX IF NOT EXISTS provisioned_users_by_name ON provisioned_users (issuer, user_name) WHERE deleted = 0;
      CREATE UNIQUE INDEX IF NOT EXISTS provisioned_users_by_external_id ON provisioned_users (issuer, external_id) WHERE external_id IS NOT NULL;
      CREATE INDEX IF NOT EXISTS provisioned_users_by_age ON provisioned_users (issuer, created_at, id) WHERE deleted = 0;
      CREATE INDEX IF NOT EXISTS provisioned_users_by_sub ON provisioned_users (sub)`,
    )
  }

  find(issuer: string, id: string): ProvisionedUser | undefined {
    const [row] = this.sql.exec<Row>('SELECT * FROM provisioned_users WHERE id = ? AND issuer = ? AND deleted = 0', id, issuer)
    return row && fromRow(row)
  }

  /** Whether a directory has told of them, and says that they may not go on. */
  statusOf(sub: string): { readonly id: string; readonly active: boolean } | undefined {
    const query = 'SELECT id, active FROM provisioned_users WHERE sub = ?'
    const [row] = this.sql.exec<{ id: string; active: number }>(query, sub)
    return row && { id: row.id, active: row.active === 1 }
  }

  /** In the order in which they came. */
  page(
    issuer: string,
    filter: UserFilter,
    { from, most }: Slice,
  ): { readonly total: number; readonly users: readonly ProvisionedUser[] } {
    const conditions = ['issuer = ?', 'deleted = 0']
    const values: (string | number)[] = [issuer]
    for (const [field, column] of COLUMNS) {
      const value = filter[field]
      if (value === undefined) continue
      conditions.push(`${column} = ?`)
      values.push(typeof value === 'boolean' ? Number(value) : value)
    }
    const found = `FROM provisioned_users WHERE ${conditions.join(' AND ')}`
    const { total } = this.sql.exec<{ total: number }>(`SELECT count(*) AS total ${found}`, ...values).one()
    // What is left out is counted along the index, and no row of it is looked up.
    const ids = `SELECT id ${found} ORDER BY created_at, id LIMIT ? OFFSET ?`
    const query = `SELECT * FROM provisioned_users WHERE id IN (${ids}) ORDER BY created_at, id`
    return { total, users: [...this.sql.exec<Row>(query, ...values, most, from)].map(fromRow) }
  }

  /** Another user who has this name, or this external id, already. */
  taken(issuer: string, { userName, externalId }: UserWrite, id: string): boolean {
    const query = `SELECT 1 FROM provisioned_users WHERE issuer = ?1 AND id <> ?2 AND deleted = 0 AND (user_name = ?3 OR external_id = ?4) LIMIT 1`
    return this.sql.exec(query, issuer, id, userName, externalId ?? null).toArray().length > 0
  }

  /** Writes one, new or known. Who was deleted and comes back has the id they had. */
  write(issuer: string, id: string, user: UserWrite, now: number): ProvisionedUser {
    const { sql } = this.storage
    const { userName, externalId, active, document, sub } = user
    const [gone] =
      externalId === undefined
        ? []
        : sql.exec<Row>(
            'SELECT * FROM provisioned_users WHERE issuer = ? AND external_id = ? AND deleted = 1 AND id <> ?',
            issuer,
            externalId,
            id,
          )
    if (gone) sql.exec('DELETE FROM provisioned_users WHERE id = ?', gone.id)
    sql.exec(
      `INSERT INTO provisioned_users (id, issuer, user_name, external_id, sub, active, deleted, document, revision, created_at, changed_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, 1, ?8, ?8)
       ON CONFLICT (id) DO UPDATE SET user_name = ?3, external_id = ?4, sub = ?5, active = ?6, deleted = 0, document = ?7, revision = revision + 1, changed_at = ?8`,
      id,
      issuer,
      userName,
      externalId ?? null,
      sub ?? null,
      active ? 1 : 0,
      document,
      now,
    )
    return fromRow(sql.exec<Row>('SELECT * FROM provisioned_users WHERE id = ?', id).one())
  }

  /** From now on they are nobody to SCIM, and may not go on. */
  remove(id: string, now: number): void {
    this.sql.exec(
      "UPDATE provisioned_users SET deleted = 1, active = 0, document = '{}', revision = revision + 1, changed_at = ? WHERE id = ?",
      now,
      id,
    )
  }
}

const COLUMNS = [
  ['id', 'id'],
  ['userName', 'user_name'],
  ['externalId', 'external_id'],
  ['active', 'active'],
] as const

interface Row extends Record<string, SqlStorageValue> {
  id: string
  user_name: string
  external_id: string | null
  sub: string | null
  active: number
  document: string
  revision: number
  created_at: number
  changed_at: number
}

function fromRow(row: Row): ProvisionedUser {
  const { id, document, revision } = row
  return {
    id,
    revision,
    userName: row.user_name,
    externalId: row.external_id ?? undefined,
    sub: row.sub ?? undefined,
    active: row.active === 1,
    document,
    createdAt: row.created_at,
    changedAt: row.changed_at,
  }
}
