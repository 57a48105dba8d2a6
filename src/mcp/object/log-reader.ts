// The client's end of a logged stream: reads the log from a cursor on, waits where it ends, and never holds more than a chunk.
import { joined } from '../../platform/bytes.ts'
import { eventId, type Cursor } from '../../session/contract/event-id.ts'
import type { EventLog, LoggedEvent } from '../../session/store/event-log.ts'
import type { CloseReason } from '../../session/contract/leash-terms.ts'
import { keepAlive } from '../sse/keep-alive.ts'
import { encodeLogged } from '../sse/logged-event.ts'
import { encodeComment, encodeEvent } from '../sse/sse.ts'

/** Enough to fill a socket; a client that does not read leaves everything beyond it in the log. */
const CHUNK_BYTES = 128 * 1024

export interface ReaderOptions {
  readonly keepAliveMs: number
  /** Milliseconds; sent first, so that the client knows how soon to come again (SEP-1699). */
  readonly retryMs: number
  /** Whether the client understands an event that has an id and no data (2025-11-25 on). */
  readonly primes: boolean
  /** Sent before anything that is logged. */
  readonly first: readonly Uint8Array[]
  /** The client went away, or was found not to read. */
  readonly left: () => void
  /** Nothing more will be sent, whatever the reason. */
  readonly over: () => void
}

export class LogReader {
  readonly body: ReadableStream<Uint8Array>
  readonly #log: EventLog
  readonly #options: ReaderOptions
  #cursor: Cursor
  #safeUpTo: number
  #trimsSeen: number
  #wake: (() => void) | undefined
  #handed: readonly LoggedEvent[] | undefined
  #isFinished = false
  #last: Uint8Array | undefined
  #reason: CloseReason | undefined
  #isOver = false
  #stopBeating: () => void = () => undefined

  /** `safeUpTo` is the number of the last event known to be stored; nothing beyond it is sent. */
  constructor(log: EventLog, cursor: Cursor, safeUpTo: number, options: ReaderOptions) {
    this.#log = log
    this.#cursor = cursor
    this.#safeUpTo = safeUpTo
    this.#trimsSeen = log.trims
    this.#options = options
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => this.#start(controller),
      pull: (controller) => this.#pull(controller),
      cancel: () => this.#leave(),
    })
  }

  /** Number of the last event that was sent. */
  get sentUpTo(): number {
    return this.#cursor.seq
  }

  /** Events up to this number are safe to send; these are the last of them. */
  advance(safeUpTo: number, newest: readonly Omit<LoggedEvent, 'seq'>[]): void {
    this.#safeUpTo = safeUpTo
    // Whoever waits has read everything before them, and need not read back what was stored this moment.
    if (this.#wake) this.#handed = newest.map((event, index) => ({ ...event, seq: safeUpTo - newest.length + 1 + index }))
    this.#awaken()
  }

  #awaken(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  /** Ends the stream after what is safe has been sent. */
  finish(): void {
    this.#isFinished = true
    this.#awaken()
  }

  /** Ends the stream after what is safe has been sent, and lets the client come again for the rest (SEP-1699); false if it could not. */
  poll(): boolean {
    if (!this.#options.primes) return false
    // What it was told at first. The downstream's own time is for whoever asks the downstream, and that is the object.
    this.#last = encodeEvent({ retry: this.#options.retryMs })
    this.finish()
    return true
  }

  /** Ends the stream now and says why; the first reason is the one. */
  close(reason: CloseReason): void {
    this.#reason ??= reason
    this.#awaken()
  }

  #start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const { keepAliveMs, retryMs, primes, first } = this.#options
    const { stream, seq } = this.#cursor
    for (const bytes of [encodeComment('ok'), ...first]) controller.enqueue(bytes)
    if (primes && seq === 0) controller.enqueue(encodeEvent({ id: eventId(stream, 0), retry: retryMs, data: '' }))
    this.#stopBeating = keepAlive(keepAliveMs, {
      isBlocked: () => (controller.desiredSize ?? 0) <= 0,
      beat: () => controller.enqueue(encodeComment('keep-alive')),
      stalled: () => {
        this.#end(controller, 'limit_exceeded')
        this.#options.left()
      },
    })
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    while (!this.#isOver) {
      if (this.#reason !== undefined) return this.#end(controller, this.#reason)
      if (this.#hasGap()) return this.#end(controller, 'limit_exceeded')
      const chunk = this.#nextChunk()
      if (chunk !== undefined) return controller.enqueue(chunk)
      if (this.#isFinished) return this.#end(controller)
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await promise
    }
  }

  #nextChunk(): Uint8Array | undefined {
    const pieces: Uint8Array[] = []
    let size = 0
    const events = this.#handed ?? this.#log.after(this.#cursor, this.#safeUpTo)
    this.#handed = undefined
    for (const event of events) {
      const bytes = encodeLogged(this.#cursor.stream, event)
      pieces.push(bytes)
      size += bytes.length
      this.#cursor = { stream: this.#cursor.stream, seq: event.seq }
      if (size >= CHUNK_BYTES) break
    }
    const [only] = pieces
    return only && joined(pieces)
  }

  /** What was dropped while the client did not read would be a silent gap. */
  #hasGap(): boolean {
    if (this.#trimsSeen === this.#log.trims) return false
    this.#trimsSeen = this.#log.trims
    return (this.#log.find(this.#cursor.stream)?.trimmedTo ?? 0) > this.#cursor.seq
  }

  #end(controller: ReadableStreamDefaultController<Uint8Array>, reason?: CloseReason): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopBeating()
    if (reason !== undefined) controller.enqueue(encodeComment(`closed: ${reason}`))
    else if (this.#last) controller.enqueue(this.#last)
    controller.close()
    this.#options.over()
  }

  #leave(): void {
    this.#isOver = true
    this.#stopBeating()
    this.#awaken()
    this.#options.over()
    this.#options.left()
  }
}
