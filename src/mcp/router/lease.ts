// The router's end of a lease: what its object said of a caller, good for a few seconds of further requests in this isolate.
//
// The socket belongs to the request that opened it and lives as long as that has work to do; what other requests use are plain values. The
// lease is over by this clock, counted from before the object was asked, and with the word of the object, whichever comes first.
import type { Caller } from '../../caller.ts'
import { BoundedMap } from '../../platform/bounded-map.ts'
import { headerJson } from '../../platform/header-json.ts'
import type { Admission, Rate } from '../../session/contract/admission.ts'
import { LEASE_HEADER, type LeaseAnswer, type LeaseReport, type LeaseTerms } from '../../session/contract/lease.ts'
import { identityHeaders } from '../downstream/identity-headers.ts'
import { SessionUnavailable } from '../dispatch/object-answer.ts'

export type Admitted = Extract<Admission, { readonly admitted: true }>

/** The part of `UserSession` a lease is opened on. */
export interface LeasePost {
  fetch(url: string, init: RequestInit): Promise<Response>
}

/** The clock of a Worker stands still while it computes: a request may take itself for that much earlier than it is, in milliseconds. */
const CLOCK_MARGIN_MS = 250
/** With less than this part of its time or its requests left a lease is renewed. */
const RENEWED_BELOW = 1 / 3
const MOST_RECENT = 25
const MOST_LEASES = 5_000
const ASKED_AGAIN_AFTER_MS = 2_000

export class HeldLease {
  readonly admission: Admitted
  readonly #caller: Caller
  readonly #terms: LeaseTerms
  readonly #startedAt: number
  /** Unix milliseconds. */
  readonly until: number
  #identity: Readonly<Record<string, string>> | undefined
  #isDropped = false
  #used = 0
  #recent: { at: number; label: string }[] = []

  /** `startedAt`: before the object was asked, unix milliseconds. */
  constructor(caller: Caller, admission: Admitted, terms: LeaseTerms, startedAt: number) {
    this.#caller = caller
    this.admission = admission
    this.#terms = terms
    this.#startedAt = startedAt
    this.until = startedAt + terms.lasts - CLOCK_MARGIN_MS
  }

  /** What the downstream is told of the person, the same with every request. */
  get identity(): Readonly<Record<string, string>> {
    this.#identity ??= identityHeaders(this.admission)
    return this.#identity
  }

  /** A token says the same of every caller of its grant; what it does not say is never taken over from another one. */
  isFor({ sub, clientId, resource }: Caller): boolean {
    return this.#caller.sub === sub && this.#caller.clientId === clientId && this.#caller.resource === resource
  }

  /** Whether what was admitted by it may be answered. */
  holds(now: number): boolean {
    return !this.#isDropped && now < this.until
  }

  /** One more request; undefined where there is none left. The state of the person's allowance as far as this isolate knows it. */
  use(label: string, now: number): Rate | undefined {
    if (!this.holds(now) || this.#used >= this.#terms.requests) return undefined
    this.#used += 1
    this.#recent.push({ at: Math.floor(now / 1000), label })
    if (this.#recent.length > MOST_RECENT) this.#recent.shift()
    const { limit, remaining } = this.admission.rate
    const refilled = ((now - this.#startedAt) / 1000) * this.#terms.perSecond
    const left = Math.max(0, Math.min(limit, Math.floor(remaining + refilled) - this.#used))
    return { limit, remaining: left, resetSeconds: Math.ceil((limit - left) / this.#terms.perSecond) }
  }

  /** Whether it is time to ask for the next one, so that nobody has to wait for that. */
  isNearlyOver(now: number): boolean {
    const { lasts, requests } = this.#terms
    return this.until - now < lasts * RENEWED_BELOW || requests - this.#used < requests * RENEWED_BELOW
  }

  /** Nothing is answered by it any more; what was done with it, for its object. */
  drop(): LeaseReport {
    this.#isDropped = true
    return { used: this.#used, recent: this.#recent }
  }
}

/** What the object says to a caller, and a lease where there may be one. `label` is what people are shown; without one nothing is being asked for yet. */
export async function openLease(
  post: LeasePost,
  asked: { readonly caller: Caller; readonly label?: string },
  waitUntil: (work: Promise<unknown>) => void,
): Promise<{ readonly admission: Admission; readonly lease?: HeldLease }> {
  const startedAt = Date.now()
  const headers = { upgrade: 'websocket', [LEASE_HEADER]: headerJson(asked) }
  const answer = await post.fetch('https://session/lease', { headers })
  const { admission, terms } = answerIn(answer)
  const socket = answer.webSocket
  if (!socket || !terms || !admission.admitted) return { admission }
  const lease = new HeldLease(asked.caller, admission, terms, startedAt)
  waitUntil(kept(socket, lease))
  return { admission, lease }
}

/** The lifecycle answers an exception with its stack trace; whatever the object did not mark is not an answer. */
function answerIn(answer: Response): LeaseAnswer {
  const header = answer.headers.get(LEASE_HEADER)
  if (header === null) throw new SessionUnavailable(answer.status)
  // Written by `Leases`, by nobody else.
  return JSON.parse(header)
}

/** Keeps the socket for as long as the lease lasts; at its end the object hears what was done with it. */
function kept(socket: WebSocket, lease: HeldLease): Promise<void> {
  const closed = Promise.withResolvers<void>()
  let isOver = false
  const end = (): void => {
    if (isOver) return
    isOver = true
    clearTimeout(timer)
    const report = lease.drop()
    try {
      socket.send(JSON.stringify(report))
      socket.close(1000)
    } catch {
      // Broken: the object waits until the time is over.
      closed.resolve()
    }
    // Not before it has gone out: what a request leaves behind ends with it.
    setTimeout(() => closed.resolve(), CLOSED_WITHIN_MS)
  }
  const timer = setTimeout(end, Math.max(0, lease.until - Date.now()))
  socket.addEventListener('message', end)
  for (const event of ['close', 'error'] as const) {
    socket.addEventListener(event, () => {
      end()
      closed.resolve()
    })
  }
  socket.accept()
  return closed.promise
}

const CLOSED_WITHIN_MS = 1_000

/** The leases of an isolate: one for each grant and refresh generation, the newest of it. */
export class LeaseMemory {
  /** The oldest makes room; its object hears of it when its time is over. */
  readonly #leases = new BoundedMap<string, HeldLease>(MOST_LEASES)
  /** Until when nobody else asks for one: somebody is doing so, or there was none to be had. Unix milliseconds. */
  readonly #asked = new BoundedMap<string, number>(MOST_LEASES)

  /** One that holds; whatever was admitted before may be answered as long as there is one. */
  find(caller: Caller, now: number): HeldLease | undefined {
    const lease = this.#leases.get(keyOf(caller))
    return lease?.isFor(caller) === true && lease.holds(now) ? lease : undefined
  }

  /** How many hold. */
  held(now: number): number {
    return [...this.#leases.values()].filter((lease) => lease.holds(now)).length
  }

  /** True for one of those who ask at the same time. */
  mayAsk(caller: Caller, now: number): boolean {
    const key = keyOf(caller)
    if ((this.#asked.get(key) ?? 0) > now) return false
    this.#asked.set(key, now + ASKED_AGAIN_AFTER_MS)
    return true
  }

  keep(caller: Caller, lease: HeldLease): void {
    this.#asked.delete(keyOf(caller))
    this.#leases.set(keyOf(caller), lease)
  }
}

function keyOf({ grantId, generation }: Caller): string {
  return `${grantId} ${generation}`
}
