// Sessions of the pages: where a person is signed in to /account and /admin. The cookie only names one; what ends it is known here.
//
// Layout: one row per session, by the id that its cookie carries. Lifetime: until PAGES_TTL is over, sign-out, or whatever ends the
// person's access; beyond MOST the oldest goes. Trade-off: all rows are kept in memory too, so that opening a page reads no storage.
import { LifecycleCapability } from 'agents/lifecycle'

export interface PagesSession {
  readonly id: string
  /** Unix seconds. */
  readonly until: number
}

/** More browsers than one person uses in a day. */
const MOST = 20

export class PagesSessions extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  // In the order they began.
  readonly #until = new Map<string, number>()

  constructor(storage: DurableObjectStorage) {
    super('pages-sessions')
    this.#storage = storage
  }

  override onStart(): void {
    this.#storage.sql.exec(
      'CREATE TABLE IF NOT EXISTS pages_sessions (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, until INTEGER NOT NULL)',
    )
    const rows = this.#storage.sql.exec<{ id: string; until: number }>('SELECT id, until FROM pages_sessions ORDER BY number')
    for (const { id, until } of rows) this.#until.set(id, until)
  }

  /** True when the oldest has made room for it. */
  begin({ id, until }: PagesSession, now: number): boolean {
    this.forgetOver(now)
    this.#storage.sql.exec('INSERT INTO pages_sessions (id, until) VALUES (?, ?)', id, until)
    this.#until.set(id, until)
    const surplus = [...this.#until.keys()].slice(0, -MOST)
    for (const oldest of surplus) this.end(oldest)
    return surplus.length > 0
  }

  isOpen(id: string, now: number): boolean {
    return (this.#until.get(id) ?? 0) > now
  }

  /** Sessions besides this one. */
  others(id: string, now: number): number {
    return [...this.#until].filter(([other, until]) => other !== id && until > now).length
  }

  end(id: string): void {
    if (this.#until.delete(id)) this.#storage.sql.exec('DELETE FROM pages_sessions WHERE id = ?', id)
  }

  /** How many were ended: all, or all but one. */
  endAll(but?: string): number {
    const ending = [...this.#until.keys()].filter((id) => id !== but)
    for (const id of ending) this.end(id)
    return ending.length
  }

  /** Unix seconds at which the last one is over; undefined when there is none. */
  get lastUntil(): number | undefined {
    return this.#until.size === 0 ? undefined : Math.max(...this.#until.values())
  }

  forgetOver(now: number): void {
    for (const [id, until] of this.#until) if (until <= now) this.end(id)
  }
}
