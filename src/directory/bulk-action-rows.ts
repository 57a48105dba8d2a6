// What a bulk action and each person it concerns are to the tables, and how long somebody may take to answer.
import type { Target } from '../session/admin/administration.ts'
import type { AdminAction } from '../session/contract/receipt.ts'
import type { Related } from './people.ts'
import { orderColumns, type OrderRow } from './receipts.ts'

export interface BulkActionRow extends OrderRow {
  what: 'everyone' | 'client' | 'resource' | 'person' | 'group'
  target: string | null
  come_to: string
  walked: number
}

interface PersonRow extends Record<string, SqlStorageValue> {
  campaign: string
  sub: string
  attempts: number
  due: number
  error: string
  /** The number of the sign-in that was reported late; 0 for who was met on the way, BEGINNING for who was about to begin. */
  late: number
}

export interface LateSignIn {
  readonly at: number
  readonly grantedAt?: number
  readonly number: number
  readonly clientId?: string
  readonly resource?: string
}

/** What is to be ended of each person; undefined where each is to find out what counts for them now. */
export function endedBy({ action, what, target }: Pick<BulkActionRow, 'action' | 'what' | 'target'>): Target | undefined {
  if (action === 'apply' || what === 'person' || what === 'group') return undefined
  return what === 'everyone' ? { what: 'everything' } : { what, id: target ?? '' }
}

/** Whose people an action concerns; undefined when it is everybody's. */
export function relatedTo(what: string, id: string | null | undefined): Related | undefined {
  return what === 'client' || what === 'resource' ? { what, id: id ?? '' } : undefined
}

/** A person who has not answered yet. */
export interface Failing {
  readonly sub: string
  readonly attempts: number
  readonly error: string
  /** Unix seconds of the next attempt. */
  readonly nextAt: number
}

/** A person of a bulk action, as they are asked. */
export type PersonToAsk = Pick<PersonRow, 'sub' | 'attempts' | 'late'>

export interface Batch {
  readonly bulkAction: BulkActionRow
  readonly people: readonly PersonToAsk[]
}

/** So many people are told before the answer, all at once. */
export const BATCH = 50
const SHOWN_FAILING = 50

export class BulkActionRows {
  readonly #storage: DurableObjectStorage

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  createTables(): void {
    this.#storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS campaigns (
        id TEXT PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, actor_name TEXT, reason TEXT NOT NULL, action TEXT NOT NULL, what TEXT NOT NULL,
        target TEXT, come_to TEXT NOT NULL, walked INTEGER NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS campaign_people (
        campaign TEXT NOT NULL, sub TEXT NOT NULL, attempts INTEGER NOT NULL, due INTEGER NOT NULL, error TEXT NOT NULL,
        late INTEGER NOT NULL, PRIMARY KEY (campaign, sub, late)) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS campaign_people_by_due ON campaign_people (due);
      CREATE INDEX IF NOT EXISTS campaign_people_failing ON campaign_people (campaign) WHERE attempts > 0`)
  }

  find(id: string): BulkActionRow | undefined {
    const [bulkAction] = this.#storage.sql.exec<BulkActionRow>('SELECT * FROM campaigns WHERE id = ?', id)
    return bulkAction
  }

  /** `due` in unix milliseconds. */
  add(id: string, sub: string, due: number, late: number): void {
    const query = `INSERT OR IGNORE INTO campaign_people (campaign, sub, attempts, due, error, late) VALUES (?, ?, 0, ?, '', ?)`
    this.#storage.sql.exec(query, id, sub, due, late)
  }

  /** `isWalked`: whom it concerns is known already. */
  note(order: AdminAction, isWalked: boolean): void {
    const { what, id: target } = order.target
    this.#storage.sql.exec(
      `INSERT INTO campaigns (id, at, actor, actor_name, reason, action, what, target, come_to, walked)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', ?)`,
      ...orderColumns(order),
      what,
      target ?? null,
      isWalked ? 1 : 0,
    )
  }

  /** At most so many people of one bulk action whose time to be asked has come. */
  due(most: number): Batch | undefined {
    const query = `SELECT * FROM campaign_people WHERE due <= ?1 AND
      campaign = (SELECT campaign FROM campaign_people WHERE due <= ?1 ORDER BY due LIMIT 1) ORDER BY due LIMIT ?2`
    const people = [...this.#storage.sql.exec<PersonRow>(query, Date.now(), most)]
    const [first] = people
    if (!first) return undefined
    const bulkAction = this.find(first.campaign)
    return bulkAction && { bulkAction, people }
  }

  /** After each batch of an action on everybody in a group: nothing here goes through all who are still to be asked. */
  progress(id: string): { readonly isWaiting: boolean; readonly failing: number } {
    const { sql } = this.#storage
    const { n: failing } = sql
      .exec<{ n: number }>(
        'SELECT count(*) AS n FROM campaign_people INDEXED BY campaign_people_failing WHERE campaign = ? AND attempts > 0',
        id,
      )
      .one()
    // A sign-in that was reported late and was not asked about yet may be none of this: what was done stays done until it is known.
    const waiting = sql.exec('SELECT 1 FROM campaign_people WHERE campaign = ? AND late <= 0 LIMIT 1', id).toArray()
    return { isWaiting: failing > 0 || waiting.length > 0, failing }
  }

  failing(id: string): readonly Failing[] {
    const query = 'SELECT * FROM campaign_people WHERE campaign = ? AND attempts > 0 ORDER BY sub LIMIT ?'
    return [...this.#storage.sql.exec<PersonRow>(query, id, SHOWN_FAILING)].map(({ sub, attempts, error, due }) => {
      return { sub, attempts, error, nextAt: Math.ceil(due / 1000) }
    })
  }
}

/** Rejects when it takes longer. */
export async function within<Value>(milliseconds: number, work: Promise<Value>): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), milliseconds)
  })
  return await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
