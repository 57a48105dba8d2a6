// The object's requests to the downstream in the name of an MCP session, which it may have forgotten and is then told again.
import type { McpSession, McpSessions } from '../../session/mcp-sessions.ts'
import type { Parts } from '../../session/parts.ts'
import { outbound, OutboundError } from '../../platform/outbound.ts'
import { log } from '../../platform/telemetry.ts'
import { sentUntilTaken, type Challenged } from '../challenged.ts'
import { isEventStream } from '../passing-headers.ts'
import { McpRefusal } from '../refusal.ts'
import { readEvents } from '../sse.ts'
import { GrantSignals } from './grant-signals.ts'

export interface DownstreamRequest {
  readonly method: 'POST' | 'GET' | 'DELETE'
  readonly target: string
  /** Everything but the session id. */
  readonly headers: Headers
  readonly body?: Uint8Array<ArrayBuffer> | string
  readonly signal: AbortSignal
  readonly headersWithinMs: number
  /** What to do when the downstream does not take what the headers say of the person. */
  readonly challenged?: Challenged | undefined
  /** False for what ends with the session: a new one would know nothing of it. */
  readonly renews?: boolean
}

export interface SessionAnswer {
  readonly answer: Response
  /** As it is after the answer: the downstream may have given it another id. */
  readonly session: McpSession | undefined
}

const MAX_EVENT_BYTES = 1024 * 1024

export class DownstreamSessions {
  readonly #sessions: McpSessions
  /** For what the broker sends by itself. */
  readonly signals: GrantSignals
  readonly #initializing = new Map<string, Promise<McpSession | undefined>>()

  constructor({ mcpSessions, grants, now }: Pick<Parts, 'mcpSessions' | 'grants' | 'now'>) {
    this.#sessions = mcpSessions
    this.signals = new GrantSignals((grantId) => grants.live(grantId, now()) !== undefined)
  }

  /** Sends a request; initializes again with the stored parameters, once, when the downstream has forgotten the session. */
  async send(session: McpSession | undefined, request: DownstreamRequest): Promise<SessionAnswer> {
    const answer = await this.#sendAs(session?.downstreamId, request)
    const mayRenew = session?.downstreamId !== undefined && request.method !== 'DELETE' && request.renews !== false
    // Of a request with a cursor 400 means the cursor; the session is still there.
    const isAboutCursor = answer.status === 400 && request.headers.has('last-event-id')
    if (!session || !mayRenew || isAboutCursor || !(await forgets(answer))) return { answer, session }
    const renewed = await this.#initializeAgain(session, request)
    if (!renewed) return { answer, session }
    await answer.body?.cancel()
    // A cursor of the forgotten session means nothing to the new one.
    request.headers.delete('last-event-id')
    return { answer: await this.#sendAs(renewed.downstreamId, request), session: renewed }
  }

  /** A session for a client that was initialized, as it was; undefined when the downstream does not want it. */
  initializeAs(session: McpSession, request: DownstreamRequest): Promise<McpSession | undefined> {
    return this.#initializeAgain(session, request)
  }

  async #sendAs(downstreamId: string | undefined, request: DownstreamRequest): Promise<Response> {
    const { method, target, headers, body, signal, headersWithinMs, challenged } = request
    if (downstreamId === undefined) headers.delete('mcp-session-id')
    else headers.set('mcp-session-id', downstreamId)
    const send = (instead: Readonly<Record<string, string>> = {}): Promise<Response> => {
      for (const [name, value] of Object.entries(instead)) headers.set(name, value)
      return outbound(target, { method, headers, ...(body !== undefined && { body }) }, { signal, headersWithinMs })
    }
    try {
      return await sentUntilTaken(send, challenged)
    } catch (cause) {
      if (cause instanceof McpRefusal) throw cause
      const reason = cause instanceof OutboundError ? cause.reason : 'unreachable'
      const code = reason === 'timeout' ? 'downstream_timeout' : 'downstream_unreachable'
      throw new McpRefusal(code, 'Failed to connect to downstream MCP server', { reason })
    }
  }

  /** One initialization however many requests find the session forgotten. */
  #initializeAgain(session: McpSession, request: DownstreamRequest): Promise<McpSession | undefined> {
    const known = this.#sessions.find(session.id)
    if (known && known.downstreamId !== session.downstreamId) return Promise.resolve(known)
    const flight =
      this.#initializing.get(session.id) ??
      this.signals
        .within(session.grantId, request.headersWithinMs, (signal) => this.#initialize(session, { ...request, signal }))
        .finally(() => this.#initializing.delete(session.id))
    this.#initializing.set(session.id, flight)
    return flight
  }

  /** In the person's name, and for whoever needs the session: it ends with the grant, and with no single request. */
  async #initialize(
    session: McpSession,
    { target, headers, signal, headersWithinMs, challenged }: DownstreamRequest,
  ): Promise<McpSession | undefined> {
    const own = new Headers(headers)
    for (const name of ['last-event-id', 'mcp-protocol-version']) own.delete(name)
    own.set('content-type', 'application/json')
    own.set('accept', 'application/json, text/event-stream')
    const common = { method: 'POST', target, signal, headersWithinMs, challenged } as const
    const answer = await this.#sendAs(undefined, { ...common, headers: own, body: session.initialize })
    if (!answer.ok) {
      await answer.body?.cancel()
      return undefined
    }
    const downstreamId = answer.headers.get('mcp-session-id') ?? undefined
    const protocolVersion = await negotiatedVersion(answer)
    if (protocolVersion !== undefined) own.set('mcp-protocol-version', protocolVersion)
    const initialized = await this.#sendAs(downstreamId, { ...common, headers: own, body: INITIALIZED })
    await initialized.body?.cancel()
    log('info', 'mcp_session.initialized_again', { session: session.id })
    return this.#sessions.remap(session, downstreamId, protocolVersion ?? session.protocolVersion)
  }
}

const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}'

/**
 * 404 is what the specification wants. Many servers look the session up before their SDK does and answer 400 with -32000;
 * initializing again for another kind of 400 costs a round trip and changes nothing.
 */
async function forgets(answer: Response): Promise<boolean> {
  if (answer.status === 404) return true
  if (answer.status !== 400) return false
  const text = await answer.clone().text()
  return /"code"\s*:\s*-32000\b/.test(text)
}

/** `result.protocolVersion` of an `initialize` response, whichever way it came. Reads the body. */
async function negotiatedVersion(answer: Response): Promise<string | undefined> {
  if (!isEventStream(answer)) return versionIn(await answer.text())
  if (!answer.body) return undefined
  for await (const { data } of readEvents(answer.body, { maxEventBytes: MAX_EVENT_BYTES })) {
    const version = versionIn(data ?? '')
    if (version !== undefined) return version
  }
  return undefined
}

const VERSION = /"protocolVersion"\s*:\s*"([\d-]{10})"/

/** Read with an expression: the message is the downstream's, and nothing but this one value of it is of interest. */
export function versionIn(message: string): string | undefined {
  return VERSION.exec(message)?.[1]
}
