// The object's side of the legacy eras: sessions, owned calls, and what the router needs to carry a standing stream.
import type { Caller } from '../../caller.ts'
import { randomId } from '../../platform/crypto.ts'
import { describeError, log } from '../../platform/telemetry.ts'
import type { Refused } from '../../session/admission.ts'
import { admit, vouchFor } from '../../session/admit.ts'
import type { CarriedEvent, Carrier, GetAnswer, GetRequest } from '../../session/carrier.ts'
import { cursorOf, type Cursor } from '../../session/event-id.ts'
import type { LoggedStream } from '../../session/event-log.ts'
import type { CloseReason } from '../../session/leash-terms.ts'
import type { McpSession } from '../../session/mcp-sessions.ts'
import type { Parts } from '../../session/parts.ts'
import { MAX_EVENT_BYTES } from '../carried-events.ts'
import { checkAnswer } from '../downstream-answer.ts'
import { identityHeaders } from '../identity-headers.ts'
import { KEEP_ALIVE_MS } from '../keep-alive.ts'
import { isEventStream, responseHeaders } from '../passing-headers.ts'
import { McpRefusal } from '../refusal.ts'
import { answered, notAdmitted, rateHeaders } from './answers.ts'
import { DownstreamSessions } from './downstream-session.ts'
import { orderOf, refusalAnswer, type Order } from './order.ts'
import { OwnedStreams, type StreamSpec } from './owned-streams.ts'

/** How long the object goes on with a standing stream whose client left, in milliseconds. */
const GRACE_MS = 60_000

const LEGACY = { era: 'legacy', kind: 'request', id: undefined } as const

export class LegacyCarrier implements Carrier {
  readonly #parts: Parts
  readonly #waitUntil: (work: Promise<unknown>) => void
  readonly #downstream: DownstreamSessions
  readonly #streams: OwnedStreams
  // Requests that wait for the downstream's headers; a revocation aborts them too.
  readonly #flights = new Map<AbortController, string>()
  // What the router was given to send of each standing stream; the rest is missed by a client that comes without a cursor.
  readonly #sentUpTo = new Map<string, number>()

  constructor(parts: Parts, waitUntil: (work: Promise<unknown>) => void) {
    this.#parts = parts
    this.#waitUntil = waitUntil
    this.#downstream = new DownstreamSessions(parts.mcpSessions)
    const { logEvents, logBytes, logAge } = parts.settings.limits
    this.#streams = new OwnedStreams({
      log: parts.log,
      bounds: { events: logEvents, bytes: logBytes, age: logAge },
      keepAliveMs: KEEP_ALIVE_MS.legacy,
      maxEventBytes: MAX_EVENT_BYTES,
      resume: (stream, upId, signal) => this.#resume(stream, upId, signal),
      waitUntil,
      now: parts.now,
    })
  }

  async carry(request: Request): Promise<Response> {
    const order = orderOf(request.headers)
    try {
      const admission = await admit(this.#parts, order.caller)
      if (!admission.admitted) return notAdmitted(admission)
      const rate = rateHeaders(admission.rate)
      const session = this.#sessionOf(request.headers.get('mcp-session-id') ?? undefined, order)
      const lastEventId = request.headers.get('last-event-id')
      if (order.kind === 'stream') return answered(this.#attach(order, session, lastEventId), rate)
      const identity = identityHeaders(admission)
      const headers = new Headers(request.headers)
      for (const [name, value] of identity) headers.set(name, value)
      if (order.kind === 'end') return answered(await this.#delete(order, session, headers), rate)
      const body = new Uint8Array(await request.arrayBuffer())
      return answered(await this.#call(order, session, headers, body), rate)
    } catch (error) {
      if (error instanceof McpRefusal) return refusalAnswer(error)
      throw error
    }
  }

  async openGet({ caller, mcpSession, lastEventId }: GetRequest): Promise<GetAnswer> {
    const admission = await admit(this.#parts, caller)
    if (!admission.admitted) return { kind: 'refused', refused: admission }
    const { rate, admitted: _, ...vouched } = admission
    const session =
      mcpSession === undefined ? undefined : this.#parts.mcpSessions.use(mcpSession, caller.grantId, this.#parts.now())
    if (mcpSession !== undefined && !session) return { kind: 'not_found', what: 'session', rate }
    const cursor = lastEventId === undefined ? undefined : this.#cursor(lastEventId, caller, session)
    if (lastEventId !== undefined && !cursor) return { kind: 'not_found', what: 'cursor', rate }
    if (cursor?.stream.kind === 'call') return { kind: this.#hasMore(cursor) ? 'call' : 'finished', rate }
    if (!session) {
      return {
        kind: 'standing',
        stream: undefined,
        vouched,
        downstreamSession: undefined,
        downstreamCursor: undefined,
        missed: [],
        rate,
      }
    }
    const standing = cursor?.stream ?? this.#parts.log.standingOf(session.id) ?? this.#newStanding(session)
    // The newest connection wins, over the object's own as over another one of the client's.
    this.#streams.release(standing.id)
    await this.#parts.leashes.pullStream('superseded', standing.id)
    const from = cursor?.at.seq ?? this.#sentUpTo.get(standing.id) ?? this.#parts.log.last
    const missed = [...this.#parts.log.after({ stream: standing.id, seq: from }, Number.MAX_SAFE_INTEGER)]
    this.#sentUpTo.set(standing.id, missed.at(-1)?.seq ?? from)
    const upId = this.#parts.log.find(standing.id)?.upId
    return {
      kind: 'standing',
      stream: standing.id,
      vouched,
      downstreamSession: session.downstreamId,
      downstreamCursor: upId,
      missed,
      rate,
    }
  }

  async append(stream: string, events: readonly CarriedEvent[]): Promise<readonly number[]> {
    const { log: events_, now, settings } = this.#parts
    const { logEvents, logBytes, logAge } = settings.limits
    const bounds = { events: logEvents, bytes: logBytes, age: logAge }
    const last = await events_.append(stream, events, [], now())
    this.#sentUpTo.set(stream, last)
    if (events_.isOver(bounds)) events_.trim(bounds, now())
    return events.map((_, index) => last - events.length + 1 + index)
  }

  async end(reason: CloseReason, grantId?: string): Promise<void> {
    const concerns = (of: string): boolean => grantId === undefined || of === grantId
    for (const [flight, of] of this.#flights) if (concerns(of)) flight.abort(reason)
    this.#streams.end(reason, (spec) => concerns(spec.grantId))
    for (const session of this.#parts.mcpSessions.all()) if (concerns(session.grantId)) this.#endSession(session)
  }

  recover(): void {
    const { log: events, leashes, grants, now } = this.#parts
    for (const stream of events.unfinished()) {
      const isAlive = grants.live(stream.grantId, now()) !== undefined
      // A leash that is open means that the object slept, not that it died: the router goes on carrying.
      if (!isAlive || leashes.isOpen(stream.id)) continue
      if (stream.kind === 'standing' && stream.upId === undefined) continue
      this.#goOn(stream)
    }
  }

  isBusy(): boolean {
    return this.#streams.size > 0
  }

  async collectIdle(): Promise<void> {
    const since = this.#parts.now() - this.#parts.settings.limits.mcpSessionIdle
    for (const session of this.#parts.mcpSessions.idle(since)) {
      const standing = this.#parts.log.standingOf(session.id)
      if (standing === undefined || !this.#parts.leashes.isOpen(standing.id)) this.#endSession(session)
    }
  }

  standingLeft(id: string): void {
    const stream = this.#parts.log.find(id)
    if (stream && this.#parts.grants.live(stream.grantId, this.#parts.now())) this.#goOn(stream)
  }

  /** A downstream that forgot the session is initialized again in `send`; the client never notices. */
  async #call(order: Order, session: McpSession | undefined, headers: Headers, body: Uint8Array<ArrayBuffer>): Promise<Response> {
    const abort = new AbortController()
    const { answer, session: current } = await this.#ask(order, abort, { session, method: 'POST', headers, body })
    const out = responseHeaders(answer, LEGACY)
    out.delete('mcp-session-id')
    const opened = order.kind === 'initialize' && answer.ok ? this.#openSession(order, answer, body) : undefined
    if (opened) out.set('mcp-session-id', opened.id)
    const { status } = answer
    if (!answer.body || !isEventStream(answer) || !answer.ok) {
      const isEmpty = status === 202 || status === 204 || status === 205
      return new Response(isEmpty ? null : answer.body, { status, headers: out })
    }
    const spec: StreamSpec = {
      id: randomId(9),
      grantId: order.caller.grantId,
      mcpSession: (opened ?? current)?.id ?? '',
      kind: 'call',
      requestIds: order.requestIds,
    }
    this.#streams.begin(spec, answer.body, abort)
    const primes = (headers.get('mcp-protocol-version') ?? '') >= '2025-11-25'
    return new Response(this.#streams.attach({ stream: spec.id, seq: 0 }, primes), { status, headers: out })
  }

  async #ask(
    order: Order,
    abort: AbortController,
    asked: { session: McpSession | undefined; method: 'POST' | 'DELETE'; headers: Headers; body?: Uint8Array<ArrayBuffer> },
  ): Promise<{ answer: Response; session: McpSession | undefined }> {
    this.#flights.set(abort, order.caller.grantId)
    try {
      const { session, ...rest } = asked
      const headersWithinMs = this.#parts.settings.limits.downstreamTimeout * 1000
      const sent = await this.#downstream.send(session, { ...rest, target: order.target, signal: abort.signal, headersWithinMs })
      await checkAnswer(sent.answer, order.id)
      return sent
    } catch (error) {
      if (abort.signal.aborted) throw new McpRefusal('credential_revoked', 'Unauthorized: access was taken back, sign in again')
      throw error
    } finally {
      this.#flights.delete(abort)
    }
  }

  #openSession(order: Order, answer: Response, body: Uint8Array): McpSession | undefined {
    const downstreamId = answer.headers.get('mcp-session-id') ?? undefined
    if (downstreamId === undefined) return undefined
    const { mcpSessions, settings, now } = this.#parts
    const surplus = mcpSessions.all().length - settings.limits.maxMcpSessions + 1
    for (const oldest of mcpSessions.byUse().slice(0, Math.max(0, surplus))) this.#endSession(oldest)
    const { grantId, resource } = order.caller
    const initialize = new TextDecoder().decode(body)
    return mcpSessions.open({ grantId, resource, downstreamId, initialize, protocolVersion: undefined }, now())
  }

  #sessionOf(id: string | undefined, { caller, kind }: Order): McpSession | undefined {
    if (id === undefined || kind === 'initialize') return undefined
    const session = this.#parts.mcpSessions.use(id, caller.grantId, this.#parts.now())
    if (session) return session
    log('info', 'mcp_session.unknown', { grant: caller.grantId })
    throw new McpRefusal('session_not_found', 'Session not found: initialize a new one')
  }

  #attach(order: Order, session: McpSession | undefined, lastEventId: string | null): Response {
    const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' }
    if (lastEventId !== null) {
      const found = this.#cursor(lastEventId, order.caller, session)
      if (!found) throw new McpRefusal('cursor_not_found', 'the events after this Last-Event-ID are gone')
      return new Response(this.#streams.attach(found.at, false), { headers })
    }
    if (!session) throw new McpRefusal('session_not_found', 'Session not found: initialize a new one')
    const standing = this.#parts.log.standingOf(session.id) ?? this.#newStanding(session)
    this.#goOn(standing)
    return new Response(this.#streams.attach({ stream: standing.id, seq: this.#parts.log.last }, false), { headers })
  }

  async #delete(order: Order, session: McpSession | undefined, headers: Headers): Promise<Response> {
    const { answer } = await this.#ask(order, new AbortController(), { session, method: 'DELETE', headers })
    // A downstream that forgot the session has ended it; 405 means that it lets no client end one.
    if (session && (answer.ok || answer.status === 404)) {
      this.#closeSession(session, 'session_expired')
      await answer.body?.cancel()
      return new Response(null, { status: answer.ok ? answer.status : 200 })
    }
    return new Response(answer.body, { status: answer.status, headers: responseHeaders(answer, LEGACY) })
  }

  /** Ends a session of our own accord and tells the downstream, which would otherwise keep it for ever. */
  #endSession(session: McpSession): void {
    this.#closeSession(session, 'session_expired')
    const downstream = this.#parts.settings.downstreams.find(({ resource }) => resource === session.resource)
    const grant = this.#parts.grants.find(session.grantId)
    const { identity } = this.#parts.profile
    if (session.downstreamId === undefined || !downstream || !grant || !identity) return
    const farewell = async (): Promise<void> => {
      const jwt = { identity, clientId: grant.clientId, grantId: grant.id, audience: downstream.url }
      const headers =
        downstream.auth === 'identity-jwt'
          ? { authorization: await this.#parts.credentials.identityJwt(jwt, this.#parts.now()) }
          : {}
      const signal = AbortSignal.timeout(5_000)
      const request = {
        method: 'DELETE',
        target: downstream.url,
        headers: new Headers(headers),
        signal,
        headersWithinMs: 5_000,
      } as const
      const { answer } = await this.#downstream.send(session, request)
      await answer.body?.cancel()
    }
    this.#waitUntil(
      farewell().catch((error: unknown) => log('info', 'mcp_session.farewell_failed', { reason: describeError(error) })),
    )
  }

  #closeSession(session: McpSession, reason: CloseReason): void {
    this.#streams.end(reason, (spec) => spec.mcpSession === session.id)
    this.#parts.mcpSessions.end(session.id)
    this.#parts.log.forgetSession(session.id)
  }

  #newStanding({ id, grantId }: McpSession): LoggedStream {
    const stream = { id: randomId(9), grantId, mcpSession: id, kind: 'standing', openRequests: [] } as const
    this.#parts.log.open(stream, this.#parts.now())
    return { ...stream, upId: undefined, closed: false, trimmedTo: 0 }
  }

  #goOn(stream: LoggedStream): void {
    const { openRequests, upId, ...spec } = stream
    this.#streams.goOn({ ...spec, requestIds: openRequests }, openRequests, upId)
    if (stream.kind === 'standing') setTimeout(() => this.#streams.release(stream.id), GRACE_MS)
  }

  #cursor(
    lastEventId: string,
    caller: Caller,
    session: McpSession | undefined,
  ): { at: Cursor; stream: LoggedStream } | undefined {
    const at = cursorOf(lastEventId)
    const stream = at && this.#parts.log.find(at.stream)
    if (!at || stream?.grantId !== caller.grantId || stream.mcpSession !== (session?.id ?? '')) return undefined
    return at.seq >= stream.trimmedTo ? { at, stream } : undefined
  }

  #hasMore({ at, stream }: { at: Cursor; stream: LoggedStream }): boolean {
    if (!stream.closed) return true
    return !this.#parts.log.after(at, Number.MAX_SAFE_INTEGER).next().done
  }

  async #resume(stream: StreamSpec, upId: string | undefined, signal: AbortSignal): Promise<Response | undefined> {
    const { grants, settings, mcpSessions, now } = this.#parts
    const grant = grants.live(stream.grantId, now())
    const downstream = settings.downstreams.find(({ resource }) => resource === grant?.resource)
    if (!grant || !downstream) return undefined
    const vouched = await vouchFor(this.#parts, grant, downstream)
    if ('reason' in vouched) throw new Error(vouched.reason satisfies Refused['reason'])
    const headers = identityHeaders(vouched)
    headers.set('accept', 'text/event-stream')
    headers.set('accept-encoding', 'identity')
    if (upId !== undefined) headers.set('last-event-id', upId)
    const session = mcpSessions.find(stream.mcpSession)
    if (session?.protocolVersion !== undefined) headers.set('mcp-protocol-version', session.protocolVersion)
    const headersWithinMs = settings.limits.downstreamTimeout * 1000
    const { answer } = await this.#downstream.send(session, {
      method: 'GET',
      target: downstream.url,
      headers,
      signal,
      headersWithinMs,
    })
    if (answer.ok && isEventStream(answer)) return answer
    await answer.body?.cancel()
    if (answer.status >= 500 || answer.status === 429) throw new Error(`the downstream answered ${answer.status}`)
    return undefined
  }
}
