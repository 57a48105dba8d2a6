// The index of people: who they are and what they have, as their own objects last reported it.
//
// Layout: a row per person, and one per person and client, per person and server, and per person and link, for finding whose people they are. Lifetime: as long as the deployment;
// a row without grants and 400 days old goes. Trade-off: it is a copy, seconds behind the objects; decisions are made there.
import { LifecycleCapability } from 'agents/lifecycle'
import { groupsText, identityOf, type IdentityRow } from '../session/store/identity-row.ts'
import type { PersonSummary } from '../session/store/outbox.ts'
import { GroupNames } from './group-names.ts'

export interface PersonRow {
  readonly sub: string
  readonly email: string | undefined
  readonly name: string | undefined
  readonly issuer: string
  readonly subject: string
  readonly groups: readonly string[]
  readonly blocked: boolean
  readonly liveGrants: number
  /** Unix seconds. */
  readonly firstSeenAt: number
  readonly lastSeenAt: number
}

export interface PeoplePage {
  readonly people: readonly PersonRow[]
  /** Pass it back for the next page; undefined on the last. */
  readonly next: string | undefined
}

/** What people can have a grant for; of a server also a link to it alone. */
export interface Related {
  readonly what: 'client' | 'resource'
  readonly id: string
}

interface Relation {
  readonly table: string
  readonly column: string
}

const CLIENTS: Relation = { table: 'person_clients', column: 'client_id' }
const RESOURCES: Relation = { table: 'person_resources', column: 'resource' }
const LINKS: Relation = { table: 'person_links', column: 'resource' }

const PAGE = 50
/** So many who begin alike are not sorted for a page of them. */
const MANY = 5_000

export class People extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  // Counted once in the life of the object, and kept up from then on: counting goes through all of them.
  #counted: { people: number; connected: number } | undefined
  /** The same of each client and server somebody has asked for. */
  readonly #related = new Map<string, number>()
  /** By issuer, every group that its people were ever said to be in; read once, and kept up from then on. */
  readonly #groups = new GroupNames()

  constructor(storage: DurableObjectStorage) {
    super('people')
    this.#storage = storage
  }

  override onStart(): void {
    this.#storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS people (
        sub TEXT PRIMARY KEY, issuer TEXT NOT NULL, subject TEXT NOT NULL, email TEXT COLLATE NOCASE, name TEXT COLLATE NOCASE,
        groups TEXT NOT NULL, blocked INTEGER NOT NULL, live_grants INTEGER NOT NULL, first_seen INTEGER NOT NULL,
        last_seen INTEGER NOT NULL, number INTEGER NOT NULL) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS people_by_last_seen ON people (last_seen DESC, sub);
      CREATE INDEX IF NOT EXISTS people_by_email ON people (email);
      CREATE INDEX IF NOT EXISTS people_by_subject ON people (subject);
      CREATE INDEX IF NOT EXISTS people_by_name ON people (name);
      CREATE INDEX IF NOT EXISTS people_connected ON people (sub) WHERE live_grants > 0;
      CREATE TABLE IF NOT EXISTS person_clients (client_id TEXT NOT NULL, sub TEXT NOT NULL, PRIMARY KEY (client_id, sub)) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS person_clients_by_person ON person_clients (sub);
      CREATE TABLE IF NOT EXISTS person_resources (resource TEXT NOT NULL, sub TEXT NOT NULL, PRIMARY KEY (resource, sub)) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS person_resources_by_person ON person_resources (sub);
      CREATE TABLE IF NOT EXISTS person_links (resource TEXT NOT NULL, sub TEXT NOT NULL, PRIMARY KEY (resource, sub)) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS person_links_by_person ON person_links (sub)`)
  }

  /** Takes over what a person's object says, unless something newer is known. True when the person is called or grouped otherwise than before. */
  record({ sub, identity, blocked, liveGrants, clientIds, resources, links, lastSeenAt, number }: PersonSummary): boolean {
    const { sql } = this.#storage
    const [before] = sql.exec<Row>('SELECT * FROM people WHERE sub = ?', sub)
    const groups = groupsText(identity.groups)
    const changed = sql.exec(
      `INSERT INTO people (sub, issuer, subject, email, name, groups, blocked, live_grants, first_seen, last_seen, number)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10)
       ON CONFLICT (sub) DO UPDATE SET email = ?4, name = ?5, groups = ?6, blocked = ?7, live_grants = ?8, last_seen = ?9, number = ?10
       WHERE number <= ?10`,
      sub,
      identity.issuer,
      identity.subject,
      identity.email ?? null,
      identity.name ?? null,
      groups,
      blocked ? 1 : 0,
      liveGrants,
      lastSeenAt,
      number,
    )
    if (changed.rowsWritten === 0) return false
    this.#recount(before?.live_grants, liveGrants)
    if (before?.groups !== groups) this.#groups.add({ issuer: identity.issuer, groups })
    this.#relate(CLIENTS, sub, clientIds)
    this.#relate(RESOURCES, sub, resources)
    const linked = links.map(({ resource }) => resource)
    this.#relate(LINKS, sub, linked)
    return before !== undefined && (before.email !== (identity.email ?? null) || before.groups !== groups)
  }

  #recount(before: number | undefined, after: number): void {
    if (!this.#counted) return
    if (before === undefined) this.#counted.people += 1
    this.#counted.connected += Number(after > 0) - Number((before ?? 0) > 0)
  }

  #relate({ table, column }: Relation, sub: string, ids: readonly string[]): void {
    const { sql } = this.#storage
    const known = [...sql.exec<{ id: string }>(`SELECT ${column} AS id FROM ${table} WHERE sub = ?`, sub)]
    const change = (id: string, by: number, query: string): void => {
      sql.exec(query, id, sub)
      const count = this.#related.get(`${table} ${id}`)
      if (count !== undefined) this.#related.set(`${table} ${id}`, count + by)
    }
    for (const { id } of known) if (!ids.includes(id)) change(id, -1, `DELETE FROM ${table} WHERE ${column} = ? AND sub = ?`)
    const isKnown = (id: string): boolean => known.some((one) => one.id === id)
    for (const id of new Set(ids)) if (!isKnown(id)) change(id, 1, `INSERT INTO ${table} (${column}, sub) VALUES (?, ?)`)
  }

  #countRelated({ table, column }: Relation, id: string): number {
    const known = this.#related.get(`${table} ${id}`)
    if (known !== undefined) return known
    const count = this.#number(`SELECT count(*) AS n FROM ${table} WHERE ${column} = ?`, id)
    // Few pay for themselves, and a search for clients that nobody uses would fill the memory.
    if (count >= MANY) this.#related.set(`${table} ${id}`, count)
    return count
  }

  find(sub: string): PersonRow | undefined {
    const [row] = this.#storage.sql.exec<Row>('SELECT * FROM people WHERE sub = ?', sub)
    return row && fromRow(row)
  }

  /** Everybody whom the issuer knows by this address; it is here because it has verified it. */
  withEmail(issuer: string, email: string): readonly PersonRow[] {
    return [...this.#storage.sql.exec<Row>('SELECT * FROM people WHERE email = ? AND issuer = ?', email, issuer)].map(fromRow)
  }

  /** Most recently seen first; or those whose e-mail or name begins with the search, before them who has exactly that address or subject. Every page costs the same. */
  page(search: string, after: string | undefined): PeoplePage {
    const rows = search === '' ? this.#latest(after) : this.#beginning(search, after)
    const people = rows.slice(0, PAGE).map(fromRow)
    const last = people.at(-1)
    const next = search === '' ? last && `${last.lastSeenAt}.${last.sub}` : last?.sub
    const exact = search === '' || after !== undefined ? [] : this.#exactly(search).map(fromRow)
    return { people: [...exact, ...people], next: rows.length > PAGE ? next : undefined }
  }

  /** People who have a grant for the client, a grant for or a link to the server, or any, in the order of their names here; for walking over all of them. */
  connected(to: Related | undefined, after: string, most: number): readonly string[] {
    const query = `${union(to, 'sub > ?2')} ORDER BY sub LIMIT ?3`
    return [...this.#storage.sql.exec<{ sub: string }>(query, to?.id ?? '', after, most)].map(({ sub }) => sub)
  }

  /** Whether `connected` would come by this person. */
  isConnected(sub: string, to: Related | undefined): boolean {
    return this.#storage.sql.exec(union(to, 'sub = ?2'), to?.id ?? '', sub).toArray().length > 0
  }

  /** Those of an issuer who were last said to be in one of these groups. */
  inGroup(issuer: string, names: readonly string[]): readonly string[] {
    const query =
      'SELECT sub FROM people WHERE issuer = ?1 AND instr(char(10) || groups || char(10), char(10) || ?2 || char(10)) > 0'
    const { sql } = this.#storage
    const stored = () =>
      sql.exec<{ issuer: string; groups: string }>("SELECT DISTINCT issuer, groups FROM people WHERE groups <> ''")
    // A name that none of them goes by is what a new group has as a rule, and then nobody is looked through.
    const asked = names.filter((name) => name !== '' && this.#groups.mayHave(issuer, name, stored))
    return [...new Set(asked.flatMap((name) => [...sql.exec<{ sub: string }>(query, issuer, name)].map(({ sub }) => sub)))]
  }

  /** How many people `connected` would walk over. Who has a link alone is few: they are looked up one by one, and nothing is sorted. */
  countConnected(to: Related | undefined): number {
    if (to === undefined) {
      const linked = `SELECT count(DISTINCT sub) AS n FROM person_links
        WHERE NOT EXISTS (SELECT 1 FROM people WHERE people.sub = person_links.sub AND live_grants > 0)`
      return this.counts().connected + this.#number(linked)
    }
    if (to.what === 'client') return this.#countRelated(CLIENTS, to.id)
    const linked = `SELECT count(*) AS n FROM person_links WHERE resource = ?1
      AND NOT EXISTS (SELECT 1 FROM person_resources AS r WHERE r.resource = ?1 AND r.sub = person_links.sub)`
    return this.#countRelated(RESOURCES, to.id) + this.#number(linked, to.id)
  }

  #number(query: string, ...bound: string[]): number {
    return this.#storage.sql.exec<{ n: number }>(query, ...bound).one().n
  }

  counts(): { readonly people: number; readonly connected: number } {
    const query = 'SELECT count(*) AS people, (SELECT count(*) FROM people WHERE live_grants > 0) AS connected FROM people'
    this.#counted ??= this.#storage.sql.exec<{ people: number; connected: number }>(query).one()
    return { ...this.#counted }
  }

  #latest(after: string | undefined): readonly Row[] {
    const [, seen = '0', sub = ''] = /^(\d+)\.([\w-]+)$/.exec(after ?? '') ?? []
    const query = `SELECT * FROM people WHERE last_seen < ?1 OR (last_seen = ?1 AND sub > ?2)
      ORDER BY last_seen DESC, sub LIMIT ?3`
    return after === undefined
      ? [...this.#storage.sql.exec<Row>('SELECT * FROM people ORDER BY last_seen DESC, sub LIMIT ?', PAGE + 1)]
      : [...this.#storage.sql.exec<Row>(query, Number(seen), sub, PAGE + 1)]
  }

  /** The same address or subject at several providers, or of one and the same by its own name here. */
  #exactly(search: string): readonly Row[] {
    const query = 'SELECT * FROM people WHERE email = ?1 OR subject = ?1 OR sub = ?1 ORDER BY last_seen DESC, sub LIMIT ?2'
    return [...this.#storage.sql.exec<Row>(query, search, PAGE)]
  }

  /**
   * By two indexes where few begin so; where many do, along the names of objects, which meets them soon enough. Either way a page reads some
   * thousands of rows among a million people.
   */
  #beginning(search: string, after: string | undefined): readonly Row[] {
    const { sql } = this.#storage
    const end = `${search}\u{10FFFF}`
    const few = `SELECT count(*) AS n FROM (SELECT 1 FROM people WHERE email > ?1 AND email < ?2 LIMIT ?3)
      UNION ALL SELECT count(*) FROM (SELECT 1 FROM people WHERE name >= ?1 AND name < ?2 LIMIT ?3)`
    const areMany = [...sql.exec<{ n: number }>(few, search, end, MANY)].some(({ n }) => n === MANY)
    const matching = areMany
      ? '((+email > ?2 AND +email < ?3) OR (+name >= ?2 AND +name < ?3))'
      : 'sub IN (SELECT sub FROM people WHERE email > ?2 AND email < ?3 UNION SELECT sub FROM people WHERE name >= ?2 AND name < ?3)'
    const query = `SELECT * FROM people WHERE sub > ?1 AND ${matching}
      AND email IS NOT ?2 AND subject <> ?2 AND sub <> ?2 ORDER BY sub LIMIT ?4`
    return [...sql.exec<Row>(query, after ?? '', search, end, PAGE + 1)]
  }
}

/** Whose they are: `?1` is the client or the server. A link outlives the grants of a server, and must not be overlooked. */
function union(to: Related | undefined, condition: string): string {
  const arms = {
    everyone: ['people WHERE live_grants > 0', 'person_links WHERE TRUE'],
    client: ['person_clients WHERE client_id = ?1'],
    resource: ['person_resources WHERE resource = ?1', 'person_links WHERE resource = ?1'],
  }
  return arms[to?.what ?? 'everyone'].map((arm) => `SELECT sub FROM ${arm} AND ${condition}`).join(' UNION ')
}

interface Row extends IdentityRow {
  sub: string
  blocked: number
  live_grants: number
  first_seen: number
  last_seen: number
}

function fromRow(row: Row): PersonRow {
  const { sub, blocked, live_grants: liveGrants, first_seen: firstSeenAt, last_seen: lastSeenAt } = row
  const { issuer, subject, email, name, groups } = identityOf(row)
  return { sub, email, name, issuer, subject, groups, blocked: blocked === 1, liveGrants, firstSeenAt, lastSeenAt }
}
