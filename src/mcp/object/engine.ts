// The object's side of the legacy eras: sessions, owned calls, and what the router needs to carry a standing stream.
import { admit } from '../../session/access/admit.ts'
import type { ClientSoftware } from '../../session/contract/client-software.ts'
import type { CarriedEvent, Carrier, GetAnswer, GetRequest, StreamDetail } from '../../session/streams/carrier.ts'
import { boundsOf } from '../../session/store/log-bounds.ts'
import type { Rate } from '../../session/contract/admission.ts'
import type { CloseReason } from '../../session/contract/leash-terms.ts'
import type { McpSession } from '../../session/store/mcp-sessions.ts'
import { sharedTimer } from '../../platform/deadlines.ts'
import type { SessionContext } from '../../session/session-context.ts'
import type { StreamTraffic } from '../../session/contract/stream-traffic.ts'
import { bareStatus } from '../downstream/downstream-answer.ts'
import { sentBody, sentEnvelope } from './sent-body.ts'
import { identityHeaders } from '../downstream/identity-headers.ts'
import { KEEP_ALIVE_MS } from '../sse/keep-alive.ts'
import { understandsPriming } from '../sse/priming.ts'
import { isEventStream, responseHeaders } from '../downstream/passing-headers.ts'
import { McpRefusal } from '../message/refusal.ts'
import { listsIn, type Edit } from '../tools/gate.ts'
import { answered, marked, NotAdmitted, notAdmitted, rateHeaders, refusedAdmission } from '../dispatch/object-answer.ts'
import { Operation } from '../telemetry/operation.ts'
import { askDownstream, type AskDownstreamOptions, type AskedOfDownstream } from './ask-downstream.ts'
import { ClientNames } from './client-facts.ts'
import { DownstreamSessions, type SessionAnswer } from './downstream-session.ts'
import { endAnswer } from './end-answer.ts'
import { bridged } from './http-sse/bridged-answer.ts'
import { Bridges, type CarriedRequest } from './http-sse/bridges.ts'
import { ModernClients } from './legacy-downstream/modern-clients.ts'
import { Flights } from './flights.ts'
import { attached, goOn, type Attaching } from './get-stream.ts'
import { answerToGet } from './get-answer.ts'
import { HeldBodies } from './held-body.ts'
import { dispatchHeaderIn, refusalAnswer, type DispatchHeader } from '../dispatch/dispatch-header.ts'
import { isOfModern } from './modern-downstream/modern-downstreams.ts'
import { callOf, eventReaders } from './owned-stream.ts'
import { OwnedStreams } from './owned-streams.ts'
import { PendingPosts, withdrawnAnswer } from './pending-posts.ts'
import { recorded } from './recorder.ts'
import { refuseEnded } from './refuse-ended.ts'
import { refuseTooMany } from './refuse-too-many.ts'
import { resumed } from './resumption.ts'
import { SessionKeeper } from './session-keeper.ts'
import { StandingStreams } from './standing-streams.ts'
import { Tools } from './tool-rules.ts'
import { wholeAnswer } from './whole-answer.ts'
import type { SentHeaders } from './downstream-request.ts'

export class LegacyCarrier implements Carrier {
  readonly #context: SessionContext
  readonly #waitUntil: (work: Promise<unknown>) => void
  readonly #sessions: SessionKeeper
  readonly #downstream: DownstreamSessions
  readonly #streams: OwnedStreams
  readonly #flights = new Flights()
  // Of all requests that come through here.
  readonly #time = { deadline: sharedTimer() }
  readonly #held: HeldBodies
  readonly #posts: PendingPosts
  readonly #clients: ClientNames
  readonly #standing: StandingStreams
  readonly #bridges: Bridges
  readonly #modernClients: ModernClients
  readonly #tools: Tools
  readonly #attaching: Attaching
  readonly #asking: AskDownstreamOptions
  readonly farewells = (): Promise<void> => this.#sessions.farewells()
  readonly isBusy = (): boolean => this.#streams.size > 0 || this.#modernClients.isBusy
  readonly collectIdle = (): void => this.#sessions.collectIdle()

  constructor(context: SessionContext, waitUntil: (work: Promise<unknown>) => void) {
    this.#context = context
    this.#waitUntil = waitUntil
    this.#clients = new ClientNames(context)
    const bounds = boundsOf(context.settings.limits)
    this.#tools = new Tools(context)
    const replaced = async (old: McpSession): Promise<void> => {
      this.#bridges.lose(old)
      await this.#modernClients.lose(old)
    }
    const downstream = new DownstreamSessions(context, { waitUntil, replaced })
    const streams = new OwnedStreams({
      log: context.log,
      bounds,
      keepAliveMs: KEEP_ALIVE_MS.legacy,
      reader: eventReaders(context.settings.limits.maxEventBytes),
      edit: (stream) => this.#tools.editOf(stream),
      resume: (stream, serverEventId, signal) => resumed(context, downstream, stream, serverEventId, signal),
      resumedWithinMs: context.settings.limits.downstreamTimeout * 1000,
      waitUntil,
      left: ({ id, mcpSession }) => {
        this.#bridges.left(mcpSession)
        this.#standing.left(id)
      },
      now: context.now,
    })
    const standing = new StandingStreams(context, streams, bounds)
    const sessions = new SessionKeeper({
      context,
      downstream,
      waitUntil,
      endStreams: (ended) => {
        streams.end('session_expired', ({ mcpSession }) => ended.has(mcpSession))
        this.#modernClients.sessionsEnded(ended)
      },
      isHeard: (id) => [this.#bridges, this.#modernClients, standing].some((listening) => listening.isHeard(id)),
    })
    this.#downstream = downstream
    this.#streams = streams
    this.#held = new HeldBodies(this.#flights, waitUntil, context.now)
    this.#posts = new PendingPosts(streams, waitUntil)
    this.#standing = standing
    const parts = { context, downstream, standing, streams, flights: this.#flights }
    this.#asking = { ...parts, ...this.#time }
    this.#attaching = { ...parts, refuseTooMany: (order) => refuseTooMany(order, parts) }
    this.#sessions = sessions
    this.#bridges = new Bridges({ ...parts, sessions, waitUntil })
    this.#modernClients = new ModernClients({ context, downstream, sessions, waitUntil, ...this.#time })
  }

  carry(request: Request): Promise<Response> {
    const order = dispatchHeaderIn(request.headers)
    if (!order) return this.#modernClients.carry(request)
    const operation = order.operation && new Operation(order.operation, this.#waitUntil)
    const carried = { context: this.#context, order, request, waitUntil: this.#waitUntil }
    return recorded(carried, () => this.#carry(order, request, operation))
  }

  async #carry(order: DispatchHeader, request: Request, operation: Operation | undefined): Promise<Response> {
    try {
      const admission = await admit(this.#context, order.caller, order.label, order.count)
      if (!admission.admitted) throw new NotAdmitted(admission)
      const { rate } = admission
      const session = this.#sessionOf(order)
      const isBridged = order.client === 'http-sse' || session?.bridge !== undefined
      const headers: SentHeaders = { ...order.headers, ...identityHeaders(admission) }
      // Of a GET alone it says anything, and then it is the broker's.
      if (order.kind !== 'stream') delete headers['last-event-id']
      if (order.kind === 'stream' && !isBridged) return answered(await attached(order, session, headers, this.#attaching), rate)
      if (order.kind === 'end' && !isBridged) {
        const ask = () => this.#ask(order, new AbortController(), { session, method: 'DELETE', headers })
        return answered(await endAnswer(session, ask, (ended) => this.#sessions.forget(ended)), rate)
      }
      const { limits } = this.#context.settings
      const asked = { order, headers, body: await sentBody(order, request, limits, this.#time.deadline), operation }
      const passing = this.#tools.passing(asked, session, admission.identity, {
        signals: this.#downstream.signals,
        bridges: isBridged ? this.#bridges : undefined,
        ask: (own) => this.#ask(order, new AbortController(), { session, method: 'POST', ...own }),
      })
      const edit = passing && (await passing)
      return isBridged
        ? bridged(asked, await this.#bridges.carry(asked, session), rate)
        : await this.#call(asked, session, rate, edit)
    } catch (error) {
      operation?.failed(error instanceof NotAdmitted ? refusedAdmission(error.refused) : error)
      if (error instanceof McpRefusal) return refusalAnswer(error)
      if (error instanceof NotAdmitted) return notAdmitted(error.refused)
      throw error
    }
  }

  openGet(asked: GetRequest): Promise<GetAnswer> {
    return answerToGet(asked, this.#context, this.#standing)
  }

  append(stream: string, epoch: number, events: readonly CarriedEvent[]): Promise<readonly number[]> {
    return this.#standing.append(stream, epoch, events)
  }

  async end(reason: CloseReason, grantId?: string): Promise<number> {
    const concerns = (of: string): boolean => grantId === undefined || of === grantId
    this.#flights.end(reason, concerns)
    this.#downstream.signals.end(reason, concerns)
    const parked = this.#modernClients.end(reason, concerns)
    const ended = this.#streams.endAll(reason, (spec) => concerns(spec.grantId))
    this.#sessions.endWith(concerns, ended)
    return parked + (await ended)
  }

  shutDown(): void {
    this.#streams.closeReaders('shutting_down')
  }

  endStream(reason: CloseReason, id: string): number {
    return this.#held.end(reason, id) + this.#modernClients.endStream(id) + this.#streams.end(reason, (spec) => spec.id === id)
  }

  endSession(id: string): number | undefined {
    const session = this.#context.mcpSessions.find(id)
    if (!session) return undefined
    const open = this.#streams.open().filter(({ mcpSession }) => mcpSession === id).length
    this.#sessions.end(session)
    return open
  }

  open(): readonly StreamDetail[] {
    return [...this.#streams.open(), ...this.#held.open(), ...this.#modernClients.open()]
  }

  traffic(id: string): StreamTraffic | undefined {
    return this.#streams.traffic(id) ?? this.#held.traffic(id)
  }

  softwareOf(stream: Pick<StreamDetail, 'id' | 'grantId'>): ClientSoftware | undefined {
    return this.#clients.of(stream)
  }

  mayGoOn(stream: Pick<StreamDetail, 'grantId' | 'label'>): boolean {
    return this.#tools.mayGoOn(stream)
  }

  recover(): void {
    this.#downstream.modern.recover()
    const { log: events, leashes, grants, now } = this.#context
    for (const stream of events.unfinished()) {
      const isAlive = grants.live(stream.grantId, now()) !== undefined
      // A leash that is open means that the object slept, not that it died: the router goes on carrying.
      if (!isAlive || leashes.isOpen(stream.id)) continue
      if (stream.kind === 'call') goOn(stream, this.#context, this.#streams)
      else if (stream.serverEventId !== undefined && events.wasCarried(stream.id)) this.#standing.takeOver(stream)
    }
    this.#bridges.recover()
    this.#modernClients.recover()
    this.#sessions.forgetOver()
  }

  standingLeft(id: string): void {
    const stream = this.#context.log.find(id)
    if (stream && this.#context.grants.live(stream.grantId, this.#context.now())) this.#standing.takeOver(stream)
  }

  /** A downstream that lost the session is initialized again in `send`; the client never notices. */
  async #call(asked: CarriedRequest, session: McpSession | undefined, rate: Rate, edit?: Edit): Promise<Response> {
    const { order, headers, body, operation } = asked
    // What opens nothing is what makes room: a cancellation, an answer to a question of the server's.
    const opens = order.requestIds.length > 0
    if (opens) this.#attaching.refuseTooMany(order)
    const known = order.kind === 'initialize' && (await this.#bridges.initialize(asked))
    if (known) return bridged(asked, known, rate)
    if (session && order.kind === 'request' && !isOfModern(session.downstreamId)) await this.#standing.settled(session)
    const abort = new AbortController()
    operation?.asked()
    const ask = () => this.#ask(order, abort, { session, method: 'POST', headers, body })
    const pending = await this.#posts.sent(asked, session, abort, ask)
    if (!pending) return answered(withdrawnAnswer(operation), rate)
    const { answer, session: current, bytes } = pending.got
    refuseEnded(this.#context, order.caller, abort)
    const instead = order.kind === 'initialize' && (await this.#bridges.initialize(asked, answer))
    if (instead) return bridged(asked, instead, rate)
    const out = Object.assign(responseHeaders(answer), rateHeaders(rate))
    const downstreamId = answer.headers.get('mcp-session-id') ?? undefined
    const opened = order.kind === 'initialize' && answer.ok ? this.#sessions.open(order.caller, downstreamId, body) : undefined
    if (opened) out['mcp-session-id'] = opened.id
    else if (order.kind === 'initialize') this.#clients.remember(order.caller.grantId, body)
    if (bytes || !isEventStream(answer) || !answer.ok || bareStatus(answer, opens) !== undefined || !answer.body) {
      const held = { abort, order, answersRequest: opens, bodies: this.#held, bytes, operation, ...this.#time }
      return await wholeAnswer(answer, out, held, edit)
    }
    const spec = { ...callOf(order, opened ?? current, edit ? listsIn(sentEnvelope(body)) : []), operation }
    operation?.carried(answer, true)
    this.#streams.begin(spec, answer.body, abort, pending.open)
    const told = this.#streams.attach({ stream: spec.id, seq: 0 }, understandsPriming(headers['mcp-protocol-version']))
    return new Response(told, { status: answer.status, headers: marked(out) })
  }

  #ask(order: DispatchHeader, abort: AbortController, request: AskedOfDownstream): Promise<SessionAnswer> {
    return askDownstream(order, abort, request, this.#asking)
  }

  #sessionOf(order: DispatchHeader): McpSession | undefined {
    const { client, kind, caller, headers } = order
    const id = client === 'streamable-http' && kind === 'initialize' ? undefined : headers['mcp-session-id']
    return id === undefined ? undefined : this.#sessions.find(id, caller, headers['mcp-protocol-version'], client)
  }
}
