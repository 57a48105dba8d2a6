// Signals: what identity systems say about somebody's access, taken once, carried out in the objects of those it names, and insisted on.
//
// Layout: a row per signal that was taken, a row per person who has not answered yet, and one per door with what came by it last. Lifetime: a
// signal until nobody would take it any more, an order until the person's object has answered. Trade-off: all of it is here, so that a
// signal is taken once whomever it names; a signal costs two writes more than what it ends.
import { LifecycleCapability, type LifecycleJobOutcome } from 'agents/lifecycle'
import type { Identity } from '../caller.ts'
import { backoff } from '../platform/backoff.ts'
import { sha256 } from '../platform/crypto.ts'
import { describeError, log } from '../platform/telemetry.ts'
import type { Receipt } from '../session/contract/receipt.ts'
import type { Door } from '../session/contract/signal-facts.ts'
import { leavesReceipt, SIGNAL_ACTOR, type Signal, type SignalOrder, type SignalOutcome } from '../session/contract/signal.ts'
import { TakenIds } from '../session/store/taken-once.ts'
import { within } from './bulk-action-rows.ts'

/** Who is meant: the name of the object, and who they are. */
export interface Meant {
  readonly sub: string
  readonly person: Identity
}

export interface SignalOptions {
  readonly meant: (signal: Signal) => Promise<readonly Meant[]>
  /** Asks a person's object; undefined when nobody knows them. */
  readonly ask: (order: SignalOrder, meant: Meant) => Promise<Receipt | undefined>
  readonly keep: (receipt: Receipt) => void
  /** Unix seconds. */
  readonly now: () => number
}

/** What came by a door last, of one provider. */
export interface LastSignal {
  readonly provider: string
  readonly door: Door
  readonly event: string
  readonly jti: string
  /** Unix seconds. */
  readonly at: number
}

/** Within their lifetimes; a row has a hundred bytes. */
const MOST = 500_000
const ANSWER_WITHIN_MS = 20_000
const RETRY_MS = { first: 1_000, longest: 300_000 }
const TRY_AGAIN_MS = 30_000
const BATCH = 50
const SHOWN_JTI = 100

export class Signals extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  readonly #options: SignalOptions
  readonly #taken: TakenIds

  constructor(storage: DurableObjectStorage, options: SignalOptions) {
    super('signals')
    this.#storage = storage
    this.#options = options
    this.#taken = new TakenIds(storage, 'signals', MOST)
  }

  override onStart(): void {
    this.#taken.createTable()
    this.#storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS signal_orders (
        signal TEXT NOT NULL, sub TEXT NOT NULL, signal_order TEXT NOT NULL, person TEXT NOT NULL, attempts INTEGER NOT NULL, due INTEGER NOT NULL,
        PRIMARY KEY (signal, sub)) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS signal_orders_by_due ON signal_orders (due);
      CREATE TABLE IF NOT EXISTS signal_doors (
        provider TEXT NOT NULL, door TEXT NOT NULL, event TEXT NOT NULL, jti TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (provider, door)) WITHOUT ROWID`)
  }

  /** Answers when everybody it names has: then what it ended is closed. */
  async take(signal: Signal): Promise<SignalOutcome> {
    const [id, everybody] = await Promise.all([sha256(`${signal.issuer}\0${signal.jti}`), this.#options.meant(signal)])
    const orders = everybody.map((meant, index) => ({ ...meant, order: orderOf(signal, meant.sub, id, index) }))
    const taken = this.#storage.transactionSync(() => this.#begin(signal, id, orders))
    if (taken === 'crowded') return { outcome: 'crowded' }
    // It may be the sender who tries again because somebody has not answered: nobody else has any more to do.
    const rows = this.#rows('signal = ?', id, -1)
    if (taken === 'reused' && rows.length === 0) return { outcome: 'reused' }
    const answers = await Promise.all(rows.map((row) => this.#ask(row)))
    if (answers.includes('failed')) {
      await this.#plan()
      return { outcome: 'unfinished' }
    }
    const receipts = answers.flatMap((answer) => (typeof answer === 'object' ? answer : []))
    return receipts.length > 0 ? { outcome: 'done', receipts } : { outcome: 'unknown' }
  }

  /** Something was said by this door, and believed. */
  came({ provider, door, event, jti }: Pick<Signal, 'provider' | 'door' | 'event' | 'jti'>): void {
    const note = 'INSERT OR REPLACE INTO signal_doors (provider, door, event, jti, at) VALUES (?, ?, ?, ?, ?)'
    this.#storage.sql.exec(note, provider, door, event, jti, this.#options.now())
  }

  /** What came last, by provider and door. */
  last(): readonly LastSignal[] {
    return [...this.#storage.sql.exec<LastRow>('SELECT * FROM signal_doors ORDER BY provider, door')]
  }

  /** Whoever wakes the object wakes what was not finished when it died. */
  async resume(): Promise<void> {
    await this.#plan()
  }

  async onJob(): Promise<LifecycleJobOutcome> {
    await Promise.all(this.#rows('due <= ?', Date.now(), BATCH).map((row) => this.#ask(row)))
    const due = this.#nextDue()
    return due === undefined ? undefined : { rescheduleAt: Math.max(due, Date.now() + 1) }
  }

  /** An unexpected error must not end the job: whoever has not answered is asked again. */
  onJobError(_: unknown, error: unknown): LifecycleJobOutcome {
    log('error', 'signal.stumbled', { reason: describeError(error) })
    return { rescheduleAt: Date.now() + TRY_AGAIN_MS }
  }

  /** In one turn: what was taken is remembered with what is to be done, or not at all. */
  #begin(
    signal: Signal,
    id: string,
    orders: readonly (Meant & { readonly order: SignalOrder })[],
  ): 'taken' | 'reused' | 'crowded' {
    const taken = this.#taken.take(id, signal.until, this.#options.now())
    if (taken !== 'taken') return taken
    const { sql } = this.#storage
    this.came(signal)
    for (const { sub, person, order } of orders)
      sql.exec(
        'INSERT INTO signal_orders (signal, sub, signal_order, person, attempts, due) VALUES (?, ?, ?, ?, 0, ?)',
        id,
        sub,
        JSON.stringify(order),
        JSON.stringify(person),
        // Asked at once; the job is for what was cut off.
        Date.now() + ANSWER_WITHIN_MS,
      )
    return taken
  }

  async #ask({ signal, sub, signal_order, person, attempts }: OrderRow): Promise<Receipt | 'nobody' | 'failed'> {
    // Written by `#begin`, by nobody else.
    const order: SignalOrder = JSON.parse(signal_order)
    const known: Identity = JSON.parse(person)
    const { sql } = this.#storage
    try {
      const receipt = await within(ANSWER_WITHIN_MS, this.#options.ask(order, { sub, person: known }))
      sql.exec('DELETE FROM signal_orders WHERE signal = ? AND sub = ?', signal, sub)
      // Of a second attempt the first may have ended more: that receipt is on its way from the person's object.
      if (receipt && attempts === 0 && leavesReceipt(receipt)) this.#options.keep(receipt)
      return receipt ?? 'nobody'
    } catch (error) {
      const due = Date.now() + backoff(RETRY_MS, attempts)
      log('warn', 'signal.not_answered', {
        jti: order.signal.jti,
        person: sub,
        attempts: attempts + 1,
        reason: describeError(error),
      })
      sql.exec('UPDATE signal_orders SET attempts = ?, due = ? WHERE signal = ? AND sub = ?', attempts + 1, due, signal, sub)
      return 'failed'
    }
  }

  async #plan(): Promise<void> {
    const time = this.#nextDue()
    if (time !== undefined) await this.lifecycle.jobs.push({ id: 'signals', fn: 'insist', time })
  }

  #nextDue(): number | undefined {
    return this.#storage.sql.exec<{ due: number | null }>('SELECT min(due) AS due FROM signal_orders').one().due ?? undefined
  }

  #rows(which: string, value: string | number, most: number): readonly OrderRow[] {
    const query = `SELECT * FROM signal_orders WHERE ${which} ORDER BY due LIMIT ?`
    return [...this.#storage.sql.exec<OrderRow>(query, value, most)]
  }
}

/** The names of receipts come from the signal: carried out twice it has one receipt. */
function orderOf(signal: Signal, sub: string, id: string, index: number): SignalOrder {
  const { door, issuer, jti, event, txn, receivedAt, effect, names, providerName } = signal
  const action = effect === 'end' || effect === 'end_session' ? 'revoke' : effect
  const target =
    effect === 'end_session' && names.what === 'session'
      ? ({ what: 'provider_session', id: names.session, sub } as const)
      : ({ what: 'person', sub } as const)
  return {
    id: index === 0 ? id.slice(0, 22) : `${id.slice(0, 22)}.${index}`,
    at: Math.floor(receivedAt / 1000),
    by: `${SIGNAL_ACTOR}${issuer}`,
    byName: providerName,
    why: `${event}, ${jti.slice(0, SHOWN_JTI)}`,
    action,
    target,
    effect,
    signal: { door, issuer, jti, event, ...(txn !== undefined && { txn }), receivedAt },
  }
}

interface OrderRow extends Record<string, SqlStorageValue> {
  signal: string
  sub: string
  signal_order: string
  person: string
  attempts: number
  due: number
}

interface LastRow extends Record<string, SqlStorageValue> {
  provider: string
  door: Door
  event: string
  jti: string
  at: number
}
