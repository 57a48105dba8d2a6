// Questions of a legacy server to the client of a call: the call's answer ends with them, the call waits here, and whoever comes back with the
// answers goes on with it. A question is answered once, by the client or in its place.
import type { Caller } from '../../../caller.ts'
import { randomId, sha256 } from '../../../platform/crypto.ts'
import { describeError, log } from '../../../platform/telemetry.ts'
import type { SessionContext } from '../../../session/session-context.ts'
import type { ParkedCall, ParkedQuestion } from '../../../session/store/legacy-downstreams.ts'
import { isRecord, missingFor } from '../../bridge/client-capabilities.ts'
import {
  askedAgain,
  inputRequired,
  isResponseTo,
  MOST_QUESTIONS,
  MOST_ROUNDS,
  questionParams,
  noAnswerTo,
} from '../../bridge/server-questions.ts'
import { memberOf } from '../../bridge/json-edit.ts'
import { ProtocolError } from '../../bridge/protocol-error.ts'
import { INTERACTIVE } from '../../bridge/protocol.ts'
import type { Message } from '../../message/json-rpc-body.ts'
import { jsonIn } from '../../message/response.ts'
import type { LegacyServer } from './legacy-server.ts'
import { nextKey, type OpenCall, type RetryTerms, type Waiting } from './open-call.ts'

/** What comes so soon after the first question is asked together with it, in milliseconds. */
const COLLECTED_WITHIN_MS = 25
/** How long a client may take to come back, in seconds. */
const ANSWERED_WITHIN = 300
/** Calls of one person that wait for answers, and how many of them may be at one server: others are to have room to ask. */
const MOST_PARKED = 16
const MOST_AT_ONE_SERVER = 8
/** Questions are kept in one row, in characters of JSON. */
const LARGEST_QUESTIONS = 512 * 1024

const GIVEN_UP = 'Nobody answered in time'
const NOT_ASKED = 'This client can not be asked that here'

/** Why somebody who comes back can't go on; for them and for the log. */
type RefusedBecause = 'forged' | 'foreign' | 'changed' | 'expired' | 'used' | 'restarted'

const REFUSED: Readonly<Record<RefusedBecause, string>> = {
  forged: 'params.requestState is not one that was given out here',
  foreign: 'params.requestState was given to somebody else, or for another server or method',
  changed: 'the parameters are not those that the questions were about: send the original request again',
  expired: 'the questions were not answered in time: send the original request again',
  used: 'params.requestState was used before: send the original request again',
  restarted: 'the MCP server, or the connection to it, was restarted meanwhile: send the original request again',
}

export interface Retry {
  readonly parked: ParkedCall
  /** Answers of the client by key, in JSON. */
  readonly given: ReadonlyMap<string, string>
  readonly missing: readonly ParkedQuestion[]
}

/** What is in memory of each, so that whoever looks for one reads no row: what stands in those is the server's to say, and long. */
interface KnownParked extends Pick<ParkedCall, 'id' | 'grantId' | 'sessionId' | 'label' | 'openedAt'> {
  /** Ids of the questions the server has not withdrawn. */
  readonly asked: Set<string | undefined>
  readonly expiry: ReturnType<typeof setTimeout>
}

export interface ParkedCallsOptions {
  readonly context: Pick<SessionContext, 'grants' | 'legacyDownstreams' | 'now'>
  readonly waitUntil: (work: Promise<unknown>) => void
  /** The server of a session; undefined where that has ended. */
  readonly serverOf: (sessionId: string) => LegacyServer | undefined
}

export class ParkedCalls {
  readonly #options: ParkedCallsOptions
  readonly #known = new Map<string, KnownParked>()

  constructor(options: ParkedCallsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#known.size
  }

  all(): readonly KnownParked[] {
    return [...this.#known.values()]
  }

  /** A question of the server's about this call. */
  async asked(server: LegacyServer, call: OpenCall | undefined, message: string): Promise<void> {
    const [id = 'null', method] = [memberOf(message, ['id']), String(jsonIn(memberOf(message, ['method']) ?? 'null'))]
    if (!call) {
      log('warn', 'question.unattributed', { session: server.id, method })
      return server.reply(noAnswerTo(id, method, 'It does not say which request it is about'))
    }
    const params = questionParams(message)
    const about = jsonIn(params ?? '{}')
    const missing = missingFor({ method, params: isRecord(about) ? about : {} }, call.sender.capabilities)
    if (missing) call.missing = { ...call.missing, ...missing }
    const size = call.asked.reduce((sum, one) => sum + (one.params?.length ?? 0), message.length)
    const isTooMuch = call.asked.length >= MOST_QUESTIONS || size > LARGEST_QUESTIONS
    if (missing || isTooMuch || !INTERACTIVE.includes(call.method)) return server.reply(noAnswerTo(id, method, NOT_ASKED))
    call.asked.push({ key: nextKey(call), id, method, ...(params !== undefined && { params }) })
    this.collect(server, call)
  }

  /** Asks the client soon, together with what comes until then; as soon as somebody waits. */
  collect(server: LegacyServer, call: OpenCall): void {
    if (!call.waiting || call.asked.length === 0 || call.collecting !== undefined) return
    call.collecting = setTimeout(() => {
      call.collecting = undefined
      const { waiting, asked } = call
      if (!waiting || asked.length === 0) return
      call.asked = []
      this.#options.waitUntil(this.park(server, call, waiting, asked))
    }, COLLECTED_WITHIN_MS)
  }

  /** The answer of the request ends with the questions. `isSentAgain`: the server does not wait for the answers. */
  async park(
    server: LegacyServer,
    call: OpenCall,
    waiting: Waiting,
    questions: readonly ParkedQuestion[],
    isSentAgain = false,
  ): Promise<void> {
    const { context } = this.#options
    const round = call.round + 1
    const isTooMuch = questions.length > MOST_QUESTIONS || JSON.stringify(questions).length > LARGEST_QUESTIONS
    const { terms } = waiting
    if (!terms || round > MOST_ROUNDS || !this.#hasRoomFor(server) || isTooMuch)
      return await this.#refuse(server, call, waiting, questions)
    const [id, now] = [randomId(16), context.now()]
    const until = now + ANSWERED_WITHIN
    const { grantId, label, openedAt, serverEventId } = call
    call.round = round
    call.waiting = undefined
    const parked = {
      id,
      grantId,
      sessionId: server.id,
      callId: call.id,
      label,
      round,
      isSentAgain,
      questions,
      serverEventId,
      openedAt,
      until,
    }
    context.legacyDownstreams.park(parked)
    this.#expire(parked)
    const state = await context.legacyDownstreams.sealed({ ...(await terms()), id, round, until })
    waiting.answer.finish(inputRequired(waiting.id, questions.map(asInputRequest), state))
  }

  #hasRoomFor({ farEnd }: LegacyServer): boolean {
    const { serverOf } = this.#options
    const { resource } = farEnd.session
    const atServer = this.all().filter(({ sessionId }) => serverOf(sessionId)?.farEnd.session.resource === resource)
    return this.size < MOST_PARKED && atServer.length < MOST_AT_ONE_SERVER
  }

  /** The server does not want to know it any more. */
  withdrawn(server: LegacyServer, questionId: string): void {
    const isOther = ({ id }: ParkedQuestion): boolean => id !== questionId
    for (const call of server.calls.values()) call.asked = call.asked.filter(isOther)
    const { legacyDownstreams } = this.#options.context
    for (const { id, sessionId, asked } of this.all()) {
      const parked = sessionId === server.id && asked.delete(questionId) ? legacyDownstreams.find(id) : undefined
      if (parked) legacyDownstreams.park({ ...parked, questions: parked.questions.filter(isOther) })
    }
  }

  /** What a client has come back with; from here on nobody else can. Throws a `ProtocolError` where it can't go on. */
  async taken(terms: RetryTerms, params: Readonly<Record<string, unknown>>, body: string): Promise<Retry> {
    const { legacyDownstreams, now } = this.#options.context
    const state =
      typeof params['requestState'] === 'string' ? await legacyDownstreams.unsealed(params['requestState']) : undefined
    if (!state) throw stateRefused('forged')
    const isTheirs = state.sub === terms.sub && state.grantId === terms.grantId && state.resource === terms.resource
    if (!isTheirs || state.method !== terms.method) throw stateRefused('foreign')
    if (state.digest !== terms.digest) throw stateRefused('changed')
    if (state.until <= now()) throw stateRefused('expired')
    const parked = legacyDownstreams.find(state.id)
    if (!parked || parked.round !== state.round) throw stateRefused('used')
    const answers = params['inputResponses'] ?? {}
    if (!isRecord(answers)) throw new ProtocolError('invalid_params', 'params.inputResponses is an object of answers by key')
    const given = new Map<string, string>()
    for (const { key, method } of parked.questions) {
      const raw = Object.hasOwn(answers, key) ? memberOf(body, ['params', 'inputResponses', key]) : undefined
      if (raw === undefined) continue
      if (!isResponseTo(method, answers[key]))
        throw new ProtocolError('invalid_params', `params.inputResponses["${key}"] is no answer to ${method}`)
      given.set(key, raw)
    }
    if (!legacyDownstreams.take(state.id)) throw stateRefused('used')
    this.#forget(state.id)
    return { parked, given, missing: parked.questions.filter(({ key }) => !given.has(key)) }
  }

  /** What was parked in a grant, or in a session, is not answered any more. */
  end(concerns: (parked: KnownParked) => boolean): number {
    const over = this.all().filter(concerns)
    for (const { id } of over) {
      this.#options.context.legacyDownstreams.take(id)
      this.#forget(id)
    }
    return over.length
  }

  /** After a start. */
  recover(): void {
    const { context } = this.#options
    const { legacyDownstreams, grants, now } = context
    for (const parked of legacyDownstreams.all())
      if (grants.live(parked.grantId, now())) this.#expire(parked)
      else legacyDownstreams.take(parked.id)
  }

  /** Nobody will come back with answers: the server is told, and then that its call is not wanted any more. */
  async expire(id: string): Promise<void> {
    const { context, serverOf } = this.#options
    const parked = context.legacyDownstreams.find(id)
    this.#forget(id)
    if (!parked || !context.legacyDownstreams.take(id)) return
    log('info', 'question.expired', { session: parked.sessionId })
    const server = serverOf(parked.sessionId)
    // What was asked in an earlier life of the object is still open where the server keeps its answers.
    const isOpen = server?.calls.has(parked.callId) === true || parked.serverEventId !== undefined
    if (!server || !isOpen || parked.isSentAgain) return
    await decline(server, parked.questions)
    await server.cancel(parked.callId, GIVEN_UP)
  }

  async #refuse(server: LegacyServer, call: OpenCall, waiting: Waiting, questions: readonly ParkedQuestion[]): Promise<void> {
    const error = new ProtocolError('not_translatable', 'The MCP server asks its client more than can be asked here')
    waiting.answer.finish(error.toJson(waiting.id, waiting.requestId), error.status)
    await decline(server, questions)
    await server.cancel(call.id, NOT_ASKED)
  }

  #expire({ id, grantId, sessionId, label, openedAt, questions, until }: ParkedCall): void {
    const { context, waitUntil } = this.#options
    const inMs = Math.max(0, until - context.now()) * 1000
    const expire = (): void => {
      const work = this.expire(id)
      waitUntil(work.catch((error: unknown) => log('info', 'downstream.not_told', { reason: describeError(error) })))
    }
    const asked = new Set(questions.map((question) => question.id))
    this.#known.set(id, { id, grantId, sessionId, label, openedAt, asked, expiry: setTimeout(expire, inMs) })
  }

  #forget(id: string): void {
    clearTimeout(this.#known.get(id)?.expiry)
    this.#known.delete(id)
  }
}

async function decline(server: LegacyServer, questions: readonly ParkedQuestion[]): Promise<void> {
  for (const { id, method } of questions) if (id !== undefined) await server.reply(noAnswerTo(id, method, GIVEN_UP))
}

/** What a client that comes back has to bring again. */
export async function termsOf({ sub, grantId, resource }: Caller, { method, params }: Message): Promise<RetryTerms> {
  return { sub, grantId, resource, method, digest: await sha256(askedAgain(params)) }
}

export function stateRefused(because: RefusedBecause): ProtocolError {
  log('info', 'request_state.refused', { because })
  return new ProtocolError('request_state_refused', REFUSED[because], { reason: because })
}

function asInputRequest({ key, method, params }: ParkedQuestion): { key: string; method: string; params: string | undefined } {
  return { key, method, params }
}
