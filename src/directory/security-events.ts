// Security events of the whole deployment: who was let in, who was put out, by whom and why.
//
// Layout: one numbered row per event; the sender's own id makes a second delivery harmless. Lifetime: the newest KEPT that administrators
// caused, and apart from them the newest KEPT that people and the rules did, of one person at most KEPT_OF_ONE: nobody pushes out what
// administrators did, and nobody alone what others did. Trade-off: filters scan backwards from the newest by the index that fits best, and
// stop at a page; each kind is trimmed once in TRIM_EVERY events, and at most so many in one turn: far too many, as after a release that
// keeps fewer, go in pieces, between which others have theirs.
import { LifecycleCapability, type LifecycleJobOutcome } from 'agents/lifecycle'
import { describeError, log } from '../platform/telemetry.ts'
import type { EvidenceLog } from './evidence-log.ts'
import type { NumberedEvent } from '../session/store/outbox.ts'
import { THEMSELVES } from '../session/contract/receipt.ts'
import { SIGNAL_ACTOR } from '../session/contract/signal.ts'

export interface RecordedEvent {
  readonly number: number
  readonly at: number
  readonly type: string
  readonly sub: string | undefined
  readonly clientId: string | undefined
  readonly clientName: string | undefined
  readonly grantId: string | undefined
  readonly actor: string | undefined
  readonly actorName: string | undefined
  readonly reason: string | undefined
}

export interface EventFilter {
  readonly type?: string | undefined
  readonly sub?: string | undefined
  readonly clientId?: string | undefined
  /** Events older than this number. */
  readonly before?: number | undefined
  readonly most?: number | undefined
}

const PAGE = 100
const KEPT = 200_000
const KEPT_OF_ONE = 2_000
const TRIM_EVERY = 1_000
/** In one turn, and how soon the next piece follows, in milliseconds: it takes about a tenth of that. */
const PIECE = 2_000
const NEXT_PIECE_MS = 500
/** Of a person's own, whose numbers go up one by one. */
const TRIM_OWN_EVERY = 100
/** Done by an administrator: not by the rules, not by the person themselves, and not by an identity system. */
const ADMINISTERED = `(actor IS NOT NULL AND actor <> '${THEMSELVES}' AND actor NOT GLOB '${SIGNAL_ACTOR}*')`

export class SecurityEvents extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  readonly #evidence: EvidenceLog

  constructor(storage: DurableObjectStorage, evidence: EvidenceLog) {
    super('security-events')
    this.#storage = storage
    this.#evidence = evidence
  }

  override onStart(): void {
    this.#storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS security_events (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, type TEXT NOT NULL, sub TEXT,
        client_id TEXT, client_name TEXT, grant_id TEXT, actor TEXT, actor_name TEXT, reason TEXT);
      CREATE INDEX IF NOT EXISTS security_events_by_person ON security_events (sub, number);
      CREATE INDEX IF NOT EXISTS security_events_by_type ON security_events (type, number);
      CREATE INDEX IF NOT EXISTS security_events_by_client ON security_events (client_id, number);
      CREATE INDEX IF NOT EXISTS security_events_by_origin ON security_events (${ADMINISTERED}, number)`)
  }

  /** `id` is unique over all senders; an event that is there already is ignored, and false comes back. */
  record(
    id: string,
    sub: string | undefined,
    event: Omit<NumberedEvent, 'number' | 'type'> & { readonly type: string; readonly number?: number },
  ): boolean {
    const { at, type, clientId, clientName, grantId, actor, actorName, reason } = event
    const written = this.#storage.sql.exec<{ number: number }>(
      `INSERT OR IGNORE INTO security_events (id, at, type, sub, client_id, client_name, grant_id, actor, actor_name, reason)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number`,
      id,
      at,
      type,
      sub ?? null,
      clientId ?? null,
      clientName ?? null,
      grantId ?? null,
      actor ?? null,
      actorName ?? null,
      reason ?? null,
    )
    const [row] = written
    if (row) {
      const says = { at, type, sub, clientId, clientName, grantId, actor, actorName, reason }
      this.#evidence.append({ kind: 'event', ref: String(row.number), sub, says: { event: { number: row.number, ...says } } })
    }
    if (row && row.number % TRIM_EVERY === 0 && this.#trimAll()) this.#goOn()
    if (row && sub !== undefined && (event.number ?? 1) % TRIM_OWN_EVERY === 0)
      this.#trim(`NOT ${ADMINISTERED} AND sub = ?1`, sub, KEPT_OF_ONE)
    return row !== undefined
  }

  onJob(): LifecycleJobOutcome {
    return this.#trimAll() ? { rescheduleAt: Date.now() + NEXT_PIECE_MS } : undefined
  }

  #goOn(): void {
    void this.lifecycle.jobs
      .push({ id: 'trim', fn: 'trim', time: Date.now() + NEXT_PIECE_MS })
      .catch((error: unknown) => log('warn', 'events.not_trimmed', { reason: describeError(error) }))
  }

  /** Whether there is more to go. */
  #trimAll(): boolean {
    return [0, 1].map((administered) => this.#trim(`${ADMINISTERED} = ?1`, administered, KEPT)).includes(PIECE)
  }

  /** The oldest piece of what is too many of the rows that `which` names, with `?1` for the value; how many that were. */
  #trim(which: string, value: string | number, kept: number): number {
    const gone = [
      ...this.#storage.sql.exec<{ number: number }>(
        `DELETE FROM security_events WHERE number IN (
         SELECT number FROM security_events WHERE ${which} AND number <=
         (SELECT number FROM security_events WHERE ${which} ORDER BY number DESC LIMIT 1 OFFSET ?2) ORDER BY number LIMIT ${PIECE})
         RETURNING number`,
        value,
        kept,
      ),
    ]
    this.#evidence.forget(
      'event',
      gone.map(({ number }) => String(number)),
    )
    return gone.length
  }

  /** The number of the newest; 0 when there is none. */
  get newest(): number {
    return this.#storage.sql.exec<{ n: number }>('SELECT coalesce(max(number), 0) AS n FROM security_events').one().n
  }

  /** Newest first. */
  page(filter: EventFilter): readonly RecordedEvent[] {
    const conditions = ['number < ?']
    const bound: (string | number)[] = [filter.before ?? Number.MAX_SAFE_INTEGER]
    for (const [column, value] of [
      ['type', filter.type],
      ['sub', filter.sub],
      ['client_id', filter.clientId],
    ] as const) {
      if (value === undefined) continue
      conditions.push(`${column} = ?`)
      bound.push(value)
    }
    const query = `SELECT * FROM security_events WHERE ${conditions.join(' AND ')} ORDER BY number DESC LIMIT ?`
    return [...this.#storage.sql.exec<Row>(query, ...bound, Math.min(filter.most ?? PAGE, 1_000))].map(fromRow)
  }
}

interface Row extends Record<string, SqlStorageValue> {
  number: number
  at: number
  type: string
  sub: string | null
  client_id: string | null
  client_name: string | null
  grant_id: string | null
  actor: string | null
  actor_name: string | null
  reason: string | null
}

function fromRow(row: Row): RecordedEvent {
  return {
    number: row.number,
    at: row.at,
    type: row.type,
    sub: row.sub ?? undefined,
    clientId: row.client_id ?? undefined,
    clientName: row.client_name ?? undefined,
    grantId: row.grant_id ?? undefined,
    actor: row.actor ?? undefined,
    actorName: row.actor_name ?? undefined,
    reason: row.reason ?? undefined,
  }
}
