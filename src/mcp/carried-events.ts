// An event stream on its way from the downstream to the client: event by event, never more than one chunk ahead of the reader.
import type { Era } from './era.ts'
import { keepAlive } from './keep-alive.ts'
import { encodeComment, encodeEvent, SseEventTooLarge, SseReader, type SseEvent } from './sse.ts'

/** One event has to be held whole, so that a comment never lands inside it. */
export const MAX_EVENT_BYTES = 8 * 1024 * 1024

/** `retry: 0` would make every client of a downstream call back at once, for ever; the other end would strand them. */
const MIN_RETRY_MS = 250
const MAX_RETRY_MS = 3_600_000

export type Breakage = 'downstream_broken' | 'downstream_event_too_large'

export interface Carriage {
  readonly era: Era
  readonly keepAliveMs: number
  readonly maxEventBytes: number
  /** The last event of a stream that broke, when its client can't find out by itself what became of its request. */
  readonly lastEvent: (breakage: Breakage, canResume: boolean) => Uint8Array | undefined
  /** The client is gone; what the downstream still has to say is in the reader, once its pending read is over. */
  readonly clientLeft: (rest: ReadableStreamDefaultReader<Uint8Array>, pending: Promise<unknown>) => void
  /** Called once, when nothing more will be read from the downstream because its stream ended or broke. */
  readonly ended: () => void
}

export function carryEvents(body: ReadableStream<Uint8Array>, carriage: Carriage): ReadableStream<Uint8Array> {
  const source = body.getReader()
  const events = new SseReader({ maxEventBytes: carriage.maxEventBytes, comments: true })
  let stopBeating: () => void
  let isOver = false
  let canResume = false
  let pending: Promise<unknown> = Promise.resolve()

  function finish(controller: ReadableStreamDefaultController<Uint8Array>, last?: Uint8Array): void {
    isOver = true
    stopBeating()
    if (last) controller.enqueue(last)
    controller.close()
  }

  /** Waits until the downstream has completed at least one event; false at the end of its stream. */
  async function carrySome(controller: ReadableStreamDefaultController<Uint8Array>): Promise<boolean> {
    for (;;) {
      const read = source.read()
      pending = read
      const next = await read
      if (isOver) return true
      if (next.done) return false
      const passed: Uint8Array[] = []
      try {
        for (const event of events.read(next.value)) {
          if (event.id !== undefined) canResume = carriage.era === 'legacy'
          const bytes = encoded(event, carriage.era)
          if (bytes) passed.push(bytes)
        }
      } finally {
        // What came before the event that broke the stream is the client's.
        if (passed.length > 0) controller.enqueue(joined(passed))
      }
      if (passed.length > 0) return true
    }
  }

  return new ReadableStream<Uint8Array>({
    start(controller) {
      // Headers may be held back until the first byte of the body.
      controller.enqueue(encodeComment('ok'))
      stopBeating = keepAlive(carriage.keepAliveMs, {
        isBlocked: () => (controller.desiredSize ?? 0) <= 0,
        beat: () => controller.enqueue(encodeComment('keep-alive')),
        stalled: () => {
          finish(controller, encodeComment('closed: limit_exceeded'))
          carriage.clientLeft(source, pending)
        },
      })
    },
    async pull(controller) {
      try {
        if (await carrySome(controller)) return
        finish(controller)
        carriage.ended()
      } catch (error) {
        if (isOver) return
        const breakage = error instanceof SseEventTooLarge ? 'downstream_event_too_large' : 'downstream_broken'
        finish(controller, carriage.lastEvent(breakage, canResume))
        // The reason why it broke is known; cancelling what is left of it has nothing to add.
        await source.cancel(error).catch(() => undefined)
        carriage.ended()
      }
    },
    cancel() {
      isOver = true
      stopBeating()
      carriage.clientLeft(source, pending)
    },
  })
}

/** In the modern era there is nothing to resume: an id would make a client ask for it, and an event without data says nothing. */
function encoded(event: SseEvent, era: Era): Uint8Array | undefined {
  if (event.comment !== undefined) return encodeComment(event.comment)
  const { id, retry, ...rest } = event
  if (era === 'modern') return rest.data ? encodeEvent(rest) : undefined
  return encodeEvent({
    ...rest,
    ...(id !== undefined && { id }),
    ...(retry !== undefined && { retry: Math.min(Math.max(retry, MIN_RETRY_MS), MAX_RETRY_MS) }),
  })
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts
  if (parts.length === 1 && only) return only
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
