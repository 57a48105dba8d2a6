// One session at a legacy server, in which calls of clients of 2026-07-28 are made: what is sent in it, and where goes what comes.
import { charge } from '../../../session/access/admit.ts'
import { randomId } from '../../../platform/crypto.ts'
import { isRecord } from '../../bridge/client-capabilities.ts'
import { answerTo, QUESTIONS } from '../../bridge/server-questions.ts'
import { editJson, elementsOf, memberOf } from '../../bridge/json-edit.ts'
import { isAtLeast, logLevelSchema, mostVerbose, type LogLevel } from '../../bridge/log-level.ts'
import { errorCodeIn } from '../../bridge/modern-response.ts'
import { NEWEST_LEGACY_VERSION } from '../../message/revision.ts'
import { isOfSubscriptions } from '../../bridge/subscription-filter.ts'
import { NotAdmitted } from '../../dispatch/object-answer.ts'
import { McpRefusal } from '../../message/refusal.ts'
import { isResponse, jsonIn } from '../../message/response.ts'
import type { Origin } from '../http-sse/far-end.ts'
import { lostAnswer, type LostBecause } from '../lost-answer.ts'
import { Listeners, type Listener } from './listeners.ts'
import { isInteractive, onlyInteractive, type OpenCall } from './open-call.ts'
import { factsIn, negotiatedVersion, type ServerFacts } from './server-facts.ts'
import { LegacyFarEnd, type LegacyFarEndOptions } from './legacy-far-end.ts'
import type { SentHeaders } from '../downstream-request.ts'

export interface LegacyServerOptions extends Omit<LegacyFarEndOptions, 'near'> {
  /** The server wants to know something; undefined: nobody can say which call that is about. */
  readonly asked: (server: LegacyServer, call: OpenCall | undefined, question: string) => Promise<void>
  /** The server does not want to know it any more; by the id it asked with, in JSON. */
  readonly withdrawn: (server: LegacyServer, questionId: string) => void
  /** There is a response for whoever made the call. */
  readonly responded: (server: LegacyServer, call: OpenCall, response: string) => void
  /** There will be none. */
  readonly gone: (server: LegacyServer, call: OpenCall, because: McpRefusal | string) => void
}

/** Two requests: `initialize`, and that it is done. */
const OPENING = 2

const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}'

/** How long what the server says unasked is listened to after the last who could use it, in milliseconds. */
const HEARD_FOR_MS = 30_000

export class LegacyServer {
  readonly #options: LegacyServerOptions
  readonly farEnd: LegacyFarEnd
  readonly calls = new Map<string, OpenCall>()
  readonly listeners: Listeners
  #facts: ServerFacts | undefined
  /** What the server was told to send at least; undefined: it was told nothing. */
  #level: LogLevel | undefined
  #unheard: ReturnType<typeof setTimeout> | undefined
  usedAt = Date.now()

  constructor(options: LegacyServerOptions) {
    this.#options = options
    this.listeners = new Listeners((listener) => this.#unlistened(listener))
    const near = {
      deliver: (data: string, _?: string, origin?: Origin) => this.#deliver(data, origin),
      lost: (requestIds?: readonly string[], because?: LostBecause) => this.#lost(requestIds, because),
      refused: (requestId: string, refusal: McpRefusal) => this.#refused(requestId, refusal),
      reopened: () => this.startOver(),
      isHeard: () => this.isBusy,
    }
    this.farEnd = new LegacyFarEnd({ ...options, near })
    const kept = options.context.legacyDownstreams.initialized(options.session)
    if (kept !== undefined) this.#facts = factsIn(kept)
  }

  get id(): string {
    return this.#options.session
  }

  get isBusy(): boolean {
    return this.calls.size > 0 || this.listeners.size > 0
  }

  get facts(): ServerFacts {
    if (!this.#facts) throw new Error('the server was used before it was initialized')
    return this.#facts
  }

  /** `capabilities` and `clientInfo` in JSON. Throws a refusal where the server does not take it. */
  async initialize(capabilities: string, clientInfo: string, headers: SentHeaders): Promise<void> {
    if (this.#facts) return
    const { context, session } = this.#options
    const refused = charge(context, this.farEnd.session.resource, OPENING)
    if (refused) throw new NotAdmitted(refused)
    const params = `{"protocolVersion":"${NEWEST_LEGACY_VERSION}","capabilities":${capabilities},"clientInfo":${clientInfo}}`
    const response = await this.#initialized(params, headers)
    const result = memberOf(response, ['result'])
    const version = negotiatedVersion(result ?? '')
    if (result === undefined || version === undefined) {
      const reason = `initialize was answered with ${errorCodeIn(response) ?? 'no result'}`
      throw new McpRefusal('downstream_unreachable', 'The downstream MCP server refused to be initialized', { reason })
    }
    context.mcpSessions.change(this.farEnd.session, { protocolVersion: version })
    context.legacyDownstreams.noteInitialized(session, result)
    this.#facts = factsIn(result)
    await this.farEnd.send({ kind: 'notification', method: 'notifications/initialized', text: INITIALIZED }, headers)
  }

  /** Sends a call whose text has the broker's id in it. */
  async call(call: OpenCall, text: string, headers: SentHeaders): Promise<void> {
    const { id, method, label } = call
    this.usedAt = Date.now()
    this.calls.set(id, call)
    try {
      await this.#setLevel(headers)
      // A server that asks on its standing stream, and finds none, waits for an answer that never comes: also of a client that can only decline.
      if (isInteractive(call)) await this.hear(headers)
      await this.farEnd.send({ kind: 'request', id, method, text, label }, headers)
    } catch (error) {
      this.over(id)
      throw error
    }
  }

  /** It has its answer, or will have none: it does not keep the server listened to any more. */
  over(callId: string): void {
    this.calls.delete(callId)
    this.#rest()
  }

  /** Nobody waits for it any more, and nobody will: the server is told so, and what it says nevertheless is dropped. */
  async cancel(callId: string, reason: string, headers?: SentHeaders): Promise<void> {
    this.over(callId)
    const params = { requestId: callId, reason }
    const text = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params })
    await this.farEnd.send({ kind: 'notification', method: 'notifications/cancelled', params, text }, headers)
  }

  /** Answers a question of the server's. */
  async reply(text: string, headers?: SentHeaders): Promise<void> {
    await this.farEnd.send({ kind: 'response', method: '', text }, headers)
  }

  /** Whether the server can say something unasked. */
  async hear(headers: SentHeaders): Promise<boolean> {
    clearTimeout(this.#unheard)
    this.#unheard = undefined
    return await this.farEnd.hear(headers).catch(() => false)
  }

  /** Those of them that the server lets be listened to. */
  async subscribe(uris: readonly string[], headers: SentHeaders): Promise<readonly string[]> {
    const tries = uris.map(async (uri) => {
      if (!this.listeners.count(uri)) return uri
      const response = await this.farEnd.ask('resources/subscribe', JSON.stringify({ uri }), headers)
      if (response !== undefined && errorCodeIn(response) === undefined) return uri
      this.listeners.discount(uri)
      return undefined
    })
    return (await Promise.all(tries)).filter((uri) => uri !== undefined)
  }

  /** The server has another session for this one, and knows nothing of what was said in that. */
  startOver(): void {
    this.#level = undefined
    const { waitUntil } = this.#options
    for (const uri of this.listeners.uris) waitUntil(this.farEnd.ask('resources/subscribe', JSON.stringify({ uri })))
    this.listeners.startOver()
  }

  /** Resolves when the session in its place is listened to, where this one was. */
  async lose(downstreamId: string | undefined): Promise<void> {
    const heard = this.farEnd.lose(downstreamId)
    this.startOver()
    await heard
  }

  close(): void {
    clearTimeout(this.#unheard)
    this.listeners.end()
    this.calls.clear()
    this.farEnd.close()
  }

  async #initialized(params: string, headers: SentHeaders): Promise<string> {
    const id = randomId(12)
    const text = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":"initialize","params":${params}}`
    const response = await this.farEnd.askAs({ kind: 'request', id, method: 'initialize', text }, headers)
    if (response === undefined)
      throw new McpRefusal('downstream_unreachable', 'The downstream MCP server did not answer when it was initialized')
    return response
  }

  /** Only up: one that is too verbose is filtered, one that is not verbose enough says nothing. */
  async #setLevel(headers: SentHeaders): Promise<void> {
    const wanted = mostVerbose([...this.calls.values()].map(({ sender }) => sender.logLevel))
    const isEnough = wanted === undefined || (this.#level !== undefined && isAtLeast(wanted, this.#level))
    if (isEnough || this.facts.capabilities['logging'] === undefined) return
    this.#level = wanted
    await this.farEnd.ask('logging/setLevel', JSON.stringify({ level: wanted }), headers)
  }

  async #deliver(data: string, origin: Origin | undefined): Promise<void> {
    const message = jsonIn(data)
    // Of 2025-03-26.
    if (Array.isArray(message)) for (const each of elementsOf(data) ?? []) await this.#deliver(each, origin)
    if (!isRecord(message)) return
    if (isResponse(message)) return this.#response(message.id, data)
    const { method, params } = message
    if (typeof method !== 'string') return
    const about = isRecord(params) ? params : {}
    await ('id' in message ? this.#question(method, data, origin) : this.#notification(method, about, data, origin))
  }

  #response(id: unknown, data: string): void {
    if (typeof id !== 'string' || this.farEnd.answered(id, data)) return
    const call = this.calls.get(id)
    if (call) this.#options.responded(this, call, data)
  }

  async #question(method: string, data: string, origin: Origin | undefined): Promise<void> {
    const id = memberOf(data, ['id']) ?? 'null'
    if (method === 'ping') return this.reply(answerTo(id, '{}'))
    if (QUESTIONS.includes(method)) {
      if (!origin) this.#options.context.legacyDownstreams.noteAsksUnrelated(this.farEnd.session.resource)
      const call = this.#callOf(origin) ?? (origin ? undefined : onlyInteractive(this.calls.values()))
      if (call && origin?.serverEventId !== undefined) call.serverEventId = origin.serverEventId
      return this.#options.asked(this, call, data)
    }
    return this.reply(`{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,"message":"Method not found"}}`)
  }

  async #notification(
    method: string,
    params: Readonly<Record<string, unknown>>,
    data: string,
    origin: Origin | undefined,
  ): Promise<void> {
    if (isOfSubscriptions(method)) return this.listeners.tell(method, data, params['uri'])
    if (method === 'notifications/progress') return this.#progress(params['progressToken'], data)
    const call = this.#callOf(origin)
    if (call && origin?.serverEventId !== undefined) call.serverEventId = origin.serverEventId
    if (method === 'notifications/message') return this.#logged(call, params['level'], data)
    if (method === 'notifications/cancelled') {
      const id = memberOf(data, ['params', 'requestId'])
      return id === undefined ? undefined : this.#options.withdrawn(this, id)
    }
    if (!OF_EARLIER_REVISIONS.some((name) => method.startsWith(name))) await call?.waiting?.answer.notify(data)
  }

  async #progress(token: unknown, data: string): Promise<void> {
    const { waiting } = (typeof token === 'string' && this.calls.get(token)) || {}
    if (waiting?.progressToken === undefined) return
    await waiting.answer.notify(editJson(data, [{ at: ['params', 'progressToken'], to: waiting.progressToken }]))
  }

  /** Never on the answer to another request than the one it is about ("Per-request log level"). */
  async #logged(call: OpenCall | undefined, said: unknown, data: string): Promise<void> {
    const only = this.farEnd.hasOneStream && this.calls.size === 1 ? [...this.calls.values()][0] : undefined
    const { waiting } = call ?? only ?? {}
    const level = logLevelSchema.safeParse(said).data
    const least = waiting?.sender.logLevel
    if (least !== undefined && level !== undefined && isAtLeast(level, least)) await waiting?.answer.notify(data)
  }

  #callOf(origin: Origin | undefined): OpenCall | undefined {
    const [id] = origin?.requestIds ?? []
    return id === undefined ? undefined : this.calls.get(String(JSON.parse(id)))
  }

  async #refused(requestId: string, refusal: McpRefusal): Promise<void> {
    const id = String(JSON.parse(requestId))
    if (this.farEnd.answered(id, undefined)) return
    const call = this.calls.get(id)
    if (call) this.#gone(call, refusal)
  }

  async #lost(requestIds: readonly string[] | undefined, because?: LostBecause): Promise<void> {
    const ids = requestIds?.map((id) => String(JSON.parse(id)))
    if (ids) for (const id of ids) this.farEnd.answered(id, undefined)
    else this.farEnd.lost()
    const ended = [...this.calls.values()].filter(({ id }) => !ids || ids.includes(id))
    for (const call of ended) this.#gone(call, lostAnswer(JSON.stringify(call.id), call.waiting?.requestId ?? this.id, because))
  }

  #gone(call: OpenCall, because: McpRefusal | string): void {
    this.over(call.id)
    this.#options.gone(this, call, because)
  }

  #unlistened({ filter }: Listener): void {
    const { waitUntil } = this.#options
    for (const uri of filter.resourceSubscriptions ?? [])
      if (this.listeners.discount(uri)) waitUntil(this.farEnd.ask('resources/unsubscribe', JSON.stringify({ uri })))
    this.#rest()
  }

  /** Without listeners, and without a call the server could ask something in, nothing that comes unasked is of use. */
  #rest(): void {
    if (this.#isToBeHeard || this.#unheard) return
    this.#unheard = setTimeout(() => {
      this.#unheard = undefined
      // Somebody may have come who was heard already when this was set.
      if (!this.#isToBeHeard) this.farEnd.unhear()
    }, HEARD_FOR_MS)
  }

  get #isToBeHeard(): boolean {
    return this.listeners.size > 0 || [...this.calls.values()].some(isInteractive)
  }
}

/** Notifications that say nothing to a client of 2026-07-28. */
const OF_EARLIER_REVISIONS: readonly string[] = [
  'notifications/elicitation/',
  'notifications/tasks/',
  'notifications/initialized',
]
