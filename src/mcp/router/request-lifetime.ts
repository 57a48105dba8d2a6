// What ties a request that takes longer than a moment to the person's object: it ends when the client leaves or the leash is pulled.
import { ownTimer, type Deadline } from '../../platform/deadlines.ts'
import { StreamMeter } from '../../session/contract/stream-traffic.ts'
import { refusedAdmission } from '../dispatch/object-answer.ts'
import type { Leash, NoLeash } from './leash.ts'
import { McpRefusal, revoked } from '../message/refusal.ts'

/** A request that is over sooner costs no second call to the object. */
const TETHER_AFTER_MS = 1_000

export type OpenLeash = (meter: StreamMeter) => Promise<Leash | NoLeash>

/** A newer connection of the same client took over while this one was being opened. */
export class Superseded extends Error {}

export class RequestLifetime {
  /** Ends the request to the downstream. */
  readonly ending = new AbortController()
  readonly #open: OpenLeash
  readonly #untether: () => void
  readonly #client: AbortSignal
  readonly #clientLeft = (): void => this.#leave()
  #opening: Promise<Leash> | undefined
  #leash: Leash | undefined
  #meter: StreamMeter | undefined
  #isOver = false

  constructor(open: OpenLeash, client: AbortSignal, deadline: Deadline = ownTimer) {
    this.#open = open
    this.#client = client
    client.addEventListener('abort', this.#clientLeft)
    this.#untether = deadline(TETHER_AFTER_MS, () => void this.hold().catch((error: unknown) => this.ending.abort(error)))
    if (client.aborted) this.#leave()
  }

  /** What has passed; told to whoever looks, once there is a leash. Most requests are over before anybody could. */
  get meter(): StreamMeter {
    this.#meter ??= new StreamMeter()
    return this.#meter
  }

  /** Why a request that was aborted was. */
  get refusal(): McpRefusal | Superseded {
    const { reason }: { readonly reason: unknown } = this.ending.signal
    if (reason instanceof McpRefusal || reason instanceof Superseded) return reason
    if (this.#leash?.pulled.reason !== undefined) return this.#leash.reason() === 'superseded' ? new Superseded() : revoked()
    return new McpRefusal('client_left', 'the client left before the downstream had answered')
  }

  /** The leash, opened now if it was not before; throws when it is refused. */
  hold(): Promise<Leash> {
    this.#opening ??= this.#hold()
    return this.#opening
  }

  /** What was admitted by a lease is answered only while there is one; otherwise the object is asked once more. */
  confirm(isAdmitted: (() => boolean) | undefined): Promise<unknown> | undefined {
    return isAdmitted?.() === false ? this.hold() : undefined
  }

  /** The stream, or the request, has come to its end; after a pull this is its acknowledgement. */
  release(because: 'ended' | 'client_left' = 'ended'): void {
    this.#isOver = true
    this.#untether()
    // What a signal holds outlives the short collections of the runtime: left there, all of a request would, which doubles their cost.
    this.#client.removeEventListener('abort', this.#clientLeft)
    this.#leash?.release(because)
  }

  /** The client gets another answer than the downstream's, which may still be on its way. */
  abandon(): void {
    this.ending.abort('abandoned')
    this.release()
  }

  async #hold(): Promise<Leash> {
    const leash = await this.#open(this.meter)
    if (leash === 'superseded') throw new Superseded()
    if (leash === 'auth_unavailable') throw refusedAdmission({ admitted: false, reason: leash })
    if (leash === 'limit_exceeded') throw tooMany()
    if (leash === 'credential_revoked') throw revoked()
    this.#leash = leash
    if (this.#isOver) leash.release('ended')
    leash.pulled.carriedBy({ stop: (reason) => this.ending.abort(reason), end: () => undefined })
    return leash
  }

  #leave(): void {
    this.ending.abort('client left')
    this.release('client_left')
  }
}

function tooMany(): McpRefusal {
  return new McpRefusal('limit_exceeded', 'too many streams are open: close one first')
}
