// Leases: what routers may answer for a few seconds without asking, and how it is taken back.
//
// Layout: one row per lease that is out, written before the router hears of it; all of them are kept in memory too. Lifetime: until the
// router has reported what it did with it, or until its time is over; nobody else can say that it is over, a broken socket least of
// all. Trade-off: a lease costs two writes every few seconds, and the requests of those seconds cost nothing.
import { LifecycleCapability, type CapabilityWebSocketUpgradeContext } from 'agents/lifecycle'
import * as z from 'zod'
import { randomId } from '../../platform/crypto.ts'
import { closedAt, closingOf, type Closing } from '../contract/receipt.ts'
import { headerJson } from '../../platform/header-json.ts'
import type { Admission } from '../contract/admission.ts'
import {
  DROP,
  LEASE_HEADER,
  leaseAsked,
  leaseReport,
  type LeaseAnswer,
  type LeaseAsked,
  type LeaseReport,
  type LeaseTerms,
} from '../contract/lease.ts'

/** A lease that is out. */
export interface Lease {
  readonly id: string
  readonly grantId: string
  readonly resource: string
  readonly requests: number
  /** Unix milliseconds. */
  readonly until: number
}

export interface LeaseOptions {
  readonly admit: (asked: LeaseAsked) => Promise<Admission>
  /** Judged in the turn in which the lease is noted; undefined where the next request has to ask again. Takes the allowance. */
  readonly terms: (asked: LeaseAsked) => LeaseTerms | undefined
  /** No more will come of it. Without a report nobody knows what was done with it, and all of it counts as used. */
  readonly over: (lease: Lease, report: LeaseReport | undefined) => void
  /** Unix milliseconds. */
  readonly now: () => number
}

/** What came of taking leases back. */
export interface Dropped {
  readonly dropped: number
  /** Routers that did not answer before their time was over. */
  readonly unanswered: number
  readonly closing: Closing | undefined
}

/** So many at a time may be out for one person; whoever comes then asks for each request. */
const MOST = 64
/** How long nobody is leased after somebody looked, and how long whoever looks waits. */
const PAUSED_MS = 15_000
const TOLD_WITHIN_MS = 500

export class Leases extends LifecycleCapability {
  readonly #options: LeaseOptions
  readonly #storage: DurableObjectStorage
  readonly #out = new Map<string, Lease>()
  #pausedUntil = 0
  readonly #endings = new Map<string, PromiseWithResolvers<boolean>>()

  constructor(storage: DurableObjectStorage, options: LeaseOptions) {
    super('leases')
    this.#storage = storage
    this.#options = options
  }

  override onStart(): void {
    this.#storage.sql.exec(`CREATE TABLE IF NOT EXISTS leases (
      id TEXT PRIMARY KEY, grant_id TEXT NOT NULL, resource TEXT NOT NULL, requests INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID`)
    for (const { id, grant_id: grantId, ...row } of this.#storage.sql.exec<LeaseRow>('SELECT * FROM leases'))
      this.#out.set(id, { id, grantId, ...row })
  }

  async onWebSocketUpgrade({ request }: CapabilityWebSocketUpgradeContext): Promise<Response | undefined> {
    const header = request.headers.get(LEASE_HEADER)
    if (header === null) return undefined
    const asked = leaseAsked.parse(JSON.parse(header))
    const admission = await this.#options.admit(asked)
    // From here to the row it is one turn: whatever is taken back afterwards finds the lease.
    const terms = admission.admitted && this.#mayLend() ? this.#options.terms(asked) : undefined
    const answer: LeaseAnswer = { admission, ...(terms && { terms }) }
    const headers = { [LEASE_HEADER]: headerJson(answer) }
    if (!terms) return new Response(null, { status: 204, headers })
    const { grantId, resource } = asked.caller
    const { requests, lasts } = terms
    const lease = { id: randomId(9), grantId, resource, requests, until: this.#options.now() + lasts }
    this.#note(lease)
    const { 0: theirs, 1: ours } = new WebSocketPair()
    this.lifecycle.sockets.accept(ours, ['lease', `lease:${lease.id}`])
    ours.serializeAttachment({ lease: lease.id })
    return new Response(null, { status: 101, webSocket: theirs, headers })
  }

  onWebSocketMessage(ws: WebSocket, message: string | ArrayBuffer): boolean {
    const id = leaseOf(ws)
    const lease = id === undefined ? undefined : this.#out.get(id)
    if (lease) this.#end(lease, typeof message === 'string' ? reportIn(message) : undefined)
    return id !== undefined
  }

  /** Says nothing about the lease: its router may go on for as long as it has time. */
  onWebSocketClose(ws: WebSocket): boolean {
    return leaseOf(ws) !== undefined
  }

  onWebSocketError(ws: WebSocket): boolean {
    return leaseOf(ws) !== undefined
  }

  /** Those whose time is not over. */
  out(): readonly Lease[] {
    const now = this.#options.now()
    for (const lease of this.#out.values()) if (lease.until <= now) this.#end(lease, undefined)
    return [...this.#out.values()]
  }

  /** Takes back those that are meant, or all. Resolves when each router has dropped its own, or its time is over. */
  async drop(isMeant: (lease: Lease) => boolean = () => true): Promise<Dropped> {
    const closings = await Promise.all(
      this.out()
        .filter(isMeant)
        .map(async (lease): Promise<Closing> => {
          const isAnswered = await this.#dropOne(lease)
          return { ...closedAt(this.#options.now()), ...(!isAnswered && { couldActUntil: lease.until }) }
        }),
    )
    const unanswered = closings.filter(({ couldActUntil }) => couldActUntil !== undefined).length
    return { dropped: closings.length - unanswered, unanswered, closing: closingOf(closings) }
  }

  /**
   * Somebody looks: for a while every request asks, and what was done without asking is told now, as far as the routers say so in time.
   * Whoever looks waits no longer than for the counts of the streams.
   */
  async pause(): Promise<void> {
    this.#pausedUntil = this.#options.now() + PAUSED_MS
    await Promise.race([this.drop(), new Promise((resolve) => setTimeout(resolve, TOLD_WITHIN_MS))])
  }

  /** Resolves to whether the router has answered. */
  async #dropOne(lease: Lease): Promise<boolean> {
    const { id, until } = lease
    const known = this.#endings.get(id)
    if (known) return await known.promise
    const ending = Promise.withResolvers<boolean>()
    this.#endings.set(id, ending)
    const timer = setTimeout(() => this.#end(lease, undefined), Math.max(0, until - this.#options.now()) + 1)
    for (const ws of this.lifecycle.sockets.get(`lease:${id}`)) {
      try {
        ws.send(DROP)
      } catch {
        // Broken: the time has to be waited for.
      }
    }
    return await ending.promise.finally(() => clearTimeout(timer))
  }

  #mayLend(): boolean {
    return this.out().length < MOST && this.#pausedUntil <= this.#options.now()
  }

  #note(lease: Lease): void {
    const { id, grantId, resource, requests, until } = lease
    this.#storage.sql.exec(
      'INSERT INTO leases (id, grant_id, resource, requests, until) VALUES (?, ?, ?, ?, ?)',
      id,
      grantId,
      resource,
      requests,
      until,
    )
    this.#out.set(id, lease)
  }

  #end(lease: Lease, report: LeaseReport | undefined): void {
    if (!this.#out.delete(lease.id)) return
    this.#storage.sql.exec('DELETE FROM leases WHERE id = ?', lease.id)
    this.#options.over(lease, report)
    this.#endings.get(lease.id)?.resolve(report !== undefined)
    this.#endings.delete(lease.id)
  }
}

interface LeaseRow extends Record<string, SqlStorageValue> {
  id: string
  grant_id: string
  resource: string
  requests: number
  until: number
}

const attachment = z.object({ lease: z.string() })

function leaseOf(ws: WebSocket): string | undefined {
  return attachment.safeParse(ws.deserializeAttachment()).data?.lease
}

function reportIn(message: string): LeaseReport | undefined {
  try {
    return leaseReport.safeParse(JSON.parse(message)).data
  } catch {
    return undefined
  }
}
