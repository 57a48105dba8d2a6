// Sessions that clients of the older revisions have with servers of 2026-07-28, which keep none: what goes with every request of theirs.
//
// Layout: one row per session, and one per call that waits for its client to answer a question; rows of sessions are in memory too.
// Lifetime: a session's with the MCP session it is the far end of; a call's until it is answered, or its time is over. Trade-off: a call is
// written when it asks, not before, so that one that asks nothing costs no write; one that asks outlives a restart.
import { TableCapability } from './table.ts'

export interface ModernSession {
  /** Stands in for the downstream's id of an MCP session. */
  readonly id: string
  readonly resource: string
  /** What was negotiated with the client. */
  readonly protocolVersion: string
  /** JSON, as they go with every request. */
  readonly capabilities: string
  readonly clientInfo: string
  /** JSON: what the server can, as the client was told. */
  readonly offers: string
  readonly logLevel: string | undefined
  /** URIs of resources the client wants to hear of. */
  readonly subscribed: readonly string[]
}

/** A call whose client is asked something. */
export interface AskingCall {
  readonly id: string
  readonly session: string
  /** The client's message, as it came. */
  readonly message: string
  readonly round: number
  /** JSON; absent where the server gave none. */
  readonly requestState: string | undefined
  /** JSON: the questions of this round, and the answers that have come. */
  readonly questions: string
  /** Unix milliseconds. */
  readonly untilMs: number
}

export class ModernSessions extends TableCapability {
  readonly #rows = new Map<string, ModernSession>()

  constructor(storage: DurableObjectStorage) {
    super(storage, 'modern-sessions')
  }

  override onStart(): void {
    const { sql } = this.storage
    sql.exec(MODERN_SESSIONS)
    sql.exec(ASKING_CALLS)
    for (const row of sql.exec<SessionRow>('SELECT * FROM modern_sessions')) this.#rows.set(row.id, fromRow(row))
  }

  find(id: string): ModernSession | undefined {
    return this.#rows.get(id)
  }

  keep(session: ModernSession): void {
    const { id, resource, protocolVersion, capabilities, clientInfo, offers, logLevel, subscribed } = session
    this.#rows.set(id, session)
    this.sql.exec(
      `INSERT OR REPLACE INTO modern_sessions
        (id, resource, protocol_version, capabilities, client_info, offers, log_level, subscribed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      resource,
      protocolVersion,
      capabilities,
      clientInfo,
      offers,
      logLevel ?? null,
      JSON.stringify(subscribed),
    )
  }

  end(id: string): void {
    if (!this.#rows.delete(id)) return
    this.sql.exec('DELETE FROM modern_sessions WHERE id = ?', id)
    this.sql.exec('DELETE FROM asking_calls WHERE session = ?', id)
  }

  /** Sessions no MCP session leads to any more, and calls whose time is over. */
  sweep(isUsed: (id: string) => boolean, nowMs: number): void {
    for (const id of this.#rows.keys()) if (!isUsed(id)) this.end(id)
    this.sql.exec('DELETE FROM asking_calls WHERE until_ms < ?', nowMs)
  }

  keepCall({ id, session, message, round, requestState, questions, untilMs }: AskingCall): void {
    this.sql.exec(
      `INSERT OR REPLACE INTO asking_calls (id, session, message, round, request_state, questions, until_ms)
        VALUES (?, ?, ?, ?, ?, ?, ?)`,
      id,
      session,
      message,
      round,
      requestState ?? null,
      questions,
      untilMs,
    )
  }

  callOf(id: string, session: string): AskingCall | undefined {
    const found = this.storage.sql
      .exec<CallRow>('SELECT * FROM asking_calls WHERE id = ? AND session = ?', id, session)
      .toArray()[0]
    return found && callFrom(found)
  }

  callsOf(session: string): readonly AskingCall[] {
    return this.sql.exec<CallRow>('SELECT * FROM asking_calls WHERE session = ?', session).toArray().map(callFrom)
  }

  endCall(id: string): void {
    this.sql.exec('DELETE FROM asking_calls WHERE id = ?', id)
  }
}

export const MODERN_SESSIONS = `CREATE TABLE IF NOT EXISTS modern_sessions (
  id TEXT PRIMARY KEY, resource TEXT NOT NULL, protocol_version TEXT NOT NULL, capabilities TEXT NOT NULL, client_info TEXT NOT NULL,
  offers TEXT NOT NULL, log_level TEXT, subscribed TEXT NOT NULL)`

export const ASKING_CALLS = `CREATE TABLE IF NOT EXISTS asking_calls (
  id TEXT PRIMARY KEY, session TEXT NOT NULL, message TEXT NOT NULL, round INTEGER NOT NULL, request_state TEXT, questions TEXT NOT NULL,
  until_ms INTEGER NOT NULL)`

interface SessionRow extends Record<string, SqlStorageValue> {
  id: string
  resource: string
  protocol_version: string
  capabilities: string
  client_info: string
  offers: string
  log_level: string | null
  subscribed: string
}

interface CallRow extends Record<string, SqlStorageValue> {
  id: string
  session: string
  message: string
  round: number
  request_state: string | null
  questions: string
  until_ms: number
}

function fromRow(row: SessionRow): ModernSession {
  const subscribed: unknown = JSON.parse(row.subscribed)
  return {
    id: row.id,
    resource: row.resource,
    protocolVersion: row.protocol_version,
    capabilities: row.capabilities,
    clientInfo: row.client_info,
    offers: row.offers,
    logLevel: row.log_level ?? undefined,
    subscribed: Array.isArray(subscribed) ? subscribed.filter((uri) => typeof uri === 'string') : [],
  }
}

function callFrom({ id, session, message, round, request_state: state, questions, until_ms: untilMs }: CallRow): AskingCall {
  return { id, session, message, round, requestState: state ?? undefined, questions, untilMs }
}
