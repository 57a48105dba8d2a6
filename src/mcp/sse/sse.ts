// Server-sent events as a proxy needs them: read from any cutting of the byte stream, written back without loss.
//
// An EventSource forgets what a proxy must keep: an `id` or `retry` without data, and an event whose data is empty. The last
// one is the priming event of MCP 2025-11-25 (SEP-1699): it carries the first id a client can resume from.
// https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
import { GrowingBytes } from '../../platform/bytes.ts'
import { HeldBytesError } from '../../platform/held-bytes.ts'
import { roomFor, UnfinishedBytes, type Room } from './unfinished.ts'

export type SseEvent = {
  readonly id?: string
  readonly event?: string
  /** Absent when the block had no `data` line at all, the empty string when it had an empty one. */
  readonly data?: string
  readonly retry?: number
  /** Set on nothing but a comment, which is delivered alone and only when asked for. */
  readonly comment?: string
}

export type SseReaderOptions = {
  /** How many bytes one event may have before the reader refuses to hold more of it. */
  readonly maxEventBytes: number
  /** Where an event has its place that is not small, until it is complete; whose it is decides how much there is. */
  readonly room?: Room
  /** Deliver comments too, in their place between the events; otherwise they are dropped. */
  readonly comments?: boolean
}

export class SseEventTooLarge extends Error {
  override readonly name: string = 'SseEventTooLarge'
  readonly code: 'sse_event_too_large' | 'no_room_for_event' = 'sse_event_too_large'
  readonly maxEventBytes: number

  constructor(maxEventBytes: number) {
    super(`an event of the stream is larger than the ${maxEventBytes} bytes allowed`)
    this.maxEventBytes = maxEventBytes
  }
}

/** An event that might be small enough, but there is no room for what is there of it. */
export class NoRoomForEvent extends SseEventTooLarge {
  override readonly name = 'NoRoomForEvent'
  override readonly code = 'no_room_for_event'
}

interface Typed {
  readonly event?: string | undefined
  readonly data?: string | undefined
}

/** What a client of MCP reads. Events of other types are dispatched to nobody there (WHATWG server-sent events, section 9.2.6). */
export function isMessage<Event extends Typed>(event: Event): event is Event & { readonly data: string } {
  const { event: type = '', data = '' } = event
  return data !== '' && (type === '' || type === 'message')
}

/** Ids and types of events, in characters; both are stored, and one is sent back. */
const LONGEST_NAME = 1024

const LF = 0x0a
const CR = 0x0d
const BYTE_ORDER_MARK = '\uFEFF'
const LINE_END = /\r\n|\r|\n/
const UNWRITABLE = /[\r\n\0]/

type Block = { id?: string; event?: string; data?: string; retry?: number }

/** Lines are found in bytes and decoded whole, so a character that is cut in two never meets the decoder. */
export class SseReader {
  readonly #options: SseReaderOptions
  readonly #decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
  /** Most lines come in one piece, which is not copied. Of many small ones each would take far more memory than its bytes. */
  #line: Uint8Array | undefined
  #pieces: GrowingBytes | undefined
  #lineBytes = 0
  #block: Block = {}
  #blockBytes = 0
  #lastByteWasCr = false
  #isFirstLine = true
  readonly #unfinished: UnfinishedBytes

  constructor(options: SseReaderOptions) {
    this.#options = options
    this.#unfinished = new UnfinishedBytes(options.room ?? roomFor())
  }

  /** Once nothing more is read: what is there of an event gives back its room. */
  close(): void {
    this.#line = undefined
    this.#pieces = undefined
    this.#block = {}
    this.#unfinished.giveBack()
  }

  /** Yields what the chunk completes. It has to be drained before the next chunk; an event the stream ends in is not one. */
  *read(chunk: Uint8Array): Generator<SseEvent, void, undefined> {
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]
      const isSecondHalfOfCrLf = byte === LF && this.#lastByteWasCr
      this.#lastByteWasCr = byte === CR
      if (isSecondHalfOfCrLf) start = at + 1
      else if (byte === LF || byte === CR) {
        this.#hold(chunk.subarray(start, at))
        start = at + 1
        yield* this.#endLine()
      }
    }
    // A copy: the runtime may reuse the buffer of a chunk once the next one is asked for.
    this.#hold(chunk.slice(start))
  }

  /** What the chunk completes, at once; what came before an event that is too large is still the client's. */
  take(chunk: Uint8Array): { readonly complete: readonly SseEvent[]; readonly tooLarge: SseEventTooLarge | undefined } {
    const complete: SseEvent[] = []
    try {
      for (const event of this.read(chunk)) complete.push(event)
      return { complete, tooLarge: undefined }
    } catch (error) {
      if (error instanceof SseEventTooLarge) return { complete, tooLarge: error }
      throw error
    }
  }

  #hold(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#lineBytes += bytes.length
    const { maxEventBytes } = this.#options
    const soFar = this.#blockBytes + this.#lineBytes
    try {
      if (soFar > maxEventBytes) throw new SseEventTooLarge(maxEventBytes)
      this.#unfinished.reach(soFar)
    } catch (error) {
      this.close()
      throw error instanceof HeldBytesError ? new NoRoomForEvent(maxEventBytes) : error
    }
    if (this.#line) {
      this.#pieces ??= new GrowingBytes(this.#line)
      this.#pieces.add(bytes)
    } else this.#line = bytes
  }

  *#endLine(): Generator<SseEvent, void, undefined> {
    const line = this.#takeLine()
    const colon = line.indexOf(':')
    if (line === '') yield* this.#endBlock()
    else if (colon === 0) yield* this.#comment(line)
    else if (colon === -1) this.#field(line, '')
    else this.#field(line.slice(0, colon), withoutOneSpace(line.slice(colon + 1)))
  }

  #takeLine(): string {
    const line = this.#decoder.decode(this.#pieces?.bytes ?? this.#line)
    this.#blockBytes += this.#lineBytes
    this.#line = undefined
    this.#pieces = undefined
    this.#lineBytes = 0
    if (!this.#isFirstLine) return line
    this.#isFirstLine = false
    return line.startsWith(BYTE_ORDER_MARK) ? line.slice(1) : line
  }

  *#endBlock(): Generator<SseEvent, void, undefined> {
    const block = this.#block
    this.#block = {}
    this.#blockBytes = 0
    this.#unfinished.giveBack()
    if (isWorthTelling(block)) yield block
  }

  *#comment(line: string): Generator<SseEvent, void, undefined> {
    // Keep-alives that never end a block must not add up to an event that is too large.
    if (Object.keys(this.#block).length === 0) {
      this.#blockBytes = 0
      this.#unfinished.giveBack()
    }
    if (this.#options.comments === true) yield { comment: withoutOneSpace(line.slice(1)) }
  }

  #field(name: string, value: string): void {
    if (name === 'data') this.#block.data = this.#block.data === undefined ? value : `${this.#block.data}\n${value}`
    // NUL is allowed here and nowhere expected; a stream must not break over it where it is written again.
    else if (name === 'event') this.#block.event = value.slice(0, LONGEST_NAME).replaceAll('\0', '\uFFFD')
    // What is longer can't be sent back in a header: there is nothing to resume from then.
    else if (name === 'id' && !value.includes('\0')) this.#block.id = value.length > LONGEST_NAME ? '' : value
    else if (name === 'retry' && /^[0-9]+$/.test(value)) this.#block.retry = Number(value)
  }
}

/** Every event of a body, in order; leaving the loop early cancels the body, and so does the signal, which ends the loop. */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  { signal, ...options }: SseReaderOptions & { readonly signal?: AbortSignal },
): AsyncGenerator<SseEvent, void, undefined> {
  const events = new SseReader(options)
  const chunks = body.getReader()
  const cut = (): void => void chunks.cancel(signal?.reason).catch(() => undefined)
  if (signal?.aborted === true) cut()
  signal?.addEventListener('abort', cut, { once: true })
  try {
    for (let next = await chunks.read(); !next.done; next = await chunks.read()) yield* events.read(next.value)
  } finally {
    events.close()
    signal?.removeEventListener('abort', cut)
    // The reason why the body broke has already been thrown by read(); cancelling it again has nothing to add.
    await chunks.cancel().catch(() => undefined)
  }
}

export function encodeEvent(event: Omit<SseEvent, 'comment'>): Uint8Array {
  const lines: string[] = []
  if (event.id !== undefined) lines.push(`id: ${writable('id', event.id)}`)
  if (event.event !== undefined) lines.push(`event: ${writable('name', event.event)}`)
  if (event.retry !== undefined) lines.push(`retry: ${wholeNumber(event.retry)}`)
  // No spread: whoever sends the event says how many lines there are, and a call takes only so many arguments.
  if (event.data !== undefined)
    lines.push(
      event.data
        .split(LINE_END)
        .map((line) => `data: ${line}`)
        .join('\n'),
    )
  return encoded(lines)
}

export function encodeComment(text: string): Uint8Array {
  return encoded(text.split(LINE_END).map((line) => `: ${line}`))
}

const utf8 = new TextEncoder()

function encoded(lines: readonly string[]): Uint8Array {
  return utf8.encode(`${lines.join('\n')}\n\n`)
}

function isWorthTelling({ id, data, retry }: Block): boolean {
  return id !== undefined || data !== undefined || retry !== undefined
}

function withoutOneSpace(value: string): string {
  return value.startsWith(' ') ? value.slice(1) : value
}

/** A line break in an id would let whoever chose it write events of their own. */
function writable(part: string, value: string): string {
  if (UNWRITABLE.test(value)) throw new TypeError(`the ${part} of an event must not contain a line break or NUL`)
  return value
}

function wholeNumber(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new TypeError('the retry of an event must be a whole number of milliseconds')
  return value
}
