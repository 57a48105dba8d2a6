// The clients that registered themselves or are described by a document, the bound on how many there can be, and on how fast they may come.
//
// Layout: one row per client; `source` are keyed hashes of the networks it came from; keys and documents are in a table of their own, for
// the clients that have some. Lifetime: 24 hours, or 400 days after the last
// person was let in by it; read as gone at that second, deleted by a daily job. Whoever is not used yet makes room for newer
// ones beyond NEVER_USED_LIMIT; of those that are used, the one longest ago that nobody is connected with, beyond USED_LIMIT. Each takes
// 16 KiB at most (`oauth/client-auth/client-metadata.ts`): all of them 3.5 GB, of the 10 GB an object may have. Trade-off: the table is its own rate limiter. Counting the last minute costs a bounded index
// scan per registration, and in return the count survives hibernation without a single extra write. A blocked client stays known
// for ever: forgetting it would make it one that nobody has blocked.
import { LifecycleCapability, type LifecycleJobOutcome } from 'agents/lifecycle'
import { ClientDetails, detailsFrom, type DetailsRow } from './client-details.ts'
import type { ClientRecord, ListedClient } from '../clients/client-record.ts'
import { isWithin, networksOf, openTo } from '../clients/networks.ts'
import type { AdminAction } from '../session/contract/receipt.ts'

export type Registration = { readonly registered: true } | { readonly registered: false; readonly retryAfter: number }

/** Registrations a minute, from one address and from all of them. */
export interface RegistrationRate {
  readonly perSource: number
  readonly overall: number
}

export const NEVER_USED_LIFETIME = 86_400
export const USED_LIFETIME = 400 * 86_400
export const NEVER_USED_LIMIT = 10_000
export const USED_LIMIT = 200_000
const WINDOW = 60
const DAY = 86_400
const PAGE = 50
const NOT_BLOCKED = 'id NOT IN (SELECT id FROM blocked_clients)'
const LISTED = `SELECT clients.*, b.at AS blocked_at, b.actor AS blocked_by, b.actor_name AS blocked_by_name, b.reason AS blocked_why, d.fresh_until, d.jwks, d.jwks_uri
  FROM clients LEFT JOIN blocked_clients AS b ON b.id = clients.id LEFT JOIN client_details AS d ON d.id = clients.id`

export class Clients extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  readonly #now: () => number
  readonly #details: ClientDetails
  #neverUsed = 0
  #used = 0
  #sweepPlanned = false

  /** `now` in unix seconds. */
  constructor(storage: DurableObjectStorage, now: () => number) {
    super('clients')
    this.#storage = storage
    this.#now = now
    this.#details = new ClientDetails(storage)
  }

  override onStart(): void {
    this.#storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS clients (
        id TEXT PRIMARY KEY, name TEXT, redirect_uris TEXT NOT NULL, auth_method TEXT NOT NULL, grant_types TEXT NOT NULL, uri TEXT,
        application_type TEXT, software_id TEXT, software_version TEXT, source TEXT NOT NULL, registered_at INTEGER NOT NULL, used_at INTEGER);
      CREATE INDEX IF NOT EXISTS clients_by_age ON clients (registered_at, source);
      CREATE INDEX IF NOT EXISTS clients_never_used ON clients (registered_at) WHERE used_at IS NULL;
      CREATE INDEX IF NOT EXISTS clients_by_use ON clients (coalesce(used_at, 0) DESC, id);
      CREATE TABLE IF NOT EXISTS blocked_clients (
        id TEXT PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, actor_name TEXT, reason TEXT NOT NULL) WITHOUT ROWID`)
    this.#details.create()
    const { all, used } = this.#storage.sql
      .exec<{ all: number; used: number }>('SELECT count(*) AS "all", count(used_at) AS used FROM clients')
      .one()
    this.#used = used
    this.#neverUsed = all - used
    this.#sweepPlanned = this.lifecycle.jobs.get('clients') !== undefined
  }

  async register(client: ClientRecord, source: string, rate: RegistrationRate): Promise<Registration> {
    const retryAfter = this.#secondsToWait(client.registeredAt, source, rate)
    if (retryAfter > 0) return { registered: false, retryAfter }
    this.#insert(client, source)
    this.#makeRoom()
    if (!this.#sweepPlanned) {
      this.#sweepPlanned = true
      await this.lifecycle.jobs.push({ id: 'clients', fn: 'sweep', time: (this.#now() + DAY) * 1000 })
    }
    return { registered: true }
  }

  /** What the document of a client says now. A new one counts as a registration; one that is known takes no more room than before. */
  async keepDocument(client: ClientRecord, source: string, rate: RegistrationRate): Promise<Registration> {
    if (!this.client(client.id)) {
      this.#dropUsed('WHERE id = ? AND used_at IS NOT NULL', client.id)
      this.#dropNeverUsed('WHERE id = ?', client.id)
      return await this.register(client, source, rate)
    }
    this.#storage.sql.exec(
      'UPDATE clients SET name = ?, redirect_uris = ?, auth_method = ?, grant_types = ?, uri = ?, application_type = ? WHERE id = ?',
      ...describedBy(client),
      client.id,
    )
    this.#details.keep(client)
    return { registered: true }
  }

  client(id: string): ClientRecord | undefined {
    const now = this.#now()
    const [row] = this.#storage.sql.exec<ListedRow>(
      `${LISTED} WHERE clients.id = ? AND (used_at > ? OR (used_at IS NULL AND registered_at > ?) OR blocked_at IS NOT NULL)`,
      id,
      now - USED_LIFETIME,
      now - NEVER_USED_LIFETIME,
    )
    if (!row) return undefined
    return { ...fromRow(row), ...(row.blocked_at !== null && { isBlocked: true }), ...(row.used_at !== null && { isUsed: true }) }
  }

  listed(id: string): ListedClient | undefined {
    const [row] = this.#storage.sql.exec<ListedRow>(`${LISTED} WHERE clients.id = ?`, id)
    return row && listed(row)
  }

  /** Last used first; those whose name or id contains the search. */
  page(
    search: string,
    after: string | undefined,
  ): { readonly clients: readonly ListedClient[]; readonly next: string | undefined } {
    const [, used = String(Number.MAX_SAFE_INTEGER), id = ''] = /^(\d+)\.(\S+)$/.exec(after ?? '') ?? []
    const rows = [
      ...this.#storage.sql.exec<ListedRow>(
        `${LISTED} WHERE (coalesce(used_at, 0) < ?1 OR (coalesce(used_at, 0) = ?1 AND clients.id > ?2))
         AND (?3 = '' OR instr(lower(coalesce(name, '')), lower(?3)) > 0 OR clients.id = ?3)
         ORDER BY coalesce(used_at, 0) DESC, clients.id LIMIT ?4`,
        Number(used),
        id,
        search,
        PAGE + 1,
      ),
    ]
    const shown = rows.slice(0, PAGE)
    const last = shown.at(-1)
    const next = rows.length > PAGE && last ? `${last.used_at ?? 0}.${last.id}` : undefined
    return { clients: shown.map(listed), next }
  }

  /** Nobody can connect the client from now on. */
  block(id: string, { at, by, byName, why }: Pick<AdminAction, 'at' | 'by' | 'byName' | 'why'>): void {
    const insert = 'INSERT OR IGNORE INTO blocked_clients (id, at, actor, actor_name, reason) VALUES (?, ?, ?, ?, ?)'
    this.#storage.sql.exec(insert, id, at, by, byName ?? null, why)
  }

  /** Since when, by whom and why; also for a client of the settings, which has no row of its own. */
  blocked(id: string): ListedClient['blocked'] {
    const query = 'SELECT at, actor AS "by", actor_name AS name, reason AS why FROM blocked_clients WHERE id = ?'
    const [row] = this.#storage.sql.exec<{ at: number; by: string; name: string | null; why: string }>(query, id)
    return row && { at: row.at, by: row.by, byName: row.name ?? undefined, why: row.why }
  }

  /** False when it was not blocked. */
  unblock(id: string): boolean {
    return this.#storage.sql.exec('DELETE FROM blocked_clients WHERE id = ?', id).rowsWritten > 0
  }

  /** A person was let in by this client. Written at most once a day; where it came from is forgotten with the first. */
  markUsed(id: string): void {
    const now = this.#now()
    const [row] = this.#storage.sql.exec<{ used_at: number | null }>('SELECT used_at FROM clients WHERE id = ?', id)
    if (!row || (row.used_at !== null && now - row.used_at < DAY)) return
    this.#storage.sql.exec("UPDATE clients SET used_at = ?, source = '' WHERE id = ?", now, id)
    if (row.used_at !== null) return
    this.#neverUsed -= 1
    this.#used += 1
    const surplus = this.#used - USED_LIMIT
    if (surplus > 0)
      this.#dropUsed(
        `WHERE id IN (SELECT id FROM clients WHERE used_at < ${now} AND ${NOT_BLOCKED} AND NOT EXISTS
         (SELECT 1 FROM person_clients WHERE client_id = clients.id) ORDER BY coalesce(used_at, 0), id DESC LIMIT ?)`,
        surplus,
      )
  }

  onJob(): LifecycleJobOutcome {
    const now = this.#now()
    this.#dropNeverUsed(`WHERE used_at IS NULL AND registered_at <= ? AND ${NOT_BLOCKED}`, now - NEVER_USED_LIFETIME)
    this.#dropUsed(`WHERE used_at <= ? AND ${NOT_BLOCKED}`, now - USED_LIFETIME)
    const [left] = this.#storage.sql.exec('SELECT 1 FROM clients LIMIT 1')
    this.#sweepPlanned = left !== undefined
    return left && { rescheduleAt: (now + DAY) * 1000 }
  }

  #secondsToWait(now: number, source: string, rate: RegistrationRate): number {
    const [widest, ...narrower] = networksOf(source)
    const networks = [widest, ...narrower]
    // One scan of the minute counts everybody and each of the networks.
    const counts = ['TRUE', ...networks.map((_, n) => isWithin(`?${n + 2}`))].map(
      (condition) => `count(*) FILTER (WHERE ${condition}), min(registered_at) FILTER (WHERE ${condition})`,
    )
    const query = `SELECT ${counts.join(', ')} FROM clients WHERE registered_at > ?1`
    const prefixes = networks.map(({ prefix }) => prefix)
    const row = [...this.#storage.sql.exec(query, now - WINDOW, ...prefixes).raw()].flat().map((value) => Number(value ?? now))
    const [all = 0, first = now, seen = 0] = row
    const free = (count: number, most: number, since: number): number => (count >= most ? since + WINDOW : now)
    const freeAt = networks.map(({ share }, n) => free(row[2 * n + 2] ?? 0, rate.perSource * share, row[2 * n + 3] ?? now))
    return Math.max(free(all, openTo(seen === 0, rate.overall), first), ...freeAt) - now
  }

  #insert(client: ClientRecord, source: string): void {
    this.#storage.sql.exec(
      `INSERT INTO clients (id, name, redirect_uris, auth_method, grant_types, uri, application_type, software_id,
        software_version, source, registered_at, used_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)`,
      client.id,
      ...describedBy(client),
      client.softwareId ?? null,
      client.softwareVersion ?? null,
      source,
      client.registeredAt,
    )
    this.#details.keep(client)
    this.#neverUsed += 1
  }

  /** A flood pushes out its own registrations: one that a person has used is never dropped to make room. */
  #makeRoom(): void {
    const surplus = this.#neverUsed - NEVER_USED_LIMIT
    if (surplus <= 0) return
    this.#dropNeverUsed(
      `WHERE id IN (SELECT id FROM clients WHERE used_at IS NULL AND ${NOT_BLOCKED} ORDER BY registered_at, rowid LIMIT ?)`,
      surplus,
    )
  }

  #dropNeverUsed(where: string, value: number | string): void {
    this.#neverUsed -= this.#drop(where, value)
  }

  #dropUsed(where: string, value: number | string): void {
    this.#used -= this.#drop(where, value)
  }

  #drop(where: string, value: number | string): number {
    const dropped = this.#storage.sql.exec<{ id: string }>(`DELETE FROM clients ${where} RETURNING id`, value).toArray()
    this.#details.forget(dropped)
    return dropped.length
  }
}

interface ClientRow extends Record<string, SqlStorageValue> {
  id: string
  name: string | null
  redirect_uris: string
  auth_method: ClientRecord['authMethod']
  grant_types: string
  uri: string | null
  application_type: 'native' | 'web' | null
  software_id: string | null
  software_version: string | null
  registered_at: number
}

interface ListedRow extends ClientRow, DetailsRow {
  used_at: number | null
  blocked_at: number | null
  blocked_by: string | null
  blocked_by_name: string | null
  blocked_why: string | null
}

function listed(row: ListedRow): ListedClient {
  const { blocked_at: at, blocked_by: by, blocked_by_name: byName, blocked_why: why } = row
  const blocked = at === null ? undefined : { at, by: by ?? '', byName: byName ?? undefined, why: why ?? '' }
  return { ...fromRow(row), usedAt: row.used_at ?? undefined, blocked, isBlocked: blocked !== undefined }
}

function fromRow(row: ListedRow): ClientRecord {
  return {
    id: row.id,
    name: row.name ?? undefined,
    // No URI we accept and no grant type holds white space, so lines are unambiguous.
    redirectUris: row.redirect_uris.split('\n'),
    authMethod: row.auth_method,
    grantTypes: row.grant_types.split('\n'),
    uri: row.uri ?? undefined,
    applicationType: row.application_type ?? undefined,
    softwareId: row.software_id ?? undefined,
    softwareVersion: row.software_version ?? undefined,
    registeredAt: row.registered_at,
    ...detailsFrom(row),
  }
}

/** What a client says of itself that its row holds, in the order of the columns from `name` to `application_type`. */
function describedBy({
  name,
  redirectUris,
  authMethod,
  grantTypes,
  uri,
  applicationType,
}: ClientRecord): readonly (string | null)[] {
  const [uris, grants] = [redirectUris.join('\n'), grantTypes.join('\n')]
  return [name ?? null, uris, authMethod, grants, uri ?? null, applicationType ?? null]
}
