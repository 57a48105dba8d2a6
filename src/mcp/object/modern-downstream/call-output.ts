// Where the messages of one POST go: one JSON answer where nothing came before it, and an event stream otherwise.
import { errorFor } from '../../bridge/legacy-answer.ts'
import { EVENT_STREAM_HEADERS } from '../../../platform/event-stream.ts'
import { Feed } from '../http-sse/feed.ts'

export interface CallOutput {
  /** What comes next comes as events. */
  begin(): void
  /** Resolves when it is taken, or nothing is taken any more. */
  send(data: string, eventId?: string): Promise<void>
  /** Resolves when all that was sent is stored. */
  drained(): Promise<void>
}

export function singleAnswer(message: string): Response {
  return new Response(message, { headers: { 'content-type': 'application/json' } })
}

/** The answer to one request. */
export class SingleOutput implements CallOutput {
  readonly #answer = Promise.withResolvers<Response>()
  #feed: Feed | undefined

  /** As soon as it is known what kind it is. */
  get answer(): Promise<Response> {
    return this.#answer.promise
  }

  get hasBegun(): boolean {
    return this.#feed !== undefined
  }

  begin(): void {
    if (this.#feed) return
    this.#feed = new Feed()
    this.#answer.resolve(new Response(this.#feed.body, { headers: EVENT_STREAM_HEADERS }))
  }

  async send(data: string, eventId?: string): Promise<void> {
    this.begin()
    await this.#feed?.send(data, eventId)
  }

  async drained(): Promise<void> {
    await this.#feed?.drained()
  }

  /** The last message; a Response is the server's refusal of the request itself; undefined: nobody waits for one. */
  async end(last: string | Response | undefined): Promise<void> {
    if (!this.#feed)
      return this.#answer.resolve(last instanceof Response ? last : last === undefined ? nothing() : singleAnswer(last))
    if (typeof last === 'string') await this.#feed.send(last)
    this.#feed.end()
  }

  fail(error: unknown): void {
    this.#answer.reject(error)
    this.#feed?.end()
  }
}

/** The answers to a batch of 2025-03-26: all on one stream, in the order they come. */
export class BatchOutput implements CallOutput {
  readonly #feed = new Feed()

  get answer(): Response {
    return new Response(this.#feed.body, { headers: EVENT_STREAM_HEADERS })
  }

  begin(): void {}

  async send(data: string, eventId?: string): Promise<void> {
    await this.#feed.send(data, eventId)
  }

  async drained(): Promise<void> {
    await this.#feed.drained()
  }

  end(): void {
    this.#feed.end()
  }
}

/** For a refusal of the server's that has no place as a status any more. */
export async function statusAsError(id: string, { body, status }: Response): Promise<string> {
  await body?.cancel()
  return errorFor(id, -32_603, `The MCP server answered with status ${status}`)
}

function nothing(): Response {
  return new Response(null, { status: 202 })
}
