// MCP sessions of the legacy eras: the broker's own ids, bound to a grant, mapped to the downstream's.
//
// Layout: one row per session; all rows of a person (bounded by MAX_MCP_SESSIONS) are in memory too. Lifetime: until DELETE, the
// end of the grant, or idleness. Trade-off: `last_used_at` is written at most every five minutes, so that a call costs no write;
// after a crash a session may therefore seem idle for five minutes longer than it was. Sessions in which HTTP+SSE is spoken have
// a second row; they are few.
import { randomId } from '../../platform/crypto.ts'
import type { Transport } from '../../settings/downstreams.ts'
import { TableCapability } from './table.ts'

export interface McpSession {
  /** What the client knows; 144 random bits. */
  readonly id: string
  readonly grantId: string
  readonly resource: string
  /** What the downstream knows; changes when the broker had to initialize again. Undefined: the downstream keeps no sessions. */
  readonly downstreamId: string | undefined
  /** The client's `initialize` message, as it came. */
  readonly initialize: string
  /** What the downstream negotiated (`result.protocolVersion`). */
  readonly protocolVersion: string | undefined
  /**
   * What is spoken on either side, where the client's is not the streamable HTTP of the legacy eras: `modern` for a session of the broker's
   * own, which no client knows. The downstream's may not be known yet.
   */
  readonly bridge?: { readonly client: Transport | 'modern'; readonly downstream: Transport | undefined }
  readonly lastUsedAt: number
  /** Unix milliseconds; undefined for one that an earlier release has opened. */
  readonly openedAtMs?: number | undefined
  /** The same of the one at the downstream. */
  readonly downstreamOpenedAtMs?: number | undefined
}

/** Hears of sessions with their length: `server` is the client's, `client` the downstream's, as OpenTelemetry calls the two sides. */
export type SessionMeter = (over: {
  readonly side: 'server' | 'client'
  readonly session: McpSession
  readonly seconds: number
  /** The downstream did not know it any more. */
  readonly isLost: boolean
}) => void

const WRITE_USE_EVERY = 300

export class McpSessions extends TableCapability {
  readonly #rows = new Map<string, McpSession>()
  readonly #usedAt = new Map<string, number>()
  /** What counts them. */
  meter: SessionMeter | undefined

  constructor(storage: DurableObjectStorage) {
    super(storage, 'mcp-sessions')
  }

  override onStart(): void {
    this.sql.exec(`CREATE TABLE IF NOT EXISTS mcp_sessions (
      id TEXT PRIMARY KEY, grant_id TEXT NOT NULL, resource TEXT NOT NULL, downstream_id TEXT, initialize TEXT NOT NULL,
      protocol_version TEXT, last_used_at INTEGER NOT NULL, opened_at_ms INTEGER, downstream_opened_at_ms INTEGER)`)
    this.sql.exec('CREATE TABLE IF NOT EXISTS bridged_sessions (id TEXT PRIMARY KEY, client TEXT NOT NULL, downstream TEXT)')
    const all = 'SELECT s.*, b.client, b.downstream FROM mcp_sessions s LEFT JOIN bridged_sessions b ON b.id = s.id'
    for (const row of this.sql.exec<SessionRow>(all)) this.#rows.set(row.id, fromRow(row))
  }

  open(session: Omit<McpSession, 'id' | 'lastUsedAt' | 'openedAtMs' | 'downstreamOpenedAtMs'>, now: number): McpSession {
    const openedAtMs = Date.now()
    const downstreamOpenedAtMs = session.downstreamId === undefined ? undefined : openedAtMs
    const opened = { ...session, id: randomId(18), lastUsedAt: now, openedAtMs, downstreamOpenedAtMs }
    this.#write(opened)
    return opened
  }

  /** A session of this grant; another grant's is as unknown as one that never was. */
  use(id: string, grantId: string, now: number): McpSession | undefined {
    const session = this.#rows.get(id)
    if (session?.grantId !== grantId) return undefined
    this.#usedAt.set(id, now)
    if (now - session.lastUsedAt < WRITE_USE_EVERY) return session
    const used = { ...session, lastUsedAt: now }
    this.#write(used)
    return used
  }

  find(id: string): McpSession | undefined {
    return this.#rows.get(id)
  }

  /** The downstream forgot the session and was initialized again. */
  remap(session: McpSession, downstreamId: string | undefined, protocolVersion: string | undefined): McpSession {
    return this.change(session, { downstreamId, protocolVersion })
  }

  change(session: McpSession, changes: Partial<Omit<McpSession, 'id' | 'resource'>>): McpSession {
    const isAnother = 'downstreamId' in changes && changes.downstreamId !== session.downstreamId
    if (isAnother) this.#measure('client', session, true)
    const downstreamOpenedAtMs = isAnother ? Date.now() : session.downstreamOpenedAtMs
    const changed = { ...session, ...changes, downstreamOpenedAtMs }
    this.#write(changed)
    return changed
  }

  #measure(side: 'server' | 'client', session: McpSession, isLost = false): void {
    const since = side === 'server' ? session.openedAtMs : session.downstreamOpenedAtMs
    if (since !== undefined) this.meter?.({ side, session, seconds: (Date.now() - since) / 1000, isLost })
  }

  all(): readonly McpSession[] {
    return [...this.#rows.values()]
  }

  /** Least recently used first. */
  idle(since: number): readonly McpSession[] {
    return this.byUse().filter((session) => this.#lastUse(session) < since)
  }

  byUse(): readonly McpSession[] {
    return this.all().toSorted((a, b) => this.#lastUse(a) - this.#lastUse(b))
  }

  end(id: string): void {
    const session = this.#rows.get(id)
    if (session) for (const side of ['client', 'server'] as const) this.#measure(side, session)
    this.sql.exec('DELETE FROM mcp_sessions WHERE id = ?', id)
    if (session?.bridge) this.sql.exec('DELETE FROM bridged_sessions WHERE id = ?', id)
    this.#rows.delete(id)
    this.#usedAt.delete(id)
  }

  #lastUse({ id, lastUsedAt }: McpSession): number {
    return this.#usedAt.get(id) ?? lastUsedAt
  }

  #write(session: McpSession): void {
    const { id, grantId, resource, downstreamId, initialize, protocolVersion, lastUsedAt, bridge } = session
    this.sql.exec(
      `INSERT OR REPLACE INTO mcp_sessions (id, grant_id, resource, downstream_id, initialize, protocol_version, last_used_at, opened_at_ms,
        downstream_opened_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      grantId,
      resource,
      downstreamId ?? null,
      initialize,
      protocolVersion ?? null,
      lastUsedAt,
      session.openedAtMs ?? null,
      session.downstreamOpenedAtMs ?? null,
    )
    if (bridge) {
      const { client, downstream = null } = bridge
      this.sql.exec('INSERT OR REPLACE INTO bridged_sessions (id, client, downstream) VALUES (?, ?, ?)', id, client, downstream)
    }
    this.#rows.set(id, session)
  }
}

interface SessionRow extends Record<string, SqlStorageValue> {
  id: string
  grant_id: string
  resource: string
  downstream_id: string | null
  initialize: string
  protocol_version: string | null
  last_used_at: number
  opened_at_ms: number | null
  downstream_opened_at_ms: number | null
  client: string | null
  downstream: string | null
}

function fromRow(row: SessionRow): McpSession {
  return {
    id: row.id,
    grantId: row.grant_id,
    resource: row.resource,
    downstreamId: row.downstream_id ?? undefined,
    initialize: row.initialize,
    protocolVersion: row.protocol_version ?? undefined,
    lastUsedAt: row.last_used_at,
    openedAtMs: row.opened_at_ms ?? undefined,
    downstreamOpenedAtMs: row.downstream_opened_at_ms ?? undefined,
    ...(row.client !== null && {
      bridge: { client: row.client === 'modern' ? 'modern' : transport(row.client), downstream: transportOrNone(row.downstream) },
    }),
  }
}

function transport(text: string): Transport {
  return text === 'http-sse' ? 'http-sse' : 'streamable-http'
}

function transportOrNone(text: string | null): Transport | undefined {
  return text === null ? undefined : transport(text)
}
