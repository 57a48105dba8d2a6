// The last requests of a person, for an administrator who looks: what, through which client, when, and whether it was let through.
//
// Layout: one row, the list as JSON. Lifetime: the newest few, until newer ones come or the person is forgotten. Trade-off: noted in
// memory and written with the next report of the load, moments later and never by a request; a crash loses what was not written.
import * as z from 'zod'
import type { Refused } from '../contract/admission.ts'
import { TableCapability } from './table.ts'

const requestSchema = z.object({
  /** Unix seconds. */
  at: z.number(),
  clientId: z.string(),
  clientName: z.string().optional(),
  resource: z.string(),
  /** Method, and the tool, prompt or resource it is about. */
  label: z.string(),
  /** Why it was refused; absent: it was let through. */
  refused: z.string().optional(),
})
export type RecentRequest = Readonly<z.output<typeof requestSchema>>

const MOST = 25

export class RecentRequests extends TableCapability {
  #requests: RecentRequest[] = []
  #isKept = true

  constructor(storage: DurableObjectStorage) {
    super(storage, 'recent-requests')
  }

  override onStart(): void {
    const { sql } = this.storage
    sql.exec('CREATE TABLE IF NOT EXISTS recent_requests (id INTEGER PRIMARY KEY CHECK (id = 1), requests TEXT NOT NULL)')
    const [row] = sql.exec<{ requests: string }>('SELECT requests FROM recent_requests')
    this.#requests = row ? z.array(requestSchema).parse(JSON.parse(row.requests)) : []
  }

  note(request: Omit<RecentRequest, 'refused'>, refused?: Refused['reason']): void {
    this.#requests.push(refused === undefined ? request : { ...request, refused })
    // What routers did without asking is told later.
    if (request.at < (this.#requests.at(-2)?.at ?? 0)) this.#requests.sort((a, b) => a.at - b.at)
    if (this.#requests.length > MOST) this.#requests.shift()
    this.#isKept = false
  }

  keep(): void {
    if (this.#isKept) return
    this.#isKept = true
    this.sql.exec('INSERT OR REPLACE INTO recent_requests (id, requests) VALUES (1, ?)', JSON.stringify(this.#requests))
  }

  forget(): void {
    this.#requests = []
    this.#isKept = true
    this.sql.exec('DELETE FROM recent_requests')
  }

  newestFirst(): readonly RecentRequest[] {
    return this.#requests.toReversed()
  }
}
