// An event stream on its way from the downstream to the client: event by event, never more than one chunk ahead of the reader.
import { joined } from '../../platform/bytes.ts'
import type { StreamMeter } from '../../session/contract/stream-traffic.ts'
import type { Room } from './unfinished.ts'
import { keepAlive } from './keep-alive.ts'
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
  readonly pulled: AbortSignal
  readonly lastFrame: () => Uint8Array
  /** Called once, when nothing more will be sent: the client is gone, or the stream ended, broke or was pulled. */
  readonly over: (because: 'ended' | 'client_left') => void
}

export function carryEvents(body: ReadableStream<Uint8Array>, carriage: Carriage): ReadableStream<Uint8Array> {
  const source = body.getReader()
  const events = new SseReader({
    maxEventBytes: carriage.maxEventBytes,
    ...(carriage.room && { room: carriage.room }),
    comments: true,
  })
  let stopBeating: () => void
  let isOver = false
  let grace: ReturnType<typeof setTimeout> | undefined
  let encoding: Promise<readonly Uint8Array[]> | undefined
  let priming = carriage.priming
  let unprimed: ReturnType<typeof setTimeout> | undefined

  function finish(controller: ReadableStreamDefaultController<Uint8Array>, last?: Uint8Array): void {
    isOver = true
    events.close()
    stopBeating()
    clearTimeout(grace)
    clearTimeout(unprimed)
    if (last) controller.enqueue(last)
    controller.close()
  }

  /** What is being stored is stored before the stream counts as over. */
  async function leave(because: 'ended' | 'client_left'): Promise<void> {
    isOver = true
    events.close()
    stopBeating()
    clearTimeout(grace)
    clearTimeout(unprimed)
    // Nobody is left to hear what cancelling may have to say.
    void source.cancel().catch(() => undefined)
    if (encoding) await encoding.catch(() => undefined)
    carriage.over(because)
  }

  /** Ends the answer last: the runtime forgets whatever a request has left to do when its answer has ended. */
  function endBy(
    controller: ReadableStreamDefaultController<Uint8Array>,
    last: Uint8Array | undefined,
    because: 'ended' | 'client_left',
  ): void {
    if (last) controller.enqueue(last)
    // The client may have gone meanwhile; then there is nothing to close.
    leave(because)
      .then(() => controller.close())
      .catch(() => undefined)
  }

  /** Waits until the downstream has completed at least one event; false at the end of its stream. */
  async function carrySome(controller: ReadableStreamDefaultController<Uint8Array>): Promise<boolean> {
    for (;;) {
      const next = await source.read()
      if (isOver) return true
      if (next.done) return false
      const { complete: came, tooLarge } = events.take(next.value)
      const complete = unanswered(came)
      const stored = await encoded(complete)
      if (isOver) return true
      const passed = [...primed(complete), ...stored]
      if (passed.length > 0) {
        const chunk = joined(passed)
        carriage.meter.passed(complete.filter(({ data }) => data).length, chunk.length)
        controller.enqueue(chunk)
      }
      settle(controller)
      if (tooLarge) throw tooLarge
      if (passed.length > 0) return true
    }
  }

  /** Once; what it promises the broker can keep from here on. */
  function primed(complete: readonly SseEvent[]): readonly Uint8Array[] {
    if (!priming || !complete.some(({ id, data }) => id || data)) return []
    const bytes = [priming]
    priming = undefined
    return bytes
  }

  /** A request has one response (JSON-RPC 2.0 section 5): clients take a second one for a fault of the connection. */
  function unanswered(complete: readonly SseEvent[]): readonly SseEvent[] {
    const { owed } = carriage
    if (!owed) return complete
    return complete.filter((event) => {
      if (!isMessage(event)) return true
      const isSecond = owed.isLate(event.data)
      if (!isSecond) owed.settle(event.data)
      return !isSecond
    })
  }

  /** The downstream SHOULD close the stream after its response; one that does not must not hold what the stream holds. */
  function settle(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (carriage.owed?.areAnswered !== true || grace !== undefined) return
    grace = setTimeout(() => {
      if (!isOver) endBy(controller, undefined, 'ended')
    }, GRACE_MS)
  }

  function inPlace(breakage: Breakage): Uint8Array | undefined {
    return carriage.owed?.areAnswered === true ? undefined : carriage.lastEvent(breakage)
  }

  async function encoded(complete: readonly SseEvent[]): Promise<readonly Uint8Array[]> {
    const passed = carriage.encode(complete)
    if (!(passed instanceof Promise)) return passed
    encoding = passed
    try {
      return await passed
    } finally {
      encoding = undefined
    }
  }

  return new ReadableStream<Uint8Array>({
    start(controller) {
      // Headers may be held back until the first byte of the body.
      controller.enqueue(joined([encodeComment('ok'), ...carriage.first]))
      stopBeating = keepAlive(carriage.keepAliveMs, {
        isBlocked: () => (controller.desiredSize ?? 0) <= 0,
        beat: () => controller.enqueue(encodeComment('keep-alive')),
        stalled: () => endBy(controller, encodeComment('closed: limit_exceeded'), 'client_left'),
      })
      if (priming) {
        unprimed = setTimeout(() => {
          if (!isOver && priming) controller.enqueue(priming)
          priming = undefined
        }, PRIMES_WITHIN_MS)
      }
      const pull = (): void => {
        if (!isOver) endBy(controller, carriage.lastFrame(), 'ended')
      }
      if (carriage.pulled.aborted) pull()
      else carriage.pulled.addEventListener('abort', pull, { once: true })
    },
    async pull(controller) {
      carriage.meter.taken()
      try {
        if (await carrySome(controller)) return
        finish(controller, carriage.owed?.areAnswered === false ? carriage.unanswered?.() : undefined)
        carriage.over('ended')
      } catch (error) {
        if (isOver) return
        finish(controller, inPlace(breakageOf(error)))
        await leave('ended')
      }
    },
    cancel: () => leave('client_left'),
  })
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
