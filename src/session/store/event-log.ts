// The event log: every event of a legacy stream, stored before it is sent, so that it can be sent again.
//
// Layout: `streams` has a row per stream, `events` a row per event in one AUTOINCREMENT sequence for the whole person, without a
// secondary index (an append is one row; a replay scans forward from its cursor, and the ring is short). The downstream's own
// event id stands in the same row, so that both cursors move together; the newest row that has one says where the downstream goes
// on, and `streams.up_id` what was said before the first row that is left. `standing` has a row per standing stream: its newest
// connection, and whether anybody reads it at the downstream; both must outlast sleep and crash. Lifetime: bounded by count, bytes
// and age; what falls out is the oldest. Trade-off: `storage.sync()` before every emission, because a JavaScript ReadableStream does not wait for
// the output gate and an id that was sent must never be given to another event. What is
// larger than a row goes on in `event-parts.ts`.
import { LifecycleCapability } from 'agents/lifecycle'
import { BYTES_OF_EVENT, EventParts, inParts, isWhole, OF_SESSIONS } from './event-parts.ts'
import type { LogBounds } from './log-bounds.ts'
import type { Cursor } from '../contract/event-id.ts'

/** `call`: the answer to one POST. `standing`: the GET stream of an MCP session. */
type StreamKind = 'call' | 'standing'

export interface LoggedStream {
  readonly id: string
  readonly grantId: string
  readonly mcpSession: string
  readonly kind: StreamKind
  /** JSON-RPC ids of requests that still await their response, each as its client spelled it in JSON. */
  readonly openRequests: readonly string[]
  /** The downstream's id of the last event that had one. */
  readonly serverEventId: string | undefined
  readonly closed: boolean
  /** Number of the last event of this stream that was dropped: a cursor below it would meet a gap. */
  readonly trimmedTo: number
}

export interface LoggedEvent {
  readonly seq: number
  readonly event: string | undefined
  readonly data: string
}

export interface NewEvent {
  readonly serverEventId: string | undefined
  readonly event: string | undefined
  readonly data: string
}

export class EventLog extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  readonly #parts: EventParts
  #count = 0
  #bytes = 0
  #trims = 0
  // What was last written of the unanswered requests of each open stream: most events answer nothing and need no second write.
  readonly #open = new Map<string, string>()

  constructor(storage: DurableObjectStorage) {
    super('event-log')
    this.#storage = storage
    this.#parts = new EventParts(storage.sql)
  }

  override onStart(): void {
    const { sql } = this.#storage
    sql.exec(`CREATE TABLE IF NOT EXISTS streams (
      id TEXT PRIMARY KEY, grant_id TEXT NOT NULL, mcp_session TEXT NOT NULL, kind TEXT NOT NULL, open_requests TEXT NOT NULL,
      up_id TEXT, closed INTEGER NOT NULL, opened_at INTEGER NOT NULL, trimmed_to INTEGER NOT NULL DEFAULT 0)`)
    sql.exec(`CREATE TABLE IF NOT EXISTS events (
      seq INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, up_id TEXT, event TEXT, data TEXT NOT NULL, at INTEGER NOT NULL)`)
    sql.exec('CREATE TABLE IF NOT EXISTS standing (stream TEXT PRIMARY KEY, epoch INTEGER NOT NULL, carried INTEGER NOT NULL)')
    this.#parts.create()
    this.#measure()
  }

  open(stream: Omit<LoggedStream, 'serverEventId' | 'closed' | 'trimmedTo'>, now: number): void {
    const { id, grantId, mcpSession, kind, openRequests } = stream
    const requests = JSON.stringify(openRequests)
    this.#open.set(id, requests)
    this.#storage.sql.exec(
      `INSERT INTO streams (id, grant_id, mcp_session, kind, open_requests, up_id, closed, opened_at, trimmed_to)
        VALUES (?, ?, ?, ?, ?, NULL, 0, ?, 0)`,
      id,
      grantId,
      mcpSession,
      kind,
      requests,
      now,
    )
  }

  find(id: string): LoggedStream | undefined {
    const [row] = this.#storage.sql.exec<StreamRow>(`${SELECT_STREAMS} WHERE id = ?`, id)
    return row && fromRow(row)
  }

  /** Streams that were open when the object last lived, and still are. */
  unfinished(): readonly LoggedStream[] {
    return [...this.#storage.sql.exec<StreamRow>(`${SELECT_STREAMS} WHERE closed = 0`)].map(fromRow)
  }

  /**
   * Appends events and what they leave unanswered in one transaction. Resolves with the number of the last one when all are
   * safely stored; nothing may be sent before.
   */
  async append(stream: string, events: readonly NewEvent[], openRequests: readonly string[], now: number): Promise<number> {
    const insert = (): number => this.#insert(stream, events, openRequests, now)
    // All or nothing, and one statement is that by itself: what an answer settled is settled with it.
    const isOne =
      events.length === 1 && events.every(({ data }) => isWhole(data)) && this.#open.get(stream) === JSON.stringify(openRequests)
    const last = isOne ? insert() : this.#storage.transactionSync(insert)
    this.#count += events.length
    for (const { data } of events) this.#bytes += data.length
    await this.#storage.sync()
    return last
  }

  #insert(stream: string, events: readonly NewEvent[], openRequests: readonly string[], now: number): number {
    let last = 0
    for (const { serverEventId: id, event, data } of events) {
      const insert = 'INSERT INTO events (stream, up_id, event, data, at) VALUES (?, ?, ?, ?, ?) RETURNING seq'
      const [beginning, ...following] = inParts(data)
      last = this.#storage.sql.exec<{ seq: number }>(insert, stream, id ?? null, event ?? null, beginning, now).one().seq
      this.#parts.keep(last, following)
    }
    this.expect(stream, openRequests)
    return last
  }

  /** What a stream now owes its client; kept over a restart. */
  expect(stream: string, openRequests: readonly string[]): void {
    const open = JSON.stringify(openRequests)
    if (this.#open.get(stream) !== open) this.#storage.sql.exec('UPDATE streams SET open_requests = ? WHERE id = ?', open, stream)
    this.#open.set(stream, open)
  }

  /** An id of the downstream that came without an event, as in the priming event of SEP-1699. */
  noteServerEventId(stream: string, serverEventId: string): void {
    const { sql } = this.#storage
    const ofNewest = 'UPDATE events SET up_id = ? WHERE seq = (SELECT max(seq) FROM events WHERE stream = ?)'
    const { rowsWritten } = sql.exec(ofNewest, serverEventId, stream)
    if (rowsWritten === 0) sql.exec('UPDATE streams SET up_id = ? WHERE id = ?', serverEventId, stream)
  }

  /** The downstream does not know the id any more. */
  forgetServerEventId(stream: string): void {
    this.#storage.sql.exec('UPDATE events SET up_id = NULL WHERE stream = ? AND up_id IS NOT NULL', stream)
    this.#storage.sql.exec('UPDATE streams SET up_id = NULL WHERE id = ?', stream)
  }

  close(stream: string): void {
    this.#open.delete(stream)
    this.#storage.sql.exec('UPDATE streams SET closed = 1 WHERE id = ?', stream)
  }

  /** Events after the cursor and up to a number, oldest first, read as they are asked for. To be used up in one turn. */
  *after({ stream, seq }: Cursor, upTo: number): Generator<LoggedEvent, void> {
    const select = 'SELECT seq, event, data FROM events WHERE seq > ? AND seq <= ? AND stream = ? ORDER BY seq'
    for (const row of this.#storage.sql.exec<EventRow>(select, seq, upTo, stream)) {
      yield { seq: row.seq, event: row.event ?? undefined, data: this.#parts.whole(row.seq, row.data) }
    }
  }

  /** What is there of a stream: since when, how many events and bytes of them are kept, and when the last came. */
  progressOf(stream: string): {
    readonly openedAt: number
    readonly events: number
    readonly bytes: number
    readonly lastAt?: number
  } {
    const query = `SELECT (SELECT opened_at FROM streams WHERE id = ?1) AS opened, count(*) AS events,
      coalesce(sum(${BYTES_OF_EVENT}), 0) AS bytes, max(at) AS last FROM events WHERE stream = ?1`
    const { opened, events, bytes, last } = this.#storage.sql.exec<ProgressRow>(query, stream).one()
    return { openedAt: opened ?? 0, events, bytes, ...(last !== null && { lastAt: last }) }
  }

  /** How many bytes come after the cursor. */
  bytesAfter({ stream, seq }: Cursor): number {
    const query = `SELECT coalesce(sum(${BYTES_OF_EVENT}), 0) AS bytes FROM events WHERE seq > ? AND stream = ?`
    return this.#storage.sql.exec<{ bytes: number }>(query, seq, stream).one().bytes
  }

  /** Number of the newest event. */
  get last(): number {
    return this.#storage.sql.exec<{ seq: number }>('SELECT coalesce(max(seq), 0) AS seq FROM events').one().seq
  }

  standingOf(mcpSession: string): LoggedStream | undefined {
    const ofSession = `${SELECT_STREAMS} WHERE mcp_session = ? AND kind = 'standing'`
    const [row] = this.#storage.sql.exec<StreamRow>(ofSession, mcpSession)
    return row && fromRow(row)
  }

  /** A new connection to a standing stream; its number goes with everything it brings. */
  newEpoch(stream: string): number {
    const upsert = `INSERT INTO standing (stream, epoch, carried)
        VALUES (?, 1, 1) ON CONFLICT (stream) DO UPDATE SET epoch = epoch + 1, carried = 1 RETURNING epoch`
    return this.#storage.sql.exec<{ epoch: number }>(upsert, stream).one().epoch
  }

  /** Of the newest connection; undefined before the first, and when the stream has ended. */
  epochOf(stream: string): number | undefined {
    return this.#storage.sql.exec<{ epoch: number }>('SELECT epoch FROM standing WHERE stream = ?', stream).toArray()[0]?.epoch
  }

  /** Nobody reads the standing stream any more, until it gets a new connection. */
  rest(stream: string): void {
    this.#storage.sql.exec('UPDATE standing SET carried = 0 WHERE stream = ?', stream)
  }

  /** Whether somebody read the standing stream when the object last lived. */
  wasCarried(stream: string): boolean {
    return [...this.#storage.sql.exec('SELECT 1 FROM standing WHERE stream = ? AND carried = 1', stream)].length > 0
  }

  /** How often anything was dropped; while it stands still no cursor can have lost its place. */
  get trims(): number {
    return this.#trims
  }

  isOver(bounds: LogBounds): boolean {
    return this.#count > bounds.events || this.#bytes > bounds.bytes
  }

  /** Drops what is too old or too much, oldest first, in one ranged DELETE, and streams nobody can resume any more. */
  trim(bounds: LogBounds, now: number): void {
    const { sql } = this.#storage
    const [aged] = sql.exec<{ seq: number }>('SELECT coalesce(max(seq), 0) AS seq FROM events WHERE at < ?', now - bounds.age)
    let upTo = aged?.seq ?? 0
    let kept = 0
    let bytes = 0
    // A fifth is dropped beyond the bound, so that a busy stream does not trim at every event.
    for (const row of sql.exec<{ seq: number; size: number }>(
      `SELECT seq, ${BYTES_OF_EVENT} AS size FROM events ORDER BY seq DESC`,
    )) {
      kept += 1
      bytes += row.size
      if (kept <= bounds.events * 0.8 && bytes <= bounds.bytes * 0.8) continue
      upTo = Math.max(upTo, row.seq)
      break
    }
    if (upTo === 0) return
    // What a row said that goes is kept with its stream: that there was one, and where the downstream goes on after.
    for (const [column, said] of DROPPED) {
      const newest = `SELECT stream, ${said} AS said, max(seq) FROM events WHERE seq <= ? AND ${said} IS NOT NULL GROUP BY stream`
      sql.exec(`UPDATE streams SET ${column} = said FROM (${newest}) AS dropped WHERE id = dropped.stream`, upTo)
    }
    sql.exec('DELETE FROM events WHERE seq <= ?', upTo)
    this.#parts.drop(upTo)
    this.#trims += 1
    this.#measure()
    sql.exec(
      'DELETE FROM streams WHERE closed = 1 AND opened_at < ? AND id NOT IN (SELECT DISTINCT stream FROM events)',
      now - bounds.age,
    )
  }

  #measure(): void {
    const [size] = this.#storage.sql.exec<{ n: number; b: number }>(
      `SELECT count(*) AS n, coalesce(sum(${BYTES_OF_EVENT}), 0) AS b FROM events`,
    )
    this.#count = size?.n ?? 0
    this.#bytes = size?.b ?? 0
  }

  /** The streams of a session go with it to another grant. */
  giveTo(grantId: string, mcpSession: string): void {
    this.#storage.sql.exec('UPDATE streams SET grant_id = ? WHERE mcp_session = ?', grantId, mcpSession)
  }

  forgetSessions(mcpSessions: Iterable<string>): void {
    const ids = JSON.stringify([...mcpSessions])
    this.#parts.forgetSessions(ids)
    for (const table of ['events', 'standing'])
      this.#storage.sql.exec(`DELETE FROM ${table} WHERE stream IN (SELECT id FROM streams WHERE ${OF_SESSIONS})`, ids)
    this.#storage.sql.exec(`DELETE FROM streams WHERE ${OF_SESSIONS}`, ids)
  }
}

/** Column of the stream, by the column of its newest dropped event that is written there. */
const DROPPED = [
  ['trimmed_to', 'seq'],
  ['up_id', 'up_id'],
] as const

/** The cursor toward the downstream is that of the newest event; before it comes what is left of those that were dropped. */
const SELECT_STREAMS = `SELECT *, coalesce(
  (SELECT up_id FROM events WHERE stream = streams.id AND up_id IS NOT NULL ORDER BY seq DESC LIMIT 1), up_id) AS newest_up_id FROM streams`

interface StreamRow extends Record<string, SqlStorageValue> {
  id: string
  grant_id: string
  mcp_session: string
  kind: string
  open_requests: string
  newest_up_id: string | null
  closed: number
  trimmed_to: number
}

interface ProgressRow extends Record<string, SqlStorageValue> {
  opened: number | null
  events: number
  bytes: number
  last: number | null
}

interface EventRow extends Record<string, SqlStorageValue> {
  seq: number
  event: string | null
  data: string
}

function fromRow(row: StreamRow): LoggedStream {
  return {
    id: row.id,
    grantId: row.grant_id,
    mcpSession: row.mcp_session,
    kind: row.kind === 'standing' ? 'standing' : 'call',
    openRequests: requestIds(row.open_requests),
    serverEventId: row.newest_up_id ?? undefined,
    closed: row.closed === 1,
    trimmedTo: row.trimmed_to,
  }
}

function requestIds(json: string): readonly string[] {
  const ids: unknown = JSON.parse(json)
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : []
}
