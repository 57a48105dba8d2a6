// The object's requests to the downstream in the name of an MCP session, which it may have lost and is then initialized again.
import type { McpSession, McpSessions } from '../../session/store/mcp-sessions.ts'
import { charge } from '../../session/access/admit.ts'
import type { SessionContext } from '../../session/session-context.ts'
import { describeError, log } from '../../platform/telemetry.ts'
import { ACCEPTS_MESSAGES } from '../../platform/event-stream.ts'
import { MAX_EVENT_BYTES } from '../sse/relay.ts'
import { isEventStream } from '../downstream/passing-headers.ts'
import { McpRefusal } from '../message/refusal.ts'
import { readEvents } from '../sse/sse.ts'
import { roomFor } from '../sse/unfinished.ts'
import { wholeMessage } from '../downstream/whole-body.ts'
import { judged, restored } from '../downstream/session-doubt.ts'
import type { DownstreamRequest, SentHeaders } from './downstream-request.ts'
import { GrantSignals } from './grant-signals.ts'
import { ModernDownstreams } from './modern-downstream/modern-downstreams.ts'
import { requestDownstream } from './request-downstream.ts'

export interface SessionAnswer {
  readonly answer: Response
  /** All of its body, where that has been read already: see `restored`. */
  readonly bytes?: Uint8Array<ArrayBuffer> | undefined
  /** As it is after the answer: the downstream may have given it another id. */
  readonly session: McpSession | undefined
}

/** Told of a session at the downstream that is over, and in place of which no other could be had. */
export const OVER = 'Session not found: the MCP server has ended it, initialize a new one'

export interface DownstreamSessionsOptions {
  readonly waitUntil: (work: Promise<unknown>) => void
  /** The downstream has another session for this one; what was asked in the old one gets no answer any more. Resolves when the new one is heard. */
  readonly replaced: (old: McpSession) => Promise<void>
}

export class DownstreamSessions {
  readonly #sessions: McpSessions
  /** Whether so many requests of the broker's own may be sent: they count like the person's. */
  readonly #mayAsk: (resource: string, count: number) => boolean
  readonly #options: DownstreamSessionsOptions
  /** For what the broker sends by itself. */
  readonly signals: GrantSignals
  /** Servers that know no sessions, as servers that do. */
  readonly modern: ModernDownstreams
  readonly #renewing = new Map<string, Promise<McpSession | undefined>>()

  constructor(
    context: Pick<SessionContext, 'mcpSessions' | 'modernSessions' | 'settings' | 'grants' | 'bucket' | 'now'>,
    options: DownstreamSessionsOptions,
  ) {
    const { mcpSessions, grants, bucket, now } = context
    this.#sessions = mcpSessions
    this.#mayAsk = (resource, count) => charge({ bucket }, resource, count) === undefined
    this.#options = options
    this.modern = new ModernDownstreams({ context, mayAsk: this.#mayAsk, waitUntil: options.waitUntil })
    this.signals = new GrantSignals((grantId) => grants.live(grantId, now()) !== undefined)
  }

  /**
   * Sends a request. A message that is refused in a way that may mean that the session is lost is sent once more in a new session,
   * and only when it is proven that the refusal was about the session: then nothing has been done for it (RFC 9110 section 9.2.2).
   */
  async send(session: McpSession | undefined, request: DownstreamRequest): Promise<SessionAnswer> {
    const first = await this.#sendAs(session?.downstreamId, request)
    if (session?.downstreamId === undefined || request.method !== 'POST') return { answer: first, session }
    const { isDoubtful, namesSession, answer, bytes } = await judged(first, request.body, request.deadline)
    if (!isDoubtful) return { answer, session, bytes }
    const living = await this.living(session, request, namesSession)
    if (living?.downstreamId === session.downstreamId) return { answer, session: living, bytes }
    await answer.body?.cancel()
    if (!living) throw new McpRefusal('session_not_found', OVER)
    return { answer: await this.#sendAs(living.downstreamId, request), session: living }
  }

  /**
   * The session as the downstream has it: itself, or a new one where it is proven lost; undefined where no new one can be had.
   * `isNamed`: the refusal speaks of the session.
   */
  living(session: McpSession, request: DownstreamRequest, isNamed = false): Promise<McpSession | undefined> {
    return this.#once(session, request, (own) => this.#renewIfLost(session, own, isNamed))
  }

  /** A session for a client that was initialized, as it was; undefined when the downstream does not want it. */
  initializeAs(session: McpSession, request: DownstreamRequest): Promise<McpSession | undefined> {
    return this.#once(session, request, async (own) => {
      const opened = await this.#initialize(session, own)
      if (opened === 'refused alike') return undefined
      return opened && this.#sessions.change(session, opened)
    })
  }

  async #sendAs(downstreamId: string | undefined, request: DownstreamRequest): Promise<Response> {
    const { method, target, headers, body, signal, ending, headersWithinMs, deadline, challenged, initializes } = request
    const asModern = this.modern.answer(downstreamId, request)
    const inPlace = asModern && (await asModern)
    if (inPlace) return inPlace
    if (downstreamId === undefined) delete headers['mcp-session-id']
    else headers['mcp-session-id'] = downstreamId
    const init = { method, headers, ...(body !== undefined && { body }) }
    const time = { headersWithinMs, ...(deadline && { deadline }) }
    const answer = await requestDownstream(target, init, { ...time, ...(ending ? { ending } : { signal }) }, challenged)
    return initializes === undefined ? answer : await this.modern.instead(answer, request, initializes)
  }

  /**
   * Single-flight for a session: however many requests are refused, it is looked at once. In the person's name, and for whoever
   * needs the session: it ends with the grant, and with no single request.
   */
  #once(
    session: McpSession,
    request: DownstreamRequest,
    renew: (own: DownstreamRequest) => Promise<McpSession | undefined>,
  ): Promise<McpSession | undefined> {
    const known = this.#sessions.find(session.id)
    if (known && known.downstreamId !== session.downstreamId) return Promise.resolve(known)
    const withinMs = request.headersWithinMs * LONGEST_RENEWAL
    const flight =
      this.#renewing.get(session.id) ??
      this.signals
        .within(session.grantId, withinMs, (signal) => renew({ ...request, signal, ending: undefined }))
        .finally(() => this.#renewing.delete(session.id))
    this.#renewing.set(session.id, flight)
    return flight
  }

  /**
   * The proof is a ping, which may be sent as often as one likes: refused in the old session, and taken in a new one. A downstream
   * that refuses it in both says nothing about the session; then the old one stays, and the new one ends. Neither does one that
   * refuses to be initialized as it refuses everything else. Whoever has no requests left finds out nothing: the refusal is passed on.
   */
  async #renewIfLost(session: McpSession, request: DownstreamRequest, isNamed: boolean): Promise<McpSession | undefined> {
    if (!this.#mayAsk(session.resource, 1) || (await this.#takesPing(session, request))) return session
    if (!this.#mayAsk(session.resource, OPENING)) return session
    const opened = await this.#initialize(session, request).catch((error: unknown) => {
      request.signal.throwIfAborted()
      log('warn', 'mcp_session.not_initialized_again', { session: session.id, reason: describeError(error) })
    })
    if (opened === 'refused alike') return isNamed ? undefined : session
    if (!opened) return undefined
    const successor = { ...session, ...opened }
    const isAnswered = await this.#takesPing(successor, request)
    const { replaced, waitUntil } = this.#options
    const known = this.#sessions.find(session.id)
    if (!isAnswered || !known) {
      waitUntil(this.#end(successor, request))
      return known
    }
    log('info', 'mcp_session.initialized_again', { session: session.id })
    const heard = replaced(session)
    const changed = this.#sessions.change(known, opened)
    // What a server asks in a session where nobody listens is heard by nobody.
    await heard
    return changed
  }

  async #takesPing({ downstreamId, protocolVersion }: McpSession, request: DownstreamRequest): Promise<boolean> {
    const { signal, headersWithinMs, target, challenged } = request
    const headers = ownHeaders(request, protocolVersion)
    const ending = AbortSignal.any([signal, AbortSignal.timeout(headersWithinMs)])
    const ping = { method: 'POST', target, headers, body: PING, signal: ending, headersWithinMs, challenged } as const
    try {
      const { isDoubtful, answer, bytes } = await judged(await this.#sendAs(downstreamId, ping), PING)
      if (!bytes) await answer.body?.cancel()
      return !isDoubtful
    } catch (error) {
      if (signal.aborted) throw error
      // A downstream that does not answer says nothing about the session.
      return true
    }
  }

  async #initialize(session: McpSession, request: DownstreamRequest): Promise<OpenedSession | 'refused alike' | undefined> {
    const { target, headersWithinMs, challenged, signal } = request
    const headers = ownHeaders(request, undefined)
    const ending = AbortSignal.any([signal, AbortSignal.timeout(headersWithinMs)])
    const common = { method: 'POST', target, headers, signal: ending, headersWithinMs, challenged } as const
    const first = await this.#sendAs(undefined, { ...common, body: session.initialize, initializes: session.resource })
    const { isDoubtful, ...judgement } = await judged(first, undefined)
    const answer = restored(judgement)
    if (!answer.ok) {
      await answer.body?.cancel()
      return isDoubtful ? 'refused alike' : undefined
    }
    const downstreamId = answer.headers.get('mcp-session-id') ?? undefined
    const protocolVersion = (await negotiatedVersion(answer, target)) ?? session.protocolVersion
    if (protocolVersion !== undefined) headers['mcp-protocol-version'] = protocolVersion
    const initialized = await this.#sendAs(downstreamId, { ...common, body: INITIALIZED })
    await initialized.body?.cancel()
    return { downstreamId, protocolVersion }
  }

  /** Of a session that was opened in vain. */
  async #end({ grantId, downstreamId, protocolVersion }: McpSession, request: DownstreamRequest): Promise<void> {
    if (downstreamId === undefined) return
    const { target, headersWithinMs } = request
    const headers = ownHeaders(request, protocolVersion)
    const farewell = async (signal: AbortSignal): Promise<void> => {
      const answer = await this.#sendAs(downstreamId, { method: 'DELETE', target, headers, signal, headersWithinMs })
      await answer.body?.cancel()
    }
    try {
      await this.signals.within(grantId, headersWithinMs, farewell)
    } catch (error) {
      log('info', 'mcp_session.farewell_failed', { reason: describeError(error) })
    }
  }
}

/** Requests: two to open a session, a ping in it, and then its end, or what was refused once more. */
const OPENING = 4

/** Times the wait for one answer: two pings, and between them the session is opened. */
const LONGEST_RENEWAL = 4

type OpenedSession = Pick<McpSession, 'downstreamId' | 'protocolVersion'>

const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}'

const PING = '{"jsonrpc":"2.0","id":"broker-ping","method":"ping"}'

/** The headers of a request, for a message of the broker's own. */
function ownHeaders({ headers }: DownstreamRequest, protocolVersion: string | undefined): SentHeaders {
  const own: SentHeaders = { ...headers, 'content-type': 'application/json', accept: ACCEPTS_MESSAGES }
  delete own['last-event-id']
  if (protocolVersion === undefined) delete own['mcp-protocol-version']
  else own['mcp-protocol-version'] = protocolVersion
  return own
}

/** `result.protocolVersion` of an `initialize` response, whichever way it came. Reads the body. */
async function negotiatedVersion(answer: Response, target: string): Promise<string | undefined> {
  const room = roomFor(target)
  if (!isEventStream(answer)) return versionIn(new TextDecoder().decode(await wholeMessage(answer, { room })))
  if (!answer.body) return undefined
  for await (const { data } of readEvents(answer.body, { maxEventBytes: MAX_EVENT_BYTES, room })) {
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
