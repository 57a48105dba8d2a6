// The object's side of the bridge from clients of 2026-07-28 to legacy servers: each request is answered as a server of that revision would.
import { randomId } from '../../../platform/crypto.ts'
import type { Deadline } from '../../../platform/deadlines.ts'
import { describeError, log } from '../../../platform/telemetry.ts'
import { isFull } from '../../../session/access/downstream-room.ts'
import type { CloseReason } from '../../../session/contract/leash-terms.ts'
import type { McpSession } from '../../../session/store/mcp-sessions.ts'
import type { StreamDetail } from '../../../session/streams/carrier.ts'
import { isAccepted } from '../../bridge/server-questions.ts'
import { legacyNotification, legacyRequest, progressTokenIn } from '../../bridge/legacy-request.ts'
import { senderOf, type Sender } from '../../bridge/request-sender.ts'
import { methodNotFound, ProtocolError } from '../../bridge/protocol-error.ts'
import { ANSWER_HEADER, refusalAnswer } from '../../dispatch/dispatch-header.ts'
import { NotAdmitted, notAdmitted } from '../../dispatch/object-answer.ts'
import { ERA_HEADER, translationIn, TRANSLATION_HEADER, type TranslationOrder } from '../../dispatch/translation-order.ts'
import { readAgain, type Message } from '../../message/json-rpc-body.ts'
import { handedBody } from '../../message/read-body.ts'
import { interrupted, McpRefusal } from '../../message/refusal.ts'
import { jsonIn } from '../../message/response.ts'
import type { DownstreamSessions } from '../downstream-session.ts'
import { isOfModern } from '../modern-downstream/modern-downstreams.ts'
import { refuseEnded } from '../refuse-ended.ts'
import type { SessionKeeper } from '../session-keeper.ts'
import { discovered } from './discover-answer.ts'
import type { LegacyServer } from './legacy-server.ts'
import { LegacyServers } from './legacy-servers.ts'
import type { ModernClientContext } from './legacy-far-end.ts'
import { listened } from './listen-answer.ts'
import { jsonAnswer, ModernAnswer } from './modern-answer.ts'
import { askedBefore, canBeAsked, openCall, type AskedBefore, type OpenCall, type Waiting } from './open-call.ts'
import { ParkedCalls, stateRefused, termsOf, type Retry } from './parked-calls.ts'
import { gone, responded, sendAnswers } from './call-answer.ts'
import type { SentHeaders } from '../downstream-request.ts'

/** One request on its way. */
interface ClientCall {
  readonly order: TranslationOrder
  readonly headers: SentHeaders
  readonly body: string
  readonly message: Message
  /** As the client spelled it, in JSON. */
  readonly id: string
  /** Aborts when the client leaves. */
  readonly left: AbortSignal
}

/** Of the legacy eras; a server of 2026-07-28 knows none of them. */
const NOT_MODERN: readonly string[] = ['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe']

/** What has a meaning in a session alone, or is said in another way. */
const ABSORBED: readonly string[] = [
  'notifications/cancelled',
  'notifications/initialized',
  'notifications/progress',
  'notifications/roots/list_changed',
]

const NOT_TAKEN = 'Its answers were not taken'

export interface ModernClientsOptions {
  readonly context: ModernClientContext
  readonly downstream: DownstreamSessions
  readonly sessions: SessionKeeper
  readonly waitUntil: (work: Promise<unknown>) => void
  readonly deadline: Deadline
}

export class ModernClients {
  readonly #context: ModernClientContext
  readonly #waitUntil: (work: Promise<unknown>) => void
  readonly #deadline: Deadline
  readonly #servers: LegacyServers
  readonly #parked: ParkedCalls

  constructor({ context, downstream, sessions, waitUntil, deadline }: ModernClientsOptions) {
    this.#context = context
    this.#deadline = deadline
    this.#waitUntil = waitUntil
    this.#parked = new ParkedCalls({ context, waitUntil, serverOf: (id) => this.#servers.find(id) })
    this.#servers = new LegacyServers({
      context,
      sessions: downstream,
      keeper: sessions,
      waitUntil,
      deadline,
      isParked: (id) => this.#parked.all().some(({ sessionId }) => sessionId === id),
      on: {
        asked: (server, call, question) => this.#parked.asked(server, call, question),
        withdrawn: (server, questionId) => this.#parked.withdrawn(server, questionId),
        responded: (server, call, response) => waitUntil(responded(server, call, response, this.#parked)),
        gone,
      },
    })
  }

  get isBusy(): boolean {
    return this.#parked.size > 0
  }

  async carry(request: Request): Promise<Response> {
    const order = translationIn(request.headers)
    try {
      const answer = await this.#carried(order, request)
      answer.headers.set(ANSWER_HEADER, 'carried')
      return answer
    } catch (error) {
      if (error instanceof McpRefusal) return refusalAnswer(error)
      if (error instanceof NotAdmitted) return notAdmitted(error.refused)
      throw error
    }
  }

  /** Calls that wait for answers of their clients; what a client waits for is the router's stream. */
  open(): readonly StreamDetail[] {
    return this.#parked.all().map(({ id, grantId, label, openedAt }) => ({ id, grantId, kind: 'call', label, openedAt }))
  }

  end(reason: CloseReason, concerns: (grantId: string) => boolean): number {
    this.#servers.end(concerns, () => interrupted(reason))
    return this.#parked.end(({ grantId }) => concerns(grantId))
  }

  endStream(id: string): number {
    if (!this.#parked.all().some((parked) => parked.id === id)) return 0
    this.#waitUntil(this.#parked.expire(id).catch(noted))
    return 1
  }

  sessionsEnded(ended: ReadonlySet<string>): void {
    this.#parked.end(({ sessionId }) => ended.has(sessionId))
    for (const id of ended) this.#servers.ended(id)
  }

  async lose(old: McpSession): Promise<void> {
    await this.#servers.lose(old)
  }

  isHeard(sessionId: string): boolean {
    return this.#servers.isHeard(sessionId)
  }

  recover(): void {
    this.#parked.recover()
  }

  async #carried(order: TranslationOrder, request: Request): Promise<Response> {
    const { [TRANSLATION_HEADER]: _, ...headers }: SentHeaders = Object.fromEntries(request.headers)
    const body = new TextDecoder().decode(await handedBody(request, this.#context.settings.limits, this.#deadline))
    const message = readAgain(body, order.id)
    const { id } = message
    refuseEnded(this.#context, order.caller)
    if (id === undefined) return await this.#notified(order, message, body, headers)
    try {
      return await this.#answered({ order, headers, body, message, id, left: request.signal })
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw this.#isOver(order) ?? error
      const { status } = error
      return jsonAnswer(error.toJson(id, order.requestId), status)
    }
  }

  /** Whoever was cut off is told why, and not what that looked like from inside. */
  #isOver({ caller }: TranslationOrder): unknown {
    try {
      return refuseEnded(this.#context, caller)
    } catch (refusal) {
      return refusal
    }
  }

  async #notified(order: TranslationOrder, message: Message, body: string, headers: SentHeaders): Promise<Response> {
    const { kind, method, params } = message
    if (!ABSORBED.includes(method)) {
      const server = await this.#servers.of(order.caller, senderOf(message), headers)
      await server.farEnd.send({ kind, method, params, text: legacyNotification(body, message.meta) }, headers)
    }
    return new Response(null, { status: 202 })
  }

  async #answered(asked: ClientCall): Promise<Response> {
    const { order, headers, message, id } = asked
    const [sender, { method, params }] = [senderOf(message), message]
    if (NOT_MODERN.includes(method) || method.startsWith('tasks/')) throw methodNotFound(method)
    const open = this.#servers.grantsOfCalls()
    if (isFull(this.#context, order.caller.resource, open.length, () => open))
      throw new McpRefusal('limit_exceeded', 'too many requests at once: wait until one of them is answered')
    if (params['requestState'] !== undefined) return await this.#again(asked, sender)
    if (method !== 'server/discover' && method !== 'subscriptions/listen') {
      const call = this.#begun(asked, sender)
      return await this.#call(asked, sender, await this.#servers.of(order.caller, sender, headers, call), call)
    }
    const server = await this.#servers.of(order.caller, sender, headers)
    if (method === 'server/discover') return jsonAnswer(discovered(id, server.facts))
    return await listened(server, { id, params, headers })
  }

  #begun({ order, message: { method } }: ClientCall, sender: Sender, before: AskedBefore = {}): OpenCall {
    const { label, caller } = order
    const [id, openedAt] = [randomId(12), this.#context.now()]
    return openCall({ id, grantId: caller.grantId, method, label, openedAt, sender, waiting: undefined }, before)
  }

  async #call(asked: ClientCall, sender: Sender, server: LegacyServer, call: OpenCall): Promise<Response> {
    const { headers, body, message } = asked
    const waiting = this.#waiting(asked, sender, server, call)
    if (asked.left.aborted) {
      server.over(call.id)
      throw new McpRefusal('client_left', 'the client left before the downstream was asked')
    }
    call.waiting = waiting
    try {
      await server.call(call, legacyRequest(body, message.meta, call.id), headers)
    } catch (error) {
      waiting.answer.drop()
      throw error
    }
    const answer = await waiting.answer.response
    if (isOfModern(this.#context.mcpSessions.find(server.id)?.downstreamId)) answer.headers.set(ERA_HEADER, 'modern')
    return answer
  }

  /** A client comes back with answers, or with some of them. */
  async #again(asked: ClientCall, sender: Sender): Promise<Response> {
    const { message, body } = asked
    const terms = await termsOf(asked.order.caller, asked.message)
    const retry = await this.#parked.taken(terms, message.params, body)
    const { parked, missing } = retry
    const server = this.#servers.find(parked.sessionId)
    if (!server) throw stateRefused('restarted')
    if (parked.isSentAgain && missing.length === 0) return await this.#sentAgain(asked, sender, server, retry)
    const call = server.calls.get(parked.callId) ?? this.#resumed(asked, sender, server, retry)
    call.sender = sender
    const waiting = this.#waiting(asked, sender, server, call)
    if (missing.length === 0) call.waiting = waiting
    await sendAnswers(server, retry, asked.headers, () => this.#abandon(server, call, waiting, asked.headers, NOT_TAKEN))
    if (missing.length > 0 && call.response === undefined)
      await this.#parked.park(server, call, waiting, missing, parked.isSentAgain)
    else if (call.response === undefined) this.#parked.collect(server, call)
    else {
      call.waiting = waiting
      await responded(server, call, call.response, this.#parked)
    }
    return await waiting.answer.response
  }

  /** The person has been where the server wanted them to go: it is asked as if for the first time. */
  async #sentAgain(asked: ClientCall, sender: Sender, server: LegacyServer, { parked, given }: Retry): Promise<Response> {
    const areAccepted = [...given.values()].every((answer) => isAccepted(jsonIn(answer)))
    if (!areAccepted)
      throw new ProtocolError('not_translatable', 'The MCP server does not work before the person has been where it sent them')
    return await this.#call(asked, sender, server, this.#begun(asked, sender, askedBefore(parked)))
  }

  /** What an earlier life of the object had begun. */
  #resumed({ order, message }: ClientCall, sender: Sender, server: LegacyServer, { parked }: Retry): OpenCall {
    const { callId: id, grantId, label, openedAt, serverEventId } = parked
    const begun = { id, grantId, method: message.method, label, openedAt, sender, waiting: undefined }
    const call = openCall(begun, { ...askedBefore(parked), serverEventId })
    if (parked.isSentAgain) return call
    if (serverEventId === undefined || !server.farEnd.resume(id, serverEventId)) throw stateRefused('restarted')
    log('info', 'downstream.call_resumed', { session: server.id, request_id: order.requestId })
    server.calls.set(id, call)
    return call
  }

  #waiting(asked: ClientCall, sender: Sender, server: LegacyServer, call: OpenCall): Waiting {
    const { order, body, id, left, message } = asked
    const terms = canBeAsked(call) ? () => termsOf(order.caller, message) : undefined
    const leave = (): void => {
      left.removeEventListener('abort', leave)
      if (call.waiting === waiting) this.#abandon(server, call, waiting, asked.headers, 'The client has left')
    }
    const answer = new ModernAnswer({ id, requestId: order.requestId, deadline: this.#deadline, left: leave })
    const progressToken = sender.wantsProgress ? progressTokenIn(body) : undefined
    const waiting: Waiting = { id, progressToken, requestId: order.requestId, sender, answer, terms }
    left.addEventListener('abort', leave, { once: true })
    return waiting
  }

  #abandon(server: LegacyServer, call: OpenCall, { answer }: Waiting, headers: SentHeaders, reason: string): void {
    call.waiting = undefined
    answer.drop()
    this.#waitUntil(server.cancel(call.id, reason, headers).catch(noted))
  }
}

function noted(error: unknown): void {
  log('info', 'downstream.not_told', { reason: describeError(error) })
}
