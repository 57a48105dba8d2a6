// The answer to one request of 2026-07-28: JSON where the result is the first there is to say, an event stream where it is not.
import type { Deadline } from '../../../platform/deadlines.ts'
import { McpRefusal } from '../../message/refusal.ts'
import { EVENT_STREAM_HEADERS } from '../../../platform/event-stream.ts'
import { Outgoing } from './answer-events.ts'

/**
 * So long the status is waited for that says what a result is (404 for a method nobody knows, 400 for a capability that is missing), in
 * milliseconds. Then a stream begins, because whoever waits for headers gives up.
 */
const HELD_BACK_MS = 5_000

export interface ModernAnswerOptions {
  /** As the client spelled it, in JSON. */
  readonly id: string
  readonly requestId: string
  /** What keeps the time in which its status is held back. */
  readonly deadline: Deadline
  /** The client has left before the answer was complete. */
  readonly left: () => void
}

export class ModernAnswer {
  readonly response: Promise<Response>
  readonly #options: ModernAnswerOptions
  readonly #settle = Promise.withResolvers<Response>()
  readonly #hasStatus: () => void
  #stream: Outgoing | undefined
  #isOver = false

  constructor(options: ModernAnswerOptions) {
    this.#options = options
    this.response = this.#settle.promise
    // Whoever has left does not ask what became of it.
    this.response.catch(() => undefined)
    this.#hasStatus = options.deadline(HELD_BACK_MS, () => void this.#begun())
  }

  /** A message before the result. Resolves when the client has taken it. */
  async notify(data: string): Promise<void> {
    if (!this.#isOver) await this.#begun().send(data)
  }

  /** The result, or an error. */
  finish(text: string, status = 200): void {
    if (!this.#close()) return
    if (this.#stream) {
      void this.#stream.send(text)
      this.#stream.end()
    } else this.#settle.resolve(jsonAnswer(text, status))
  }

  refuse(refusal: McpRefusal): void {
    const { id, requestId } = this.#options
    if (this.#stream) this.finish(refusal.for({ id }).toJson(requestId))
    else if (this.#close()) this.#settle.reject(refusal)
  }

  /** Nobody waits for it any more. */
  drop(): void {
    if (!this.#close()) return
    if (this.#stream) this.#stream.end()
    else this.#settle.reject(new McpRefusal('client_left', 'the client left before the downstream had answered'))
  }

  #close(): boolean {
    const wasOpen = !this.#isOver
    this.#isOver = true
    this.#hasStatus()
    return wasOpen
  }

  #begun(): Outgoing {
    if (this.#stream) return this.#stream
    this.#hasStatus()
    this.#stream = new Outgoing(() => {
      if (this.#close()) this.#options.left()
    })
    this.#settle.resolve(new Response(this.#stream.body, { headers: EVENT_STREAM_HEADERS }))
    return this.#stream
  }
}

const encoder = new TextEncoder()

/** It says how long it is: whoever carries it on reads it in one piece, which costs a fraction. */
export function jsonAnswer(text: string, status = 200): Response {
  const body = encoder.encode(text)
  return new Response(body, { status, headers: { 'content-type': 'application/json', 'content-length': String(body.length) } })
}
