// Groups as a company's directory has told of them by SCIM (RFC 7643 section 4.2), and who is in them.
//
// Layout: a row per group and one per member, by the id of the user, who may be told of later. Lifetime: until the directory deletes the
// group. Trade-off: what is known of a group by its name here is decided here alone, whatever an ID token says of it.
import type { Slice } from './provisioned-users.ts'
import { TableCapability } from '../session/store/table.ts'

export interface GroupName {
  readonly displayName: string
  readonly externalId: string | undefined
}

export interface ProvisionedGroup extends GroupName {
  readonly id: string
  /** Unix seconds. */
  readonly createdAt: number
  readonly changedAt: number
}

export interface Member {
  readonly id: string
  readonly name: string | undefined
}

export interface GroupFilter {
  readonly id?: string
  readonly displayName?: string
  readonly externalId?: string
  /** Id of a user who is in it. */
  readonly member?: string
}

/** In the order in which they were named; the last word counts. */
export type MemberChange =
  | { readonly add: readonly string[] }
  | { readonly remove: readonly string[] }
  | { readonly set: readonly string[] }

export class ProvisionedGroups extends TableCapability {
  constructor(storage: DurableObjectStorage) {
    super(
      storage,
      'provisioned-groups',
      `
      CREATE TABLE IF NOT EXISTS provisioned_groups (
        id TEXT PRIMARY KEY, issuer TEXT NOT NULL, display_name TEXT NOT NULL, external_id TEXT, created_at INTEGER NOT NULL,
        changed_at INTEGER NOT NULL) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS provisioned_groups_by_name ON provisioned_groups (issuer, display_name);
      CREATE INDEX IF NOT EXISTS provisioned_groups_by_external_id ON provisioned_groups (issuer, external_id);
      CREATE TABLE IF NOT EXISTS provisioned_members (
        group_id TEXT NOT NULL, user_id TEXT NOT NULL, PRIMARY KEY (group_id, user_id)) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS provisioned_members_by_user ON provisioned_members (user_id, group_id)`,
    )
  }

  find(issuer: string, id: string): ProvisionedGroup | undefined {
    const [row] = this.sql.exec<Row>('SELECT * FROM provisioned_groups WHERE id = ? AND issuer = ?', id, issuer)
    return row && fromRow(row)
  }

  page(
    issuer: string,
    filter: GroupFilter,
    { from, most }: Slice,
  ): { readonly total: number; readonly groups: readonly ProvisionedGroup[] } {
    const conditions = ['issuer = ?']
    const values: (string | number)[] = [issuer]
    for (const [field, condition] of CONDITIONS) {
      const value = filter[field]
      if (value === undefined) continue
      conditions.push(condition)
      values.push(value)
    }
    const found = `FROM provisioned_groups WHERE ${conditions.join(' AND ')}`
    const { total } = this.sql.exec<{ total: number }>(`SELECT count(*) AS total ${found}`, ...values).one()
    const rows = this.sql.exec<Row>(`SELECT * ${found} ORDER BY created_at, id LIMIT ? OFFSET ?`, ...values, most, from)
    return { total, groups: [...rows].map(fromRow) }
  }

  /** Ids of users, with their names where they are known. */
  members(id: string): readonly Member[] {
    const query = `SELECT user_id AS id, user_name AS name FROM provisioned_members
      LEFT JOIN provisioned_users ON provisioned_users.id = user_id AND deleted = 0 WHERE group_id = ? ORDER BY user_id`
    return [...this.sql.exec<{ id: string; name: string | null }>(query, id)].map((member) => ({
      id: member.id,
      name: member.name ?? undefined,
    }))
  }

  /** Names of the sessions of those in it who can sign in. */
  subsIn(id: string): readonly string[] {
    const query = `SELECT sub FROM provisioned_members JOIN provisioned_users ON provisioned_users.id = user_id
      WHERE group_id = ? AND sub IS NOT NULL`
    return [...this.sql.exec<{ sub: string }>(query, id)].map(({ sub }) => sub)
  }

  groupsOf(userId: string): readonly ProvisionedGroup[] {
    const query = `SELECT provisioned_groups.* FROM provisioned_members JOIN provisioned_groups ON provisioned_groups.id = group_id
      WHERE user_id = ? ORDER BY display_name`
    return [...this.sql.exec<Row>(query, userId)].map(fromRow)
  }

  /** Which of these names belong to a group that is told of here. */
  known(issuer: string, names: readonly string[]): ReadonlySet<string> {
    const query = `SELECT 1 FROM provisioned_groups WHERE issuer = ?1 AND (display_name = ?2 OR external_id = ?2) LIMIT 1`
    return new Set(names.filter((name) => this.sql.exec(query, issuer, name).toArray().length > 0))
  }

  get isEmpty(): boolean {
    return this.sql.exec('SELECT 1 FROM provisioned_groups LIMIT 1').toArray().length === 0
  }

  write(issuer: string, id: string, { displayName, externalId }: GroupName, now: number): ProvisionedGroup {
    const { sql } = this.storage
    sql.exec(
      `INSERT INTO provisioned_groups (id, issuer, display_name, external_id, created_at, changed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)
       ON CONFLICT (id) DO UPDATE SET display_name = ?3, external_id = ?4, changed_at = ?5`,
      id,
      issuer,
      displayName,
      externalId ?? null,
      now,
    )
    return fromRow(sql.exec<Row>('SELECT * FROM provisioned_groups WHERE id = ?', id).one())
  }

  change(id: string, changes: readonly MemberChange[]): void {
    const { sql } = this.storage
    const add = (users: readonly string[]): void => {
      for (const user of users) sql.exec('INSERT OR IGNORE INTO provisioned_members (group_id, user_id) VALUES (?, ?)', id, user)
    }
    for (const change of changes) {
      if ('add' in change) add(change.add)
      else if ('remove' in change)
        for (const user of change.remove) sql.exec('DELETE FROM provisioned_members WHERE group_id = ? AND user_id = ?', id, user)
      else {
        sql.exec('DELETE FROM provisioned_members WHERE group_id = ?', id)
        add(change.set)
      }
    }
  }

  remove(id: string): void {
    this.sql.exec('DELETE FROM provisioned_groups WHERE id = ?', id)
    this.sql.exec('DELETE FROM provisioned_members WHERE group_id = ?', id)
  }

  /** A user who is deleted is in no group any more, also when they come back. */
  forgetMember(userId: string): void {
    this.sql.exec('DELETE FROM provisioned_members WHERE user_id = ?', userId)
  }
}

const CONDITIONS = [
  ['id', 'id = ?'],
  ['displayName', 'display_name = ?'],
  ['externalId', 'external_id = ?'],
  ['member', 'id IN (SELECT group_id FROM provisioned_members WHERE user_id = ?)'],
] as const

interface Row extends Record<string, SqlStorageValue> {
  id: string
  display_name: string
  external_id: string | null
  created_at: number
  changed_at: number
}

function fromRow(row: Row): ProvisionedGroup {
  const { id } = row
  const { display_name: displayName, external_id: externalId, created_at: createdAt, changed_at: changedAt } = row
  return { id, displayName, externalId: externalId ?? undefined, createdAt, changedAt }
}
