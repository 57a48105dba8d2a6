// Bulk actions: actions on everybody, or on everybody who uses a client or a server, carried out person by person until all have answered.
//
// Layout: a row per bulk action with the name it has come to, and a row per person from before they are asked until they have answered.
// Lifetime: a day after the last answer, because a sign-in that was under way may be reported late. Who has just asked whether they may begin
// is in memory alone, for a minute: after a crash of this object their report brings them back. Trade-off: a crash repeats at most one batch, and the people's objects remember what they answered, so that the receipt counts everything once.
import { LifecycleCapability, type LifecycleJobOutcome } from 'agents/lifecycle'
import { backoff } from '../platform/backoff.ts'
import { describeError, log } from '../platform/telemetry.ts'
import type { SignalFacts } from '../session/contract/signal-facts.ts'
import type { Target } from '../session/admin/administration.ts'
import type { BulkAction } from '../session/store/bulk-action-log.ts'
import type { By, Ended, AdminAction, Receipt } from '../session/contract/receipt.ts'
import {
  BATCH,
  BulkActionRows,
  endedBy,
  relatedTo,
  within,
  type PersonToAsk,
  type Batch,
  type BulkActionRow,
  type Failing,
  type LateSignIn,
} from './bulk-action-rows.ts'
import type { NotBefore } from './not-before.ts'
import { Openings } from './openings.ts'
import { Pace } from './pace.ts'
import type { People } from './people.ts'
import { begun, type Receipts } from './receipts.ts'

export interface BulkActionOptions {
  readonly people: People
  readonly receipts: Receipts
  readonly notBefore: NotBefore
  /** Asks a person's object. */
  readonly ask: (sub: string, target: Target, by: By, bulkAction: BulkAction) => Promise<Ended>
  /** Has a person's object find out what counts for them now. */
  readonly tell: (sub: string, by: By) => Promise<Ended>
  /** Unix seconds. */
  readonly now: () => number
}

const ANSWER_WITHIN_MS = 20_000
const RETRY_MS = { first: 1_000, longest: 300_000 }
const TRY_AGAIN_MS = 30_000
const DAY = 86_400
const BEGINNING = -1

export class BulkActions extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  readonly #options: BulkActionOptions
  readonly #rows: BulkActionRows
  readonly #openings = new Openings()
  readonly #pace = new Pace()
  /** Who waits until an action is over. */
  readonly #waiting = new Map<string, () => void>()
  /** The people who are being asked at this moment. */
  #batch: { readonly id: string; readonly answered: Promise<unknown> } | undefined

  constructor(storage: DurableObjectStorage, options: BulkActionOptions) {
    super('campaigns')
    this.#storage = storage
    this.#options = options
    this.#rows = new BulkActionRows(storage)
  }

  override onStart(): void {
    this.#rows.createTables()
  }

  /** Beginning again what has begun changes nothing: the answer may have been lost. */
  async begin(order: AdminAction): Promise<Receipt> {
    const { people, receipts, notBefore } = this.#options
    const { id, target } = order
    const known = receipts.find(id)
    if (known) return known
    const related = relatedTo(target.what, target.id)
    const total = people.countConnected(related)
    const beginning = this.#openings.of(related, this.#options.now()).filter((sub) => !people.isConnected(sub, related))
    const receipt = begun(order, total, total + beginning.length)
    this.#storage.transactionSync(() => {
      notBefore.note(order)
      receipts.keep(receipt)
      this.#rows.note(order, false)
      for (const sub of beginning) this.#rows.add(order.id, sub, Date.now(), BEGINNING)
    })
    await this.#wake()
    return receipt
  }

  /**
   * Writes what has changed, and tells the people it concerns, in one transaction: neither is without the other. Whom neither the index knows
   * nor anybody lets in at this moment (`beginning`) hears it at their next sign-in. Resolves when all have answered, or after a while; without a
   * receipt where there was nobody to tell of a group.
   */
  async tell(
    order: AdminAction,
    signal: SignalFacts,
    write: (beginning: ReadonlySet<string>) => readonly string[],
  ): Promise<Receipt | undefined> {
    const { people, receipts, now } = this.#options
    let told: readonly string[] = []
    this.#storage.transactionSync(() => {
      const beginning = new Set(this.#openings.of(undefined, now()))
      told = write(beginning).filter((sub) => beginning.has(sub) || people.find(sub) !== undefined)
      if (told.length === 0 && order.target.what === 'group') return
      receipts.keep(begun(order, told.length))
      if (told.length > 0) this.#rows.note(order, true)
      // One batch is told at once, below; if it can not be, it is due by then.
      const due = Date.now() + (told.length > BATCH ? 0 : ANSWER_WITHIN_MS + RETRY_MS.first)
      for (const sub of told) this.#rows.add(order.id, sub, due, 0)
    })
    if (told.length > BATCH) {
      const over = Promise.withResolvers<void>()
      this.#waiting.set(order.id, over.resolve)
      await this.#wake()
      await within(ANSWER_WITHIN_MS, over.promise).catch(() => undefined)
      this.#waiting.delete(order.id)
    } else if (told.length > 0) {
      await this.#wake()
      const bulkAction = this.#rows.find(order.id)
      if (bulkAction) await this.#round({ bulkAction, people: told.map((sub) => ({ sub, attempts: 0, late: 0 })) })
    }
    if (receipts.find(order.id)?.state === 'done') receipts.signalled(order.id, { ...signal, silentAt: Date.now() })
    return receipts.find(order.id)
  }

  /** What has changed counts for everybody who has something: each is told, one after the other. */
  async tellEveryone(order: AdminAction, write: () => void): Promise<void> {
    const { people, receipts } = this.#options
    this.#storage.transactionSync(() => {
      write()
      receipts.keep(begun(order, people.countConnected(undefined)))
      this.#rows.note(order, false)
    })
    await this.#wake()
  }

  /** A person's object begins something the index does not know yet. */
  opening(sub: string, to: { readonly clientId: string | undefined; readonly resource: string }): void {
    this.#openings.note(sub, to, this.#options.now())
  }

  /**
   * A sign-in became known that may have begun before a bulk action did: where that has passed the person already, it comes
   * back. `number` tells one sign-in of the person from another.
   */
  async late(sub: string, signIn: LateSignIn): Promise<void> {
    const marked = this.#storage.sql.exec(
      `INSERT OR IGNORE INTO campaign_people (campaign, sub, attempts, due, error, late)
       SELECT id, ?1, 0, ?2, '', ?3 FROM campaigns
       WHERE at >= ?4 AND action <> 'apply' AND what IN ('everyone', 'client', 'resource')
       AND (what = 'everyone' OR target = CASE what WHEN 'client' THEN ?5 ELSE ?6 END) AND (walked = 1 OR come_to >= ?1)`,
      sub,
      Date.now(),
      signIn.number,
      signIn.grantedAt ?? signIn.at,
      signIn.clientId ?? '',
      signIn.resource ?? '',
    )
    if (marked.rowsWritten > 0) await this.#wake()
  }

  /**
   * A client is blocked no longer: who was not asked yet is not asked. When this resolves nothing more ends. What is over stays so, and from
   * then on concerns only those who signed in before it: whoever is reported late has not signed in to a blocked client.
   */
  async unblocked(clientId: string): Promise<void> {
    const { sql } = this.#storage
    const query = "SELECT id FROM campaigns WHERE action = 'block' AND what = 'client' AND target = ?"
    const ids = [...sql.exec<{ id: string }>(query, clientId)].map(({ id }) => id)
    this.#storage.transactionSync(() => {
      for (const id of ids) {
        if (this.#options.receipts.cancel(id)) {
          sql.exec('DELETE FROM campaign_people WHERE campaign = ?', id)
          sql.exec('DELETE FROM campaigns WHERE id = ?', id)
        } else sql.exec("UPDATE campaigns SET action = 'revoke' WHERE id = ?", id)
      }
    })
    if (this.#batch && ids.includes(this.#batch.id)) await this.#batch.answered
  }

  /** The alarm that was ringing when the object died rings again much later; whoever wakes the object wakes this too. */
  async resume(): Promise<void> {
    const [unfinished] = this.#storage.sql.exec(
      'SELECT id FROM campaigns WHERE walked = 0 UNION ALL SELECT campaign FROM campaign_people WHERE due <= ? LIMIT 1',
      Date.now(),
    )
    if (unfinished) await this.#wake()
  }

  failing(id: string): readonly Failing[] {
    return this.#rows.failing(id)
  }

  async onJob(): Promise<LifecycleJobOutcome> {
    const batch = this.#rows.due(this.#pace.most) ?? this.#further()
    if (!batch) return this.#rest()
    const round = this.#pace.watch(this.#round(batch))
    this.#batch = { id: batch.bulkAction.id, answered: round }
    await round.finally(() => (this.#batch = undefined))
    return 'yield'
  }

  async #round({ bulkAction, people }: Batch): Promise<void> {
    const answers = await Promise.all(people.map(async (person) => ({ person, answer: await this.#ask(bulkAction, person) })))
    this.#storage.transactionSync(() => {
      for (const { person, answer } of answers) this.#take(bulkAction, person, answer)
      this.#settle(bulkAction.id)
    })
  }

  /** An unexpected error must not end a bulk action half-way. */
  onJobError(_: unknown, error: unknown): LifecycleJobOutcome {
    log('error', 'campaign.stumbled', { reason: describeError(error) })
    return { rescheduleAt: Date.now() + TRY_AGAIN_MS }
  }

  async #wake(): Promise<void> {
    await this.lifecycle.jobs.push({ id: 'campaigns', fn: 'go on', time: Date.now() })
  }

  /**
   * The next people of the oldest bulk action that has not come to the end of the index. They are noted before they are asked: once
   * they have answered they have nothing left, and the index would not name them again after a crash.
   */
  #further(): Batch | undefined {
    const { sql } = this.#storage
    const [bulkAction] = sql.exec<BulkActionRow>('SELECT * FROM campaigns WHERE walked = 0 ORDER BY at, id LIMIT 1')
    if (!bulkAction) return undefined
    const related = relatedTo(bulkAction.what, bulkAction.target)
    const { most } = this.#pace
    const subs = this.#options.people.connected(related, bulkAction.come_to, most)
    this.#storage.transactionSync(() => {
      for (const sub of subs) this.#rows.add(bulkAction.id, sub, Date.now(), 0)
      const comeTo = subs.at(-1) ?? bulkAction.come_to
      sql.exec('UPDATE campaigns SET come_to = ?, walked = ? WHERE id = ?', comeTo, subs.length < most ? 1 : 0, bulkAction.id)
    })
    return { bulkAction, people: subs.map((sub) => ({ sub, attempts: 0, late: 0 })) }
  }

  async #ask(bulkAction: BulkActionRow, { sub, late }: PersonToAsk): Promise<Answer> {
    const { ask, tell } = this.#options
    const { id, at, actor, actor_name: actorName, reason, action } = bulkAction
    const by = { actor, actorName: actorName ?? undefined, reason }
    const target = endedBy(bulkAction)
    // Who signs in again after a revocation may stay; to a blocked client nothing may stay.
    const ordered = { id: late === 0 ? id : `${id}.${late}`, ...(action === 'revoke' && { grantedUntil: at }) }
    try {
      return await within(ANSWER_WITHIN_MS, target ? ask(sub, target, by, ordered) : tell(sub, by))
    } catch (error) {
      return { error }
    }
  }

  #take({ id }: BulkActionRow, { sub, attempts, late }: PersonToAsk, answer: Answer): void {
    const { sql } = this.#storage
    if ('error' in answer) {
      const due = Date.now() + backoff(RETRY_MS, attempts)
      const why = describeError(answer.error)
      log('warn', 'campaign.not_answered', { receipt: id, person: sub, attempts: attempts + 1, reason: why })
      // Not a new row: it may have been cancelled meanwhile.
      sql.exec(
        'UPDATE campaign_people SET attempts = ?, due = ?, error = ? WHERE campaign = ? AND sub = ? AND late = ?',
        attempts + 1,
        due,
        why,
        id,
        sub,
        late,
      )
      return
    }
    sql.exec('DELETE FROM campaign_people WHERE campaign = ? AND sub = ? AND late = ?', id, sub, late)
    // Asked in vain: their sign-in was a new one, or they had answered before.
    if (late !== 0 && answer.grants === 0) return
    this.#options.receipts.add(id, { ...answer, done: 1, more: late === 0 ? 0 : 1 })
  }

  #settle(id: string): void {
    const { isWaiting, failing } = this.#rows.progress(id)
    const bulkAction = this.#rows.find(id)
    // Cancelled: how it stands was said then.
    if (!bulkAction) return
    const isOver = bulkAction.walked === 1 && !isWaiting
    this.#options.receipts.noteProgress(id, failing, isOver, this.#options.now())
    if (isOver) this.#waiting.get(id)?.()
  }

  #rest(): LifecycleJobOutcome {
    const { sql } = this.#storage
    sql.exec(
      'DELETE FROM campaigns WHERE walked = 1 AND at < ? AND id NOT IN (SELECT campaign FROM campaign_people)',
      this.#options.now() - DAY,
    )
    const { due } = sql.exec<{ due: number | null }>('SELECT min(due) AS due FROM campaign_people').one()
    return due === null ? undefined : { rescheduleAt: due }
  }
}

type Answer = Ended | { readonly error: unknown }
