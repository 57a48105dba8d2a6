// Watches one exchange for the flight recorder: what was asked, what was answered, and every event of a stream; nothing of it is changed.
import type { Watched, WireEntry } from '../../session/contract/recording.ts'
import { isEventStream } from './passing-headers.ts'
import { SseReader } from '../sse/sse.ts'
import { roomForRecorders } from '../sse/unfinished.ts'

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
  /** Unix milliseconds. */
  readonly startedAt: number
}

export type Sink = (entries: readonly WireEntry[]) => void

/** What is taken of one message, in bytes. One that is longer can't be read, so its size is all that is kept of it. */
const CAPTURED = 64 * 1024
/** Larger ones are counted by their bytes alone: watching must not break what it watches. */
const LARGEST_EVENT = 9 * 1024 * 1024

export class WireTap {
  readonly #tapped: Tapped
  readonly #keepsBodies: boolean
  readonly #sink: Sink

  constructor(tapped: Tapped, { bodies }: Watched, sink: Sink) {
    this.#tapped = tapped
    this.#keepsBodies = bodies
    this.#sink = sink
  }

  /** The same answer, on its way through the tap. */
  answered(answer: Response): Response {
    const { status, body } = answer
    if (body === null) {
      this.#sink([this.#entry('exchange', { status, ...this.#asked(), answerBytes: 0 })])
      return answer
    }
    const watched = isEventStream(answer) ? this.#stream(body, status) : this.#whole(body, status)
    return new Response(watched, answer)
  }

  refused(code: string, status: number): void {
    this.#sink([this.#entry('exchange', { status, refusal: code, ...this.#asked() })])
  }

  /** One entry when all has been sent. */
  #whole(body: ReadableStream<Uint8Array>, status: number): ReadableStream<Uint8Array> {
    const captured: Uint8Array[] = []
    let answerBytes = 0
    return watching(body, {
      chunk: (bytes) => {
        if (this.#keepsBodies && answerBytes < CAPTURED) captured.push(bytes.slice(0, CAPTURED - answerBytes))
        answerBytes += bytes.length
      },
      over: (ended) => {
        const answer = this.#keepsBodies && { answer: textOf(captured) }
        this.#sink([
          this.#entry('exchange', { status, ...this.#asked(), answerBytes, ...answer, ...(ended !== 'ended' && { ended }) }),
        ])
      },
    })
  }

  /** One entry at the begin, one at the end, and the events between them where messages are kept. */
  #stream(body: ReadableStream<Uint8Array>, status: number): ReadableStream<Uint8Array> {
    this.#sink([this.#entry('stream_opened', { status, ...this.#asked() })])
    const reader = new SseReader({ maxEventBytes: LARGEST_EVENT, room: roomForRecorders })
    let isReadable = true
    let answerBytes = 0
    let events = 0
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
        if (this.#keepsBodies && told.length > 0) this.#sink(told.map((data) => this.#event(data)))
      },
      over: (ended) => {
        reader.close()
        this.#sink([this.#entry('stream_ended', { status, answerBytes, events, ended })])
      },
    })
  }

  #event(data: string): WireEntry {
    const bytes = new TextEncoder().encode(data)
    return this.#entry('event', { answerBytes: bytes.length, answer: textOf([bytes.slice(0, CAPTURED)]) })
  }

  #asked(): Pick<WireEntry, 'requestBytes' | 'request'> {
    const { body } = this.#tapped
    const request = this.#keepsBodies && body !== undefined && { request: textOf([body.subarray(0, CAPTURED)]) }
    return { requestBytes: body?.length ?? 0, ...request }
  }

  #entry(kind: WireEntry['kind'], more: Partial<WireEntry>): WireEntry {
    const { era, grantId, clientId, requestId, verb, label, startedAt } = this.#tapped
    const at = Date.now()
    const space = label.indexOf(' ')
    const named = verb === 'POST' && {
      method: space < 0 ? label : label.slice(0, space),
      about: space < 0 ? undefined : label.slice(space + 1),
    }
    const direction = kind === 'event' ? 'to_client' : 'to_server'
    const durationMs = kind === 'event' ? undefined : at - startedAt
    return { at, kind, direction, era, grantId, clientId, requestId, verb, ...named, durationMs, ...more }
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

/** A character that was cut in half at the end is left out. */
function textOf(parts: readonly Uint8Array[]): string {
  const decoder = new TextDecoder()
  return parts.map((part) => decoder.decode(part, { stream: true })).join('')
}
