// What is kept of legacy servers that clients of 2026-07-28 use: what each has said of itself, and calls that wait for an answer of the client's.
//
// Layout: `legacy_servers` has the result of `initialize` by MCP session, whose row is in `mcp_sessions`; `parked_calls` has a row for each call
// that a server has put questions in, taken by whoever comes back with the answers; `asking_servers` names the servers that ask without saying
// in which call. Lifetime: as the session; five minutes; as the object, a row for each server. Trade-off: the request itself is not kept,
// because the server has it; what can't be gone on with is sent again by the client.
import * as z from 'zod'
import type { KeyRing } from '../../issuer/keys.ts'
import { seal, unseal } from '../../platform/crypto.ts'
import { OWN_STATE } from '../contract/request-state.ts'
import { TableCapability } from './table.ts'

/** A result that is larger is asked for again after the object has slept. */
const LARGEST_KEPT = 512 * 1024

/** In JSON but for key and method; the id is the server's, and of an address that stood in an error there is none. */
const questionSchema = z
  .object({ key: z.string(), id: z.string().optional(), method: z.string(), params: z.string().optional() })
  .readonly()

/** A question of the server's, and the key under which the client is asked it. */
export type ParkedQuestion = z.output<typeof questionSchema>

export interface ParkedCall {
  readonly id: string
  readonly grantId: string
  readonly sessionId: string
  /** The broker's id of the request at the server. */
  readonly callId: string
  readonly label: string
  /** How often the client was asked. */
  readonly round: number
  /** The server has refused the call until the person has been somewhere: it is sent anew. */
  readonly isSentAgain: boolean
  readonly questions: readonly ParkedQuestion[]
  /** What the answer of the server can be resumed after. */
  readonly serverEventId: string | undefined
  /** Unix seconds. */
  readonly openedAt: number
  readonly until: number
}

/** What a sealed state says, to be compared with the request it comes back in. */
const stateSchema = z
  .object({
    id: z.string(),
    round: z.number(),
    sub: z.string(),
    grantId: z.string(),
    resource: z.string(),
    method: z.string(),
    /** SHA-256 of what has to be the same. */
    digest: z.string(),
    until: z.number(),
  })
  .readonly()

export type RequestState = z.output<typeof stateSchema>

const CONTEXT = 'request state of a parked call'

/** Longer ones are not ours. */
const LONGEST_STATE = 2_048

export class LegacyDownstreams extends TableCapability {
  #keys: KeyRing | undefined

  constructor(storage: DurableObjectStorage) {
    super(
      storage,
      'legacy-downstreams',
      'CREATE TABLE IF NOT EXISTS legacy_servers (session_id TEXT PRIMARY KEY, initialized TEXT NOT NULL) WITHOUT ROWID',
      `CREATE TABLE IF NOT EXISTS parked_calls (
      id TEXT PRIMARY KEY, grant_id TEXT NOT NULL, session_id TEXT NOT NULL, call_id TEXT NOT NULL, label TEXT NOT NULL,
      round INTEGER NOT NULL, is_sent_again INTEGER NOT NULL, questions TEXT NOT NULL, server_event_id TEXT,
      opened_at INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID`,
      'CREATE TABLE IF NOT EXISTS asking_servers (resource TEXT PRIMARY KEY) WITHOUT ROWID',
    )
  }

  /** Called once after start. */
  open(keys: KeyRing): void {
    this.#keys = keys
  }

  /** The result of `initialize` in a session, in JSON. */
  initialized(sessionId: string): string | undefined {
    const rows = this.sql.exec<{ initialized: string }>('SELECT initialized FROM legacy_servers WHERE session_id = ?', sessionId)
    return rows.toArray()[0]?.initialized
  }

  noteInitialized(sessionId: string, result: string): void {
    if (result.length > LARGEST_KEPT) return
    this.sql.exec('INSERT OR REPLACE INTO legacy_servers (session_id, initialized) VALUES (?, ?)', sessionId, result)
  }

  forgetSession(sessionId: string): void {
    this.sql.exec('DELETE FROM legacy_servers WHERE session_id = ?', sessionId)
    this.sql.exec('DELETE FROM parked_calls WHERE session_id = ?', sessionId)
  }

  /** Whether this server has asked something outside of the answers to its calls. */
  asksUnrelated(resource: string): boolean {
    return this.sql.exec('SELECT 1 FROM asking_servers WHERE resource = ?', resource).toArray().length > 0
  }

  noteAsksUnrelated(resource: string): void {
    this.sql.exec('INSERT OR IGNORE INTO asking_servers (resource) VALUES (?)', resource)
  }

  park(call: ParkedCall): void {
    const { id, grantId, sessionId, callId, label, round, isSentAgain, questions, serverEventId, openedAt, until } = call
    this.sql.exec(
      `INSERT OR REPLACE INTO parked_calls
        (id, grant_id, session_id, call_id, label, round, is_sent_again, questions, server_event_id, opened_at, until)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      grantId,
      sessionId,
      callId,
      label,
      round,
      isSentAgain ? 1 : 0,
      JSON.stringify(questions),
      serverEventId ?? null,
      openedAt,
      until,
    )
  }

  find(id: string): ParkedCall | undefined {
    return this.#rows('WHERE id = ?', id)[0]
  }

  all(): readonly ParkedCall[] {
    return this.#rows('')
  }

  /** True for the first who takes it: whoever comes with the same state later finds nothing. */
  take(id: string): boolean {
    return this.sql.exec('DELETE FROM parked_calls WHERE id = ?', id).rowsWritten > 0
  }

  async sealed(state: RequestState): Promise<string> {
    if (!this.#keys) throw new Error('parked calls were used before they were opened')
    return OWN_STATE + (await seal(this.#keys.current.vault, JSON.stringify(state), CONTEXT))
  }

  /** Undefined for what was not sealed here. */
  async unsealed(state: string): Promise<RequestState | undefined> {
    const { current, previous } = this.#keys ?? {}
    if (state.length > LONGEST_STATE || !current || !state.startsWith(OWN_STATE)) return undefined
    const sealed = state.slice(OWN_STATE.length)
    const text = (await unseal(current.vault, sealed, CONTEXT)) ?? (previous && (await unseal(previous.vault, sealed, CONTEXT)))
    return text === undefined ? undefined : stateSchema.parse(JSON.parse(text))
  }

  #rows(where: string, ...values: readonly string[]): readonly ParkedCall[] {
    return [...this.sql.exec<ParkedRow>(`SELECT * FROM parked_calls ${where}`, ...values)].map(fromRow)
  }
}

interface ParkedRow extends Record<string, SqlStorageValue> {
  id: string
  grant_id: string
  session_id: string
  call_id: string
  label: string
  round: number
  is_sent_again: number
  questions: string
  server_event_id: string | null
  opened_at: number
  until: number
}

function fromRow(row: ParkedRow): ParkedCall {
  return {
    id: row.id,
    grantId: row.grant_id,
    sessionId: row.session_id,
    callId: row.call_id,
    label: row.label,
    round: row.round,
    isSentAgain: row.is_sent_again !== 0,
    questions: z.array(questionSchema).parse(JSON.parse(row.questions)),
    serverEventId: row.server_event_id ?? undefined,
    openedAt: row.opened_at,
    until: row.until,
  }
}
