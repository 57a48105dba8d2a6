// One connection to an HTTP+SSE server (MCP 2024-11-05): a stream that everything comes over, an address everything is sent to.
import { describeError, log } from '../../../platform/telemetry.ts'
import { EVENT_STREAM } from '../../../platform/event-stream.ts'
import type { Challenged } from '../../downstream/token-retry.ts'
import { checkAnswer } from '../../downstream/downstream-answer.ts'
import { isEventStream } from '../../downstream/passing-headers.ts'
import { McpRefusal } from '../../message/refusal.ts'
import { isMessage, NoRoomForEvent, readEvents, SseEventTooLarge, type SseEvent } from '../../sse/sse.ts'
import { roomFor } from '../../sse/unfinished.ts'
import { requestDownstream } from '../request-downstream.ts'
import { messageEndpoint } from './endpoint.ts'
import type { SentHeaders } from '../downstream-request.ts'

export interface ConnectionTerms {
  readonly target: string
  /** The identity of the person. */
  readonly headers: SentHeaders
  readonly signal: AbortSignal
  readonly headersWithinMs: number
  readonly maxEventBytes: number
  /** What to do when the server does not take what the headers say of the person. */
  readonly challengedFor: (headers: SentHeaders) => Challenged | undefined
}

/** The first event says where to send; a server that has it to say says it at once. */
const ENDPOINT_WITHIN_MS = 10_000

/** What the frame of an event in our own log adds. */
const FRAME_BYTES = 1024

export class SseConnection {
  readonly #terms: ConnectionTerms
  readonly #abort: AbortController
  /** Aborts with either of the two; one for all requests, because the connection may live for days. */
  readonly #ends: AbortSignal
  readonly #events: AsyncGenerator<SseEvent, void, undefined>
  readonly #endpoint: URL

  private constructor(
    terms: ConnectionTerms,
    abort: AbortController,
    ends: AbortSignal,
    events: AsyncGenerator<SseEvent, void, undefined>,
    endpoint: URL,
  ) {
    this.#terms = terms
    this.#abort = abort
    this.#ends = ends
    this.#events = events
    this.#endpoint = endpoint
  }

  /** Throws an `McpRefusal`; `downstream_no_stream` where the server has answered, and is none of this kind. */
  static async open(terms: ConnectionTerms): Promise<SseConnection> {
    const { target, signal, headersWithinMs } = terms
    const abort = new AbortController()
    const headers: SentHeaders = { ...terms.headers, accept: EVENT_STREAM, 'accept-encoding': 'identity' }
    for (const name of ['content-type', 'mcp-session-id', 'last-event-id']) delete headers[name]
    const ends = AbortSignal.any([signal, abort.signal])
    const answer = await requestDownstream(
      target,
      { headers },
      { signal: ends, headersWithinMs: Math.min(headersWithinMs, ENDPOINT_WITHIN_MS) },
      terms.challengedFor(headers),
    )
    await checkAnswer(answer)
    if (!answer.ok || !answer.body || !isEventStream(answer)) {
      await answer.body?.cancel()
      const code = answer.status >= 500 || answer.status === 429 ? 'downstream_unreachable' : 'downstream_no_stream'
      throw new McpRefusal(code, 'The downstream MCP server opened no event stream', {
        reason: `GET was answered ${answer.status}`,
      })
    }
    const events = readEvents(answer.body, { maxEventBytes: terms.maxEventBytes - FRAME_BYTES, room: roomFor(target) })
    const named = await endpointIn(events, abort)
    const endpoint = named === undefined ? undefined : messageEndpoint(named, target)
    if (endpoint) return new SseConnection(terms, abort, ends, events, endpoint)
    abort.abort('no endpoint')
    if (named === undefined)
      throw new McpRefusal('downstream_no_stream', 'The downstream MCP server did not say where messages go')
    const host = URL.parse(named, target)?.host ?? 'no address'
    log('error', 'downstream.endpoint_refused', { downstream: new URL(target).host, endpoint: host })
    throw new McpRefusal(
      'downstream_endpoint',
      'The downstream MCP server wants messages sent to another origin, which is refused',
      {
        reason: `the endpoint event names ${host}`,
      },
    )
  }

  async post(headers: SentHeaders, body: Uint8Array<ArrayBuffer> | string): Promise<Response> {
    const { headersWithinMs, challengedFor } = this.#terms
    const own: SentHeaders = { ...headers, 'content-type': 'application/json' }
    for (const name of ['mcp-session-id', 'last-event-id']) delete own[name]
    const ending = new AbortController()
    const stop = (): void => ending.abort('closed')
    this.#ends.addEventListener('abort', stop, { once: true })
    if (this.#ends.aborted) stop()
    try {
      const init = { method: 'POST', headers: own, body }
      const answer = await requestDownstream(this.#endpoint, init, { ending, headersWithinMs }, challengedFor(own))
      await checkAnswer(answer)
      return answer
    } finally {
      this.#ends.removeEventListener('abort', stop)
    }
  }

  /** Hands on message after message until the connection ends, for whatever reason; what was too large is named. */
  async read(deliver: (data: string) => Promise<void>): Promise<SseEventTooLarge | undefined> {
    let tooLarge: SseEventTooLarge | undefined
    try {
      for await (const event of this.#events) if (isMessage(event)) await deliver(event.data)
    } catch (error) {
      if (error instanceof NoRoomForEvent) tooLarge = error
      else if (error instanceof SseEventTooLarge) tooLarge = new SseEventTooLarge(this.#terms.maxEventBytes)
      if (!this.#terms.signal.aborted) log('warn', 'downstream.connection_broken', { reason: describeError(error) })
    }
    this.close()
    return tooLarge
  }

  close(): void {
    this.#abort.abort('closed')
  }
}

async function endpointIn(
  events: AsyncGenerator<SseEvent, void, undefined>,
  abort: AbortController,
): Promise<string | undefined> {
  const timer = setTimeout(() => abort.abort('no endpoint'), ENDPOINT_WITHIN_MS)
  try {
    // Not for…of: leaving that would close the stream.
    for (let next = await events.next(); next.done !== true; next = await events.next())
      if (next.value.event === 'endpoint') return next.value.data ?? ''
    return undefined
  } catch {
    throw new McpRefusal('downstream_unreachable', 'The downstream MCP server did not say where messages go', {
      reason: 'its event stream ended, or stayed silent, before the endpoint event',
    })
  } finally {
    clearTimeout(timer)
  }
}
