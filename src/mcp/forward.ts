// One admitted request, carried to the downstream by the router, and its answer carried back.
import { outbound, OutboundError } from '../platform/outbound.ts'
import { describeError, log } from '../platform/telemetry.ts'
import { carryEvents, MAX_EVENT_BYTES, type Breakage } from './carried-events.ts'
import { checkAnswer } from './downstream-answer.ts'
import type { Passage } from './era.ts'
import { isEventStream, requestHeaders, responseHeaders } from './passing-headers.ts'
import { McpRefusal } from './refusal.ts'
import { encodeEvent } from './sse.ts'

export interface Forwarding {
  readonly passage: Passage
  readonly target: URL
  /** The client's request; its body has been read already. */
  readonly client: Request
  readonly body: Uint8Array<ArrayBuffer> | undefined
  /** What the broker itself says about the person; it wins over everything the client sent. */
  readonly identity: Headers
  readonly requestId: string
}

export interface ForwardingConditions {
  readonly headersWithinMs: number
  readonly keepAliveMs: number
  /** Keeps work going that outlives the client. */
  readonly waitUntil: (work: Promise<unknown>) => void
}

/** How long the rest of an answer is read for a client that left; a Worker is given little more. */
const DRAIN_MS = 25_000

/** The words by which users of the predecessors know this failure. */
const FAILED = 'Failed to connect to downstream MCP server'

const UNANSWERED = { unreachable: 'downstream_unreachable', timeout: 'downstream_timeout', aborted: 'client_left' } as const

export async function forward(forwarding: Forwarding, conditions: ForwardingConditions): Promise<Response> {
  const { passage, client } = forwarding
  // A temporary seam: until mcp/legacy.ts lets the person's object own the calls of the legacy eras, the router goes on
  // reading for a client that left, as long as the platform lets it. In those eras leaving does not mean cancelling.
  const outlivesClient = passage.era === 'legacy' && client.method === 'POST'
  const settled = Promise.withResolvers<void>()
  if (outlivesClient) conditions.waitUntil(settled.promise)
  try {
    const answer = await ask(forwarding, conditions, outlivesClient ? undefined : client.signal)
    await checkAnswer(answer, passage.id)
    const { status, body } = answer
    const headers = responseHeaders(answer, passage)
    if (body === null || saysAllByItsStatus(status)) {
      await body?.cancel()
      settled.resolve()
      return new Response(null, { status, headers })
    }
    if (!isEventStream(answer)) {
      settled.resolve()
      return new Response(body, { status, headers })
    }
    const events = carryEvents(body, {
      era: passage.era,
      keepAliveMs: conditions.keepAliveMs,
      maxEventBytes: MAX_EVENT_BYTES,
      lastEvent: (breakage, canResume) => lastEvent(breakage, canResume, forwarding),
      clientLeft: (rest, pending) => void (outlivesClient ? drain(rest, pending) : end(rest)).then(settled.resolve),
      ended: settled.resolve,
    })
    return new Response(events, { status, headers })
  } catch (error) {
    settled.resolve()
    throw error
  }
}

async function ask(forwarding: Forwarding, conditions: ForwardingConditions, signal: AbortSignal | undefined): Promise<Response> {
  const { passage, target, client, body, identity } = forwarding
  const headers = requestHeaders(client.headers, passage, identity)
  try {
    return await outbound(
      target,
      { method: client.method, headers, ...(body && { body }) },
      { headersWithinMs: conditions.headersWithinMs, ...(signal && { signal }) },
    )
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    throw new McpRefusal(UNANSWERED[error.reason], FAILED, {
      id: passage.id,
      reason: `${error.reason}: ${describeError(error.cause)}`,
    })
  }
}

/** Clients are known to trip over a body behind a 202. */
function saysAllByItsStatus(status: number): boolean {
  return status === 202 || status === 204 || status === 205
}

/** A client that can resume the stream learns more by doing so, unless it would meet the same event again. */
function lastEvent(breakage: Breakage, canResume: boolean, { passage, requestId }: Forwarding): Uint8Array | undefined {
  log('warn', 'mcp.stream_broken', { code: breakage, request_id: requestId })
  if (passage.id === undefined || (canResume && breakage === 'downstream_broken')) return undefined
  const message =
    breakage === 'downstream_broken'
      ? 'The connection to the downstream MCP server broke before it had answered'
      : `An event of the downstream MCP server is larger than ${MAX_EVENT_BYTES} bytes`
  const refusal = new McpRefusal(breakage, message, { id: passage.id })
  return encodeEvent({ event: 'message', data: refusal.toJson(requestId) })
}

/** Nobody is left to tell what goes wrong from here on. */
async function end(rest: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  await rest.cancel().catch(() => undefined)
}

/** The runtime allows one read at a time, and the client may have left during one. */
async function drain(rest: ReadableStreamDefaultReader<Uint8Array>, pending: Promise<unknown>): Promise<void> {
  const timer = setTimeout(() => void end(rest), DRAIN_MS)
  try {
    await pending
    for (let next = await rest.read(); !next.done;) next = await rest.read()
  } catch {
    // The downstream broke off; its client had done so before.
  } finally {
    clearTimeout(timer)
  }
}
