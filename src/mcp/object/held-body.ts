// Long answers that are no streams of events, on their way through the object: people who watch see them, and a revocation cuts them off.
import { randomId } from '../../platform/crypto.ts'
import type { StreamDetail } from '../../session/streams/carrier.ts'
import { StreamMeter, type StreamTraffic } from '../../session/contract/stream-traffic.ts'
import type { Flights } from './flights.ts'
import type { DispatchHeader } from '../dispatch/dispatch-header.ts'

interface HeldBody {
  readonly detail: StreamDetail
  readonly meter: StreamMeter
  readonly abort: AbortController
}

export class HeldBodies {
  /** Whatever is on its way, with the grant it belongs to. */
  readonly flights: Flights
  readonly #waitUntil: (work: Promise<unknown>) => void
  readonly #now: () => number
  readonly #held = new Map<string, HeldBody>()

  constructor(flights: Flights, waitUntil: (work: Promise<unknown>) => void, now: () => number) {
    this.flights = flights
    this.#waitUntil = waitUntil
    this.#now = now
  }

  hold(body: ReadableStream<Uint8Array>, abort: AbortController, { caller, label }: DispatchHeader): ReadableStream<Uint8Array> {
    const { readable, writable } = new IdentityTransformStream()
    const meter = new StreamMeter()
    const { grantId } = caller
    const id = randomId(9)
    const landed = this.flights.begin(abort, grantId)
    this.#held.set(id, { detail: { id, grantId, kind: 'call', label, openedAt: this.#now() }, meter, abort })
    // Whether the downstream, the client or a revocation ended it: nobody is left to be told.
    const passed = body.pipeTo(counted(writable, meter), { signal: abort.signal }).catch(() => undefined)
    this.#waitUntil(passed.then(() => this.#over(id, landed)))
    return readable
  }

  #over(id: string, landed: () => void): void {
    landed()
    this.#held.delete(id)
  }

  open(): readonly StreamDetail[] {
    return [...this.#held.values()].map(({ detail }) => detail)
  }

  traffic(id: string): StreamTraffic | undefined {
    return this.#held.get(id)?.meter.traffic
  }

  /** How many there were of this id. */
  end(reason: string, id: string): number {
    const held = this.#held.get(id)
    held?.abort.abort(reason)
    return held ? 1 : 0
  }
}

function counted(writable: WritableStream<Uint8Array>, meter: StreamMeter): WritableStream<Uint8Array> {
  const writer = writable.getWriter()
  return new WritableStream<Uint8Array>({
    async write(chunk) {
      meter.passed(0, chunk.length)
      await writer.write(chunk)
      meter.taken()
    },
    close: () => writer.close(),
    abort: (reason) => writer.abort(reason),
  })
}
