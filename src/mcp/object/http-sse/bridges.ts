// The object's side of the requests in which one of the two speaks HTTP+SSE: finds or builds the bridge, and puts the answer on it.
import type { Caller } from '../../../caller.ts'
import { isFull } from '../../../session/access/downstream-room.ts'
import { eventId, type Cursor } from '../../../session/contract/event-id.ts'
import { isExchanged } from '../../../session/store/grants.ts'
import type { McpSession } from '../../../session/store/mcp-sessions.ts'
import type { ProviderQuestion } from '../../../session/access/ask-provider.ts'
import type { SessionContext } from '../../../session/session-context.ts'
import { downstreamFor, ssePaths, type Downstream } from '../../../settings/downstreams.ts'
import { sentEnvelope, type SentBody } from '../sent-body.ts'
import { McpRefusal, revoked } from '../../message/refusal.ts'
import { EVENT_STREAM_HEADERS } from '../../../platform/event-stream.ts'
import { understandsPriming } from '../../sse/priming.ts'
import { encodeEvent } from '../../sse/sse.ts'
import type { Operation } from '../../telemetry/operation.ts'
import type { DownstreamSessions } from '../downstream-session.ts'
import { logCursor } from '../log-cursor.ts'
import type { DispatchHeader } from '../../dispatch/dispatch-header.ts'
import type { OwnedStreams } from '../owned-streams.ts'
import { refuseEnded } from '../refuse-ended.ts'
import type { SessionKeeper } from '../session-keeper.ts'
import type { StandingStreams } from '../standing-streams.ts'
import { Bridge } from './bridge.ts'
import { connected, contextOf, farEndTo, lose } from './far-end-choice.ts'
import { type ClientMessage } from './far-end.ts'
import { returningTo, type Returning } from './returning.ts'
import { SseDownstream } from './sse-downstream.ts'
import { mayBeSse, Transports } from './transports.ts'
import { openedSse } from './undecided-downstream.ts'
import type { SentHeaders } from '../downstream-request.ts'

/** A client of HTTP+SSE comes back by itself within seconds, or not at all. */
const GRACE_MS = 15_000
/** A client of streamable HTTP may listen to nothing between two calls; what the downstream knows of it should outlive a pause. */
const IDLE_MS = 600_000

/** How soon it comes back, in milliseconds. */
const RETRY_MS = 1_000

export interface BridgesOptions {
  readonly context: ProviderQuestion & Pick<SessionContext, 'log' | 'mcpSessions'>
  readonly streams: OwnedStreams
  readonly standing: StandingStreams
  readonly sessions: SessionKeeper
  readonly downstream: DownstreamSessions
  readonly waitUntil: (work: Promise<unknown>) => void
}

export interface CarriedRequest {
  readonly order: DispatchHeader
  /** What passes of the client's headers, and the identity of the person. */
  readonly headers: SentHeaders
  readonly body: SentBody
  /** Hears how it goes. */
  readonly operation?: Operation | undefined
}

interface OwnQuestion {
  readonly id: string
  readonly body: string
  readonly headers: SentHeaders
  readonly signal: AbortSignal
}

export class Bridges {
  readonly #options: BridgesOptions
  readonly #bridges = new Map<string, Bridge>()
  readonly #transports = new Transports()

  constructor(options: BridgesOptions) {
    this.#options = options
  }

  /** A request of a client of HTTP+SSE, or of a session behind which HTTP+SSE is spoken. */
  async carry(asked: CarriedRequest, session: McpSession | undefined): Promise<Response> {
    const { caller, client, kind } = asked.order
    // A revocation may have come since the request was admitted, while its body was read; it ends what is open, not what is opened.
    refuseEnded(this.#options.context, caller)
    if (client === 'http-sse' && kind === 'stream') return this.#open(asked)
    if (!session) throw new McpRefusal('session_not_found', 'Session not found: initialize a new one')
    if (kind === 'stream') return this.#listen(asked, session)
    if (kind === 'end') {
      this.#options.sessions.end(session)
      return new Response(null, { status: 200 })
    }
    const bridge = this.#bridgeOf(session)
    return client === 'http-sse' ? bridge.send(messageOf(asked)) : this.#call(bridge, asked)
  }

  /**
   * `initialize` of a client of streamable HTTP, before the downstream is asked or with its answer; undefined where that speaks
   * streamable HTTP too, as far as is known.
   */
  async initialize(asked: CarriedRequest, answer?: Response): Promise<Response | undefined> {
    const { sessions } = this.#options
    refuseEnded(this.#options.context, asked.order.caller)
    const downstream = this.#downstreamOf(asked.order.caller)
    const isKnown = this.#transports.of(downstream, Date.now()) === 'http-sse'
    if (answer ? !mayBeSse(downstream, answer.status) : !isKnown) return undefined
    const session = sessions.bridged(asked.order.caller, { client: 'streamable-http', downstream: 'http-sse' })
    try {
      const bridge = this.#bridgeOf(session)
      const sse = await openedSse(
        { context: contextOf(downstream, { ...this.#options, bridge, session }), downstream, transports: this.#transports },
        isKnown,
        asked.headers,
      )
      if (sse) bridge.farEnd = sse
      const opened = sse && (await this.#call(bridge, asked))
      if (opened?.ok) opened.headers.set('mcp-session-id', session.id)
      else sessions.forget(session)
      if (opened) await answer?.body?.cancel()
      return opened
    } catch (error) {
      sessions.forget(session)
      throw error
    }
  }

  /** A question of the broker's own. */
  async ask(session: McpSession, { id, body, headers, signal }: OwnQuestion): Promise<string | undefined> {
    const { messages } = sentEnvelope(body)
    const message = { messages, requestIds: [JSON.stringify(id)], headers, body, label: 'tools/list' }
    return await this.#bridgeOf(session).ask(message, id, signal)
  }

  /** Answers of the broker's own, to a client that reads them on its stream. */
  async tell(session: McpSession, messages: readonly string[]): Promise<void> {
    const bridge = this.#bridgeOf(session)
    for (const message of messages) await bridge.deliver(message)
  }

  /** After a start: clients of HTTP+SSE that were connected come back soon, or their sessions end. */
  recover(): void {
    const { mcpSessions, grants, now } = this.#options.context
    for (const session of mcpSessions.all()) {
      if (session.bridge?.client !== 'http-sse' || !grants.live(session.grantId, now())) continue
      // A server may not be brokered any more, and a start must not fail for that.
      if (this.#knows(session)) this.#bridgeOf(session)
      else this.#options.sessions.forget(session)
    }
  }

  /** The downstream has lost the session of this name, and has another one for it. */
  lose(old: McpSession): void {
    this.#options.streams.lose(old)
    const bridge = this.#bridges.get(old.id)
    if (bridge) lose(bridge.farEnd, old)
  }

  /** The client's end of a stream of this session is gone. */
  left(mcpSession: string): void {
    this.#bridges.get(mcpSession)?.touch()
  }

  isHeard(mcpSession: string): boolean {
    return this.#bridges.get(mcpSession)?.isHeard ?? false
  }

  /** `GET /sse`: a new session, or with an event id the one it names. */
  async #open({ order, headers }: CarriedRequest): Promise<Response> {
    const { context, sessions, standing, streams, waitUntil } = this.#options
    this.#refuseTooMany(order)
    const lastEventId = headers['last-event-id'] || null
    const { caller } = order
    const isReturning = 'mcp-protocol-version' in headers
    const returning = isReturning
      ? returningTo(context.mcpSessions.byUse(), caller.grantId, isExchanged({ id: caller.grantId }))
      : undefined
    const downstream = this.#transports.of(this.#downstreamOf(caller), Date.now())
    const resumed = lastEventId === null ? this.#lastSent(returning) : this.#resumable(lastEventId, caller)
    const like = returning?.session
    const session =
      resumed?.session ?? sessions.bridged(caller, like?.bridge ?? { client: 'http-sse', downstream }, like?.initialize)
    const { farEnd, signal } = this.#bridgeOf(session)
    const at = resumed?.at ?? { stream: standing.of(session).id, seq: 0 }
    const connecting = connected(farEnd, resumed === undefined && like !== undefined, headers)
    // Somebody who comes back is given what there is; what is wrong is said in answer to the next message.
    if (resumed) waitUntil(connecting.catch(() => undefined))
    else await connecting.catch((error: unknown) => this.#giveUp(session, signal.aborted ? revoked() : error))
    if (signal.aborted) throw revoked()
    const data = `${ssePaths(this.#downstreamOf(session)).messages}?session=${session.id}`
    const first = encodeEvent({ id: eventId(at.stream, at.seq), event: 'endpoint', retry: RETRY_MS, data })
    return new Response(streams.attach(at, false, [first]), { headers: EVENT_STREAM_HEADERS })
  }

  #lastSent(returning: Returning | undefined): { at: Cursor; session: McpSession } | undefined {
    if (!returning?.isTheirs) return undefined
    const { context, standing, streams } = this.#options
    const { id, grantId } = returning.session
    const session = context.mcpSessions.use(id, grantId, context.now()) ?? returning.session
    const { id: stream } = standing.of(session)
    return { at: { stream, seq: streams.sentUpTo(stream) }, session }
  }

  /** GET of a session of streamable HTTP: the stream that stands open, or the one an event id names. */
  #listen({ order, headers }: CarriedRequest, session: McpSession): Response {
    const { standing, streams, waitUntil } = this.#options
    const lastEventId = headers['last-event-id'] || null
    const resumed = lastEventId === null ? undefined : this.#resumable(lastEventId, order.caller, session)
    const { id } = standing.of(session)
    if (resumed && resumed.at.stream !== id)
      return new Response(streams.attach(resumed.at, false), { headers: EVENT_STREAM_HEADERS })
    const { farEnd } = this.#bridgeOf(session)
    const body = streams.attach(resumed?.at ?? { stream: id, seq: streams.sentUpTo(id) }, false)
    if (farEnd instanceof SseDownstream) waitUntil(farEnd.connect(headers).catch(() => undefined))
    return new Response(body, { headers: EVENT_STREAM_HEADERS })
  }

  async #call(bridge: Bridge, asked: CarriedRequest): Promise<Response> {
    this.#refuseTooMany(asked.order)
    const { answer, stream } = await bridge.call(messageOf(asked))
    if (stream === undefined) return answer
    const primes = understandsPriming(asked.headers['mcp-protocol-version'])
    return new Response(this.#options.streams.attach({ stream, seq: 0 }, primes), { headers: EVENT_STREAM_HEADERS })
  }

  #bridgeOf(session: McpSession): Bridge {
    const known = this.#bridges.get(session.id)
    if (known) return known
    const { context, sessions, standing, streams } = this.#options
    const stream = standing.of(session)
    const isOneStream = session.bridge?.client === 'http-sse'
    const rests = (): void =>
      isOneStream ? sessions.end(context.mcpSessions.find(session.id) ?? session) : streams.release(stream.id)
    const bridge = new Bridge({ session, standing: stream, streams, restsAfterMs: isOneStream ? GRACE_MS : IDLE_MS, rests })
    this.#bridges.set(session.id, bridge)
    bridge.signal.addEventListener('abort', () => this.#bridges.delete(session.id), { once: true })
    bridge.farEnd = farEndTo(this.#downstreamOf(session), { ...this.#options, bridge, session, transports: this.#transports })
    return bridge
  }

  #knows({ resource }: Pick<Caller, 'resource'>): Downstream | undefined {
    return downstreamFor(this.#options.context.settings, resource)
  }

  #downstreamOf(asked: Pick<Caller, 'resource'>): Downstream {
    const found = this.#knows(asked)
    if (!found) throw new McpRefusal('session_not_found', 'Session not found: the MCP server it was for is not brokered any more')
    return found
  }

  #resumable(lastEventId: string, { grantId }: Caller, within?: McpSession): { at: Cursor; session: McpSession } {
    const { log, mcpSessions, now } = this.#options.context
    const found = logCursor(log, lastEventId, grantId)
    const session = found && mcpSessions.use(found.stream.mcpSession, grantId, now())
    const isTheirs = within ? session?.id === within.id : session?.bridge?.client === 'http-sse'
    if (found && session && isTheirs) return { at: found.at, session }
    throw new McpRefusal('cursor_not_found', 'the events after this Last-Event-ID are gone, or were never this session’s')
  }

  #refuseTooMany({ caller }: DispatchHeader): void {
    const { context, streams } = this.#options
    if (isFull(context, caller.resource, streams.size, () => streams.open().map(({ grantId }) => grantId)))
      throw new McpRefusal('limit_exceeded', 'too many requests at once: wait until one of them is answered')
  }

  #giveUp(session: McpSession, error: unknown): never {
    this.#options.sessions.forget(session)
    throw error
  }
}

function messageOf({ order, headers, body, operation }: CarriedRequest): ClientMessage {
  const { messages } = sentEnvelope(body)
  return { messages, requestIds: order.requestIds, headers, body, label: order.label, operation }
}
