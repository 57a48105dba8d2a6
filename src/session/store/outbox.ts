// The outbox: security events and receipts on their way to the Directory; none is lost, and none arrives twice.
//
// Layout: one row per event or receipt, numbered; the number of an event and the person's name are the event's id at the Directory, which ignores what it
// has. Lifetime: until the Directory has stored it. Trade-off: an event is a row and a job on paths that write anyway (sign-in,
// revocation), never on the path of an MCP request; while the Directory is away rows are sent again, and no session waits for that.
import type { LifecycleJobContext, LifecycleJobOutcome } from 'agents/lifecycle'
import type { Identity } from '../../caller.ts'
import { backoff } from '../../platform/backoff.ts'
import { describeError, log } from '../../platform/telemetry.ts'
import type { Receipt } from '../contract/receipt.ts'
import { TableCapability } from './table.ts'

type SecurityEventType =
  | 'signed_in'
  | 'sign_in_refused'
  | 'grant_ended'
  | 'person_ended'
  | 'person_blocked'
  | 'person_unblocked'
  | 'stream_ended'
  | 'session_ended'
  | 'machine_created'
  | 'recording_started'
  | 'recording_stopped'
  | 'recording_read'
  | 'signal_received'

export interface SecurityEvent {
  readonly type: SecurityEventType
  /** Unix seconds. */
  readonly at: number
  readonly clientId?: string
  readonly clientName?: string
  readonly grantId?: string
  readonly resource?: string
  /** Of a sign-in: when the person came back from the identity provider, which is before the client redeemed its code. */
  readonly grantedAt?: number
  /** Who did it: the name of an administrator's object, `person`, `signal:` and an issuer, or absent when the rules did. */
  readonly actor?: string
  readonly actorName?: string | undefined
  readonly reason?: string
  /** The `sid` under which the identity provider knows the person's session there. */
  readonly providerSession?: string
}

export interface NumberedEvent extends SecurityEvent {
  readonly number: number
}

/** What the Directory keeps of a person so that administrators find them; sent with every delivery, newest number wins. */
export interface PersonSummary {
  readonly sub: string
  readonly identity: Identity
  readonly blocked: boolean
  readonly liveGrants: number
  readonly clientIds: readonly string[]
  readonly resources: readonly string[]
  /** Servers at which the broker can ask in the person's name, whether or not a client is connected; `madeAt` in unix seconds. */
  readonly links: readonly { readonly resource: string; readonly madeAt: number }[]
  readonly lastSeenAt: number
  readonly number: number
}

export interface Report {
  readonly person: PersonSummary
  readonly events: readonly NumberedEvent[]
  /** Of what administrators, or the person, had ended here. */
  readonly receipts: readonly Receipt[]
}

export interface OutboxOptions {
  readonly deliver: (report: Report) => Promise<void>
  /** Undefined once the object knows nobody any more. */
  readonly summary: () => Omit<PersonSummary, 'number'> | undefined
}

const BATCH = 200
const RETRY_MS = { first: 1_000, longest: 300_000 }

export class Outbox extends TableCapability {
  #options: OutboxOptions | undefined
  #failures = 0

  constructor(storage: DurableObjectStorage) {
    super(storage, 'outbox', 'CREATE TABLE IF NOT EXISTS outbox (number INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL)')
  }

  open(options: OutboxOptions): void {
    this.#options = options
  }

  /** Stores the event with whatever else this turn writes; it leaves by a job a moment later. */
  async put(event: SecurityEvent): Promise<void> {
    await this.#put(event)
  }

  /** The same for what has come of an action. */
  async putReceipt(receipt: Receipt): Promise<void> {
    await this.#put({ receipt })
  }

  async #put(row: Row): Promise<void> {
    this.sql.exec('INSERT INTO outbox (event) VALUES (?)', JSON.stringify(row))
    await this.lifecycle.jobs.push({ id: 'outbox', fn: 'deliver', time: Date.now() })
  }

  /** Tells the Directory how things stand although nothing has happened. */
  async report(): Promise<void> {
    await this.lifecycle.jobs.push({ id: 'outbox', fn: 'report', time: Date.now() })
  }

  get waiting(): number {
    return this.sql.exec<{ n: number }>('SELECT count(*) AS n FROM outbox').one().n
  }

  async onJob({ job }: LifecycleJobContext): Promise<LifecycleJobOutcome> {
    const rows = [...this.sql.exec<{ number: number; event: string }>('SELECT * FROM outbox ORDER BY number LIMIT ?', BATCH)]
    const last = rows.at(-1)?.number ?? (job.fn === 'report' ? this.#lastNumber : undefined)
    const summary = this.#options?.summary()
    if (last === undefined || !this.#options || !summary) return undefined
    try {
      const read = rows.map(({ number, event }) => ({ number, row: rowOf(event) }))
      const events = read.flatMap(({ number, row }) => ('receipt' in row ? [] : [{ ...row, number }]))
      const receipts = read.flatMap(({ row }) => ('receipt' in row ? [row.receipt] : []))
      await this.#options.deliver({ person: { ...summary, number: last }, events, receipts })
    } catch (error) {
      const later = backoff(RETRY_MS, this.#failures)
      this.#failures += 1
      log('warn', 'outbox.not_delivered', { waiting: this.waiting, reason: describeError(error) })
      return { rescheduleAt: Date.now() + later }
    }
    this.#failures = 0
    this.sql.exec('DELETE FROM outbox WHERE number <= ?', last)
    return this.waiting > 0 ? 'yield' : undefined
  }

  get #lastNumber(): number {
    return this.storage.sql
      .exec<{ n: number }>("SELECT coalesce(max(seq), 0) AS n FROM sqlite_sequence WHERE name = 'outbox'")
      .one().n
  }
}

type Row = SecurityEvent | { readonly receipt: Receipt }

function rowOf(json: string): Row {
  // Written by `put`, by nobody else.
  return JSON.parse(json)
}
