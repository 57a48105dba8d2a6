// Receipts of administrative actions: who did what to whom, why, what came of it, and what is still being tried.
//
// Layout: one numbered row per action. Lifetime: the newest KEPT of administrators, and apart from them the newest OWN_KEPT of what people
// did on their own pages and the newest KEPT of what identity systems said, so that none of these pushes out one of those. Trade-off: what a wide action has done is added with every batch,
// in the same transaction as its progress, so that a receipt says neither more nor less than what is known to have happened.
import { LifecycleCapability } from 'agents/lifecycle'
import type { EvidenceLog } from './evidence-log.ts'
import { SIGNAL_ACTOR } from '../session/contract/signal.ts'
import {
  NOTHING_ENDED,
  closingOf,
  type Closing,
  type Ended,
  THEMSELVES,
  type Action,
  type ActionTarget,
  type AdminAction,
  type Receipt,
} from '../session/contract/receipt.ts'

export interface ReceiptPage {
  /** Newest first. */
  readonly receipts: readonly Receipt[]
  /** Pass it back for the next page; undefined on the last. */
  readonly next: number | undefined
}

const PAGE = 50
const KEPT = 50_000
const OWN_KEPT = 10_000
/** Whose a receipt is. */
const CAUSE = `(CASE WHEN actor = '${THEMSELVES}' THEN 1 WHEN actor GLOB '${SIGNAL_ACTOR}*' THEN 2 ELSE 0 END)`
const TRIM_EVERY = 500
/** In one turn; what is more goes with the next. */
const PIECE = 2_000

/** One that waited in the outbox of the release before does not say who did not answer. */
type KeptReceipt = Omit<Receipt, 'unanswered'> & Partial<Pick<Receipt, 'unanswered'>>

export class Receipts extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  readonly #evidence: EvidenceLog

  constructor(storage: DurableObjectStorage, evidence: EvidenceLog) {
    super('receipts')
    this.#storage = storage
    this.#evidence = evidence
  }

  override onStart(): void {
    this.#storage.sql.exec(`CREATE TABLE IF NOT EXISTS receipts (
      number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, actor TEXT NOT NULL, actor_name TEXT,
      reason TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL, total INTEGER NOT NULL, done INTEGER NOT NULL, failing INTEGER NOT NULL,
      grants INTEGER NOT NULL, streams INTEGER NOT NULL, unanswered INTEGER NOT NULL DEFAULT 0, acknowledged_at INTEGER, state TEXT NOT NULL, signal TEXT, closing TEXT);
      CREATE INDEX IF NOT EXISTS receipts_by_cause ON receipts (${CAUSE}, number)`)
  }

  /** A receipt that is there already stays as it is: storing is tried again when the answer was lost. */
  keep(receipt: KeptReceipt): void {
    const { target, people, grants, streams, unanswered = 0, acknowledgedAt, state, signal, closing } = receipt
    const [row] = this.#storage.sql.exec<{ number: number }>(
      `INSERT OR IGNORE INTO receipts (id, at, actor, actor_name, reason, action, target, total, done, failing, grants, streams, unanswered, acknowledged_at, state, signal, closing)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number`,
      ...orderColumns(receipt),
      JSON.stringify(target),
      people.total,
      people.done,
      people.failing,
      grants,
      streams,
      unanswered,
      acknowledgedAt,
      state,
      signal === undefined ? null : JSON.stringify(signal),
      closing === undefined ? null : JSON.stringify(closing),
    )
    if (row) this.#note(receipt.id)
    if (row && row.number % TRIM_EVERY === 0)
      for (const [cause, kept] of [KEPT, OWN_KEPT, KEPT].entries()) this.#forget(cause, kept)
  }

  #forget(cause: number, kept: number): void {
    const gone = this.#storage.sql.exec<{ id: string }>(
      `DELETE FROM receipts WHERE number IN (
       SELECT number FROM receipts WHERE ${CAUSE} = ?1 AND state IN ('done', 'cancelled') AND number <=
       (SELECT number FROM receipts WHERE ${CAUSE} = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2) ORDER BY number LIMIT ${PIECE}) RETURNING id`,
      cause,
      kept,
    )
    this.#evidence.forget(
      'receipt',
      [...gone].map(({ id }) => id),
    )
  }

  /** How it stands is a line of the evidence: what becomes of it later is another one. */
  #note(id: string): void {
    const receipt = this.find(id)
    if (receipt) this.#evidence.append({ kind: 'receipt', ref: id, sub: receipt.target.sub, says: { receipt } })
  }

  find(id: string): Receipt | undefined {
    const [row] = this.#storage.sql.exec<Row>('SELECT * FROM receipts WHERE id = ?', id)
    return row && fromRow(row)
  }

  page(before: number | undefined): ReceiptPage {
    const query = 'SELECT * FROM receipts WHERE number < ? ORDER BY number DESC LIMIT ?'
    const rows = [...this.#storage.sql.exec<Row>(query, before ?? Number.MAX_SAFE_INTEGER, PAGE + 1)]
    const shown = rows.slice(0, PAGE)
    return { receipts: shown.map(fromRow), next: rows.length > PAGE ? shown.at(-1)?.number : undefined }
  }

  /** Adds what some of the people have answered. `more` counts those nobody knew of when the action began. */
  add(
    id: string,
    { done, more, grants, streams, unanswered, closing }: Ended & { readonly done: number; readonly more: number },
  ): void {
    const whole = closingOf([this.find(id)?.closing, closing])
    this.#storage.sql.exec(
      "UPDATE receipts SET done = done + ?, total = total + ?, grants = grants + ?, streams = streams + ?, unanswered = unanswered + ?, closing = ?, state = CASE state WHEN 'cancelled' THEN state ELSE 'running' END WHERE id = ?",
      done,
      more,
      grants,
      streams,
      unanswered,
      whole === undefined ? null : JSON.stringify(whole),
      id,
    )
  }

  /** What an identity system had said, where nobody but this object knows when the last of many has answered. */
  signalled(id: string, signal: NonNullable<Receipt['signal']>): void {
    this.#storage.sql.exec('UPDATE receipts SET signal = ? WHERE id = ?', JSON.stringify(signal), id)
    this.#note(id)
  }

  /** It is taken back before everybody was asked. False when it is over already. */
  cancel(id: string): boolean {
    const query = "UPDATE receipts SET state = 'cancelled', failing = 0 WHERE id = ? AND state IN ('running', 'retrying')"
    const isCancelled = this.#storage.sql.exec(query, id).rowsWritten > 0
    if (isCancelled) this.#note(id)
    return isCancelled
  }

  /** How an action stands after a batch of it. One that was done and has found nothing more to do stays as it was acknowledged. */
  noteProgress(id: string, failing: number, isOver: boolean, now: number): void {
    const state = isOver ? 'done' : failing > 0 ? 'retrying' : 'running'
    const before = this.find(id)?.state
    // People may have gone from the index while it was walked: when all are through, those who answered are all.
    this.#storage.sql.exec(
      `UPDATE receipts SET failing = ?1, state = ?2, total = CASE WHEN ?3 THEN done ELSE max(total, done) END,
       acknowledged_at = CASE WHEN NOT ?3 THEN NULL WHEN state = 'done' THEN acknowledged_at ELSE ?4 END WHERE id = ?5`,
      failing,
      state,
      isOver ? 1 : 0,
      now,
      id,
    )
    // Once when it is over, and again where somebody was met afterwards.
    if (isOver && before !== 'done') this.#note(id)
  }
}

/** Of an action on so many people, of whom `waiting` have to be asked, before any has answered. */
export function begun(order: AdminAction, total: number, waiting = total): Receipt {
  const people = { total, done: 0, failing: 0 }
  const isOver = waiting === 0
  return { ...order, people, ...NOTHING_ENDED, acknowledgedAt: isOver ? order.at : null, state: isOver ? 'done' : 'running' }
}

/** Of an action that ends nothing of anybody's. */
export function atOnce(order: AdminAction, now: number): Receipt {
  const people = { total: 0, done: 0, failing: 0 }
  return { ...order, people, ...NOTHING_ENDED, acknowledgedAt: now, state: 'done' }
}

/** Who ordered what, when and why, as rows about an action begin. */
export interface OrderRow extends Record<string, SqlStorageValue> {
  id: string
  at: number
  actor: string
  actor_name: string | null
  reason: string
  action: Action
}

/** Of an order, in the sequence of `OrderRow`. */
export function orderColumns({ id, at, by, byName, why, action }: AdminAction): readonly (string | number | null)[] {
  return [id, at, by, byName ?? null, why, action]
}

interface Row extends OrderRow {
  number: number
  target: string
  total: number
  done: number
  failing: number
  grants: number
  streams: number
  unanswered: number
  acknowledged_at: number | null
  state: Receipt['state']
  signal: string | null
  closing: string | null
}

function fromRow(row: Row): Receipt {
  const { id, at, action, total, done, failing, grants, streams, unanswered, state } = row
  // Written by `keep`, by nobody else.
  const target: ActionTarget = JSON.parse(row.target)
  const signal: Receipt['signal'] = row.signal === null ? undefined : JSON.parse(row.signal)
  const closing: Closing | undefined = row.closing === null ? undefined : JSON.parse(row.closing)
  const people = { total, done, failing }
  return {
    id,
    at,
    by: row.actor,
    byName: row.actor_name ?? undefined,
    why: row.reason,
    action,
    target,
    people,
    grants,
    streams,
    unanswered,
    acknowledgedAt: row.acknowledged_at,
    state,
    ...(signal && { signal }),
    ...(closing && { closing }),
  }
}
