// Watches one exchange for the flight recorder: what was asked, what was answered, and every event of a stream; nothing of it is changed.
import { LARGEST_MESSAGE, type Watched, type WireEntry } from '../../session/contract/recording.ts'
import { isEventStream } from '../downstream/passing-headers.ts'
import { bytesIn } from '../downstream/whole-answer-bytes.ts'
import { SseReader } from '../sse/sse.ts'
import { roomForRecorders, UnfinishedBytes } from '../sse/unfinished.ts'
import { failureIn } from '../telemetry/outcome.ts'

export interface Tapped {
  readonly era: WireEntry['era']
  readonly grantId: string
  readonly clientId: string
  readonly requestId: string
  readonly verb: string
  /** `tools/call count` */
  readonly label: string
  /** As it came; undefined where there is none. */
  readonly body: Uint8Array | undefined
  /** Of the body, also where it is not at hand. */
  readonly bodyBytes?: number
  /** Unix milliseconds. */
  readonly startedAt: number
}

/** Settles when it has taken them: so long they are held. */
export type Sink = (entries: readonly WireEntry[]) => Promise<void>

// Made once: each costs as much as what it reads.
const utf8 = new TextDecoder()
const encoder = new TextEncoder()

/** Larger ones are counted by their bytes alone: watching must not break what it watches. */
const LARGEST_EVENT = 9 * 1024 * 1024

export class WireTap {
  readonly #tapped: Tapped
  readonly #keepsBodies: boolean
  readonly #told: Sink

  constructor(tapped: Tapped, { bodies }: Watched, sink: Sink) {
    this.#tapped = tapped
    this.#keepsBodies = bodies
    this.#told = sink
  }

  /** The same answer, on its way through the tap. */
  answered(answer: Response): Response {
    const { status, body } = answer
    const bytes = bytesIn(answer)
    if (body === null || bytes) {
      const text = textOf(bytes ? [bytes] : [])
      const kept = this.#keepsBodies && bytes && { answer: text }
      const more = { status, ...this.#asked(), answerBytes: bytes?.length ?? 0, ...failed(text), ...kept }
      this.#tell([this.#entry('exchange', more)])
      return answer
    }
    const watched = isEventStream(answer) ? this.#stream(body, status) : this.#whole(body, status)
    return new Response(watched, answer)
  }

  refused(code: string, status: number): void {
    this.#tell([this.#entry('exchange', { status, refusal: code, ...this.#asked() })])
  }

  /** One entry when all has been sent. */
  #whole(body: ReadableStream<Uint8Array>, status: number): ReadableStream<Uint8Array> {
    const captured = this.#keepsBodies ? new Captured() : undefined
    let answerBytes = 0
    return watching(body, {
      chunk: (bytes) => {
        captured?.add(bytes)
        answerBytes += bytes.length
      },
      over: (ended) => {
        const text = captured?.text
        const kept = text !== undefined && { ...failed(text), answer: text }
        const more = { status, ...this.#asked(), answerBytes, ...kept, ...(ended !== 'ended' && { ended }) }
        this.#tell([this.#entry('exchange', more)], captured)
      },
    })
  }

  /** One entry at the begin, one at the end, and the events between them where messages are kept. */
  #stream(body: ReadableStream<Uint8Array>, status: number): ReadableStream<Uint8Array> {
    this.#tell([this.#entry('stream_opened', { status, ...this.#asked() })])
    const reader = new SseReader({ maxEventBytes: LARGEST_EVENT, room: roomForRecorders })
    let isReadable = true
    let answerBytes = 0
    let events = 0
    let failure: Pick<WireEntry, 'failure'> = {}
    return watching(body, {
      chunk: (bytes) => {
        answerBytes += bytes.length
        const told: string[] = []
        try {
          if (isReadable) for (const { data } of reader.read(bytes)) if (data) told.push(data)
        } catch {
          isReadable = false
        }
        events += told.length
        failure = told.map(failed).findLast((each) => each.failure !== undefined) ?? failure
        if (this.#keepsBodies && told.length > 0) this.#tell(told.map((data) => this.#event(data)))
      },
      over: (ended) => {
        reader.close()
        this.#tell([this.#entry('stream_ended', { status, answerBytes, events, ended, ...failure })])
      },
    })
  }

  #tell(entries: readonly WireEntry[], captured?: Captured): void {
    const told = this.#told(entries)
    if (captured) void told.finally(() => captured.giveBack())
  }

  #event(data: string): WireEntry {
    const bytes = encoder.encode(data)
    const answer = bytes.length <= LARGEST_MESSAGE ? data : textOf([bytes.subarray(0, LARGEST_MESSAGE)])
    return this.#entry('event', { answerBytes: bytes.length, answer })
  }

  #asked(): Pick<WireEntry, 'requestBytes' | 'request'> {
    const { body, bodyBytes = body?.length ?? 0 } = this.#tapped
    const request = this.#keepsBodies && body !== undefined && { request: textOf([body.subarray(0, LARGEST_MESSAGE)]) }
    return { requestBytes: bodyBytes, ...request }
  }

  #entry(kind: WireEntry['kind'], more: Partial<WireEntry>): WireEntry {
    const { era, grantId, clientId, requestId, verb, label, startedAt } = this.#tapped
    const at = Date.now()
    const space = label.indexOf(' ')
    const isNamed = verb === 'POST'
    const method = !isNamed ? undefined : space < 0 ? label : label.slice(0, space)
    const about = !isNamed || space < 0 ? undefined : label.slice(space + 1)
    const direction = kind === 'event' ? 'to_client' : 'to_server'
    const durationMs = kind === 'event' ? undefined : at - startedAt
    return { at, kind, direction, era, grantId, clientId, requestId, verb, method, about, durationMs, ...more }
  }
}

/** An answer as it comes, until it is longer than what is kept, or there is no room for it. */
class Captured {
  readonly #parts: Uint8Array[] = []
  readonly #room = new UnfinishedBytes(roomForRecorders)
  #length = 0
  #isFull = false

  add(bytes: Uint8Array): void {
    if (this.#isFull) return
    const taken = bytes.slice(0, LARGEST_MESSAGE - this.#length)
    this.#length += taken.length
    this.#isFull = taken.length < bytes.length
    try {
      this.#room.reach(this.#length)
      this.#parts.push(taken)
    } catch {
      // Half a message can not be read for secrets: its size is what is left of it.
      this.#isFull = true
    }
  }

  get text(): string {
    return textOf(this.#parts)
  }

  giveBack(): void {
    this.#room.giveBack()
  }
}

interface Watcher {
  readonly chunk: (bytes: Uint8Array) => void
  readonly over: (how: 'ended' | 'client_left' | 'broken') => void
}

function watching(body: ReadableStream<Uint8Array>, { chunk, over: told }: Watcher): ReadableStream<Uint8Array> {
  const source = body.getReader()
  let isOver = false
  // Cancelling breaks off the read that is under way: what came first is how it ended.
  const over: Watcher['over'] = (how) => {
    if (!isOver) told(how)
    isOver = true
  }
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const next = await source.read()
        if (next.done) {
          controller.close()
          over('ended')
        } else {
          if (!isOver) chunk(next.value)
          controller.enqueue(next.value)
        }
      } catch (error) {
        over('broken')
        throw error
      }
    },
    async cancel(reason) {
      over('client_left')
      await source.cancel(reason)
    },
  })
}

/** What a response says went wrong; nothing of any other message. */
function failed(message: string): Pick<WireEntry, 'failure'> {
  const failure = failureIn(message)?.type
  return failure === undefined ? {} : { failure }
}

/** A character that was cut in half at the end is left out. */
function textOf(parts: readonly Uint8Array[]): string {
  const [only] = parts
  if (only && parts.length === 1 && only.length < LARGEST_MESSAGE) return utf8.decode(only)
  const decoder = new TextDecoder()
  return parts.map((part) => decoder.decode(part, { stream: true })).join('')
}
