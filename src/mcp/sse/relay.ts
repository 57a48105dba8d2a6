// An event stream on its way from the downstream to the client: event by event, never more than one chunk ahead of the reader.
import { joined } from '../../platform/bytes.ts'
import type { StreamMeter } from '../../session/contract/stream-traffic.ts'
import type { Room } from './unfinished.ts'
import { keepAlive } from './keep-alive.ts'
import type { Pull } from './pull.ts'
import type { OpenRequests } from '../message/open-requests.ts'
import { encodeComment, encodeEvent, isMessage, NoRoomForEvent, SseEventTooLarge, SseReader, type SseEvent } from './sse.ts'

/** One event has to be held whole, so that a comment never lands inside it. */
export const MAX_EVENT_BYTES = 8 * 1024 * 1024

export type Breakage = 'downstream_broken' | 'downstream_event_too_large' | 'broker_busy'

/** How long a stream goes on after everything it was opened for is answered: what the downstream says in the same breath still passes. */
export const GRACE_MS = 100

/** A downstream that primes does so at once, in milliseconds; until it has, the broker could not ask it for the rest either. */
export const PRIMES_WITHIN_MS = 5_000

export interface Carriage {
  readonly keepAliveMs: number
  readonly maxEventBytes: number
  /** Where an event has its place that is not complete. */
  readonly room?: Room
  /** Sent before anything else. */
  readonly first: readonly Uint8Array[]
  /** Promises a client that it can resume: sent when the downstream's own first id is stored, or when it is taken to have none. */
  readonly priming?: Uint8Array | undefined
  /** What the client gets of these events; may store them before. */
  readonly encode: (events: readonly SseEvent[]) => readonly Uint8Array[] | Promise<readonly Uint8Array[]>
  /** What the stream was opened for, where it ends with that; one that stands open owes nothing in particular. */
  readonly owed?: OpenRequests | undefined
  /** The last event of a stream that ended in good order and still owes an answer. */
  readonly unanswered?: () => Uint8Array | undefined
  /** The last event of a stream that broke, when its client can't find out by itself what became of its request. */
  readonly lastEvent: (breakage: Breakage) => Uint8Array | undefined
  /** Counts what passes. */
  readonly meter: StreamMeter
  /** Ends the stream from outside; then `lastFrame` says what the client gets last. */
  readonly pulled: Pull
  readonly lastFrame: () => Uint8Array
  /** Called once, when nothing more will be sent: the client is gone, or the stream ended, broke or was pulled. */
  readonly over: (because: 'ended' | 'client_left') => void
}

export function carryEvents(body: ReadableStream<Uint8Array>, carriage: Carriage): ReadableStream<Uint8Array> {
  const relay = new Relay(body, carriage)
  return new ReadableStream<Uint8Array>({
    start: (controller) => relay.start(controller),
    pull: (controller) => relay.carry(controller),
    cancel: () => relay.leave('client_left'),
  })
}

type Controller = ReadableStreamDefaultController<Uint8Array>

class Relay {
  readonly #carriage: Carriage
  readonly #source: ReadableStreamDefaultReader<Uint8Array>
  readonly #events: SseReader
  #stopBeating: (() => void) | undefined
  #priming: Uint8Array | undefined
  #unprimed: ReturnType<typeof setTimeout> | undefined
  #grace: ReturnType<typeof setTimeout> | undefined
  #encoding: Promise<readonly Uint8Array[]> | undefined
  #isOver = false

  constructor(body: ReadableStream<Uint8Array>, carriage: Carriage) {
    const { maxEventBytes, room, priming } = carriage
    this.#carriage = carriage
    this.#source = body.getReader()
    this.#events = new SseReader({ maxEventBytes, ...(room && { room }), comments: true })
    this.#priming = priming
  }

  start(controller: Controller): void {
    const { first, keepAliveMs, pulled, lastFrame } = this.#carriage
    // Headers may be held back until the first byte of the body.
    controller.enqueue(joined([encodeComment('ok'), ...first]))
    this.#stopBeating = keepAlive(keepAliveMs, {
      isBlocked: () => (controller.desiredSize ?? 0) <= 0,
      beat: () => {
        if (!this.#isOver) controller.enqueue(encodeComment('keep-alive'))
      },
      stalled: () => this.#endBy(controller, encodeComment('closed: limit_exceeded'), 'client_left'),
    })
    if (this.#priming) {
      this.#unprimed = setTimeout(() => {
        if (!this.#isOver && this.#priming) controller.enqueue(this.#priming)
        this.#priming = undefined
      }, PRIMES_WITHIN_MS)
    }
    let isPulled = false
    pulled.carriedBy({
      stop: () => {
        if (this.#isOver) return
        isPulled = true
        // Whatever else there is to stop is stopped when every other stream's client has been told too.
        this.#isOver = true
        controller.enqueue(lastFrame())
      },
      end: () => {
        if (isPulled) this.#endBy(controller, undefined, 'ended')
      },
    })
  }

  /** The client is ready for more: what comes next, or how it ends. */
  async carry(controller: Controller): Promise<void> {
    const { meter, owed, unanswered, over } = this.#carriage
    meter.taken()
    try {
      if (await this.#carrySome(controller)) return
      this.#finish(controller, owed?.areAnswered === false ? unanswered?.() : undefined)
      over('ended')
    } catch (error) {
      if (this.#isOver) return
      this.#finish(controller, this.#inPlaceOfAnswer(breakageOf(error)))
      await this.leave('ended')
    }
  }

  /** What is being stored is stored before the stream counts as over. */
  async leave(because: 'ended' | 'client_left'): Promise<void> {
    this.#stop()
    // Nobody is left to hear what cancelling may have to say.
    void this.#source.cancel().catch(() => undefined)
    if (this.#encoding) await this.#encoding.catch(() => undefined)
    this.#carriage.over(because)
  }

  #stop(): void {
    this.#isOver = true
    this.#events.close()
    this.#stopBeating?.()
    clearTimeout(this.#grace)
    clearTimeout(this.#unprimed)
  }

  #finish(controller: Controller, last?: Uint8Array): void {
    this.#stop()
    if (last) controller.enqueue(last)
    controller.close()
  }

  /** Ends the answer last: the runtime forgets whatever a request has left to do when its answer has ended. */
  #endBy(controller: Controller, last: Uint8Array | undefined, because: 'ended' | 'client_left'): void {
    if (last) controller.enqueue(last)
    // The client may have gone meanwhile; then there is nothing to close.
    this.leave(because)
      .then(() => controller.close())
      .catch(() => undefined)
  }

  /** Waits until the downstream has completed at least one event; false at the end of its stream. */
  async #carrySome(controller: Controller): Promise<boolean> {
    for (;;) {
      const next = await this.#source.read()
      if (this.#isOver) return true
      if (next.done) return false
      const { complete: came, tooLarge } = this.#events.take(next.value)
      const complete = this.#withoutSeconds(came)
      const stored = await this.#encoded(complete)
      if (this.#isOver) return true
      const passed = [...this.#primed(complete), ...stored]
      if (passed.length > 0) {
        const chunk = joined(passed)
        this.#carriage.meter.passed(complete.filter(({ data }) => data).length, chunk.length)
        controller.enqueue(chunk)
      }
      this.#settle(controller)
      if (tooLarge) throw tooLarge
      if (passed.length > 0) return true
    }
  }

  /** Once; what it promises the broker can keep from here on. */
  #primed(complete: readonly SseEvent[]): readonly Uint8Array[] {
    if (!this.#priming || !complete.some(({ id, data }) => id || data)) return []
    const bytes = [this.#priming]
    this.#priming = undefined
    return bytes
  }

  /** A request has one response (JSON-RPC 2.0 section 5): clients take a second one for a fault of the connection. */
  #withoutSeconds(complete: readonly SseEvent[]): readonly SseEvent[] {
    const { owed } = this.#carriage
    if (!owed) return complete
    return complete.filter((event) => {
      if (!isMessage(event)) return true
      const isSecond = owed.isLate(event.data)
      if (!isSecond) owed.settle(event.data)
      return !isSecond
    })
  }

  /** The downstream SHOULD close the stream after its response; one that does not must not hold what the stream holds. */
  #settle(controller: Controller): void {
    if (this.#carriage.owed?.areAnswered !== true || this.#grace !== undefined) return
    this.#grace = setTimeout(() => {
      if (!this.#isOver) this.#endBy(controller, undefined, 'ended')
    }, GRACE_MS)
  }

  #inPlaceOfAnswer(breakage: Breakage): Uint8Array | undefined {
    const { owed, lastEvent } = this.#carriage
    return owed?.areAnswered === true ? undefined : lastEvent(breakage)
  }

  async #encoded(complete: readonly SseEvent[]): Promise<readonly Uint8Array[]> {
    const passed = this.#carriage.encode(complete)
    if (!(passed instanceof Promise)) return passed
    this.#encoding = passed
    try {
      return await passed
    } finally {
      this.#encoding = undefined
    }
  }
}

/** What a stream ends with, for what its reader threw. */
export function breakageOf(error: unknown): Breakage {
  if (error instanceof NoRoomForEvent) return 'broker_busy'
  return error instanceof SseEventTooLarge ? 'downstream_event_too_large' : 'downstream_broken'
}

/**
 * Events as they go to a client that can't resume: without ids, which would make it try, and without those that have no data.
 * That is the modern era, and a legacy downstream that keeps no sessions.
 */
export function withoutIds(events: readonly SseEvent[]): readonly Uint8Array[] {
  return events.flatMap(({ comment, event, data }) => {
    if (comment !== undefined) return [encodeComment(comment)]
    return data ? [encodeEvent({ ...(event !== undefined && { event }), data })] : []
  })
}
