// The POSTs of one session with a server of 2026-07-28: what is answered here, what is sent on, and what belongs to a question.
import * as z from 'zod'
import { randomId } from '../../../platform/crypto.ts'
import type { ModernSession, ModernSessions } from '../../../session/store/modern-sessions.ts'
import { elementsOf, memberOf } from '../../bridge/json-edit.ts'
import { errorFor } from '../../bridge/legacy-answer.ts'
import { offersLogging, offersSubscriptions } from '../../bridge/listen-filter.ts'
import { openEnvelope, type Message } from '../../message/json-rpc-body.ts'
import { McpRefusal } from '../../message/refusal.ts'
import { idKey, jsonIn } from '../../message/response.ts'
import { AskedQuestions } from './asked-questions.ts'
import { BatchOutput, statusAsError, SingleOutput, type CallOutput } from './call-output.ts'
import { Listening } from './listening.ts'
import { ModernCall, questionIn, type AskingRound, type CallSpec } from './modern-call.ts'
import type { ModernWay } from './modern-way.ts'
import type { ToolHeaders } from './tool-headers.ts'

export interface SessionCallsOptions {
  readonly store: ModernSessions
  readonly tools: ToolHeaders
  readonly session: () => ModernSession
  readonly maxEventBytes: number
  readonly charge: () => boolean
  readonly isReplaced: (way: ModernWay) => Promise<boolean>
  readonly waitUntil: (work: Promise<unknown>) => void
}

/** MCP 2025-11-25, "Log Levels". */
const LEVELS: readonly unknown[] = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']

const MOST_SUBSCRIBED = 256
const LONGEST_URI = 4_096

/** Of the eras before and after, which this client does not speak; tasks of 2025-11-25 are not those of the extension. */
const NOT_HERE = /^(?:initialize|server\/discover|subscriptions\/listen|tasks\/.*)$/

export class SessionCalls {
  readonly listening: Listening
  readonly #options: SessionCallsOptions
  readonly #calls = new Set<ModernCall>()
  /** The server has said that it speaks only older revisions. */
  isUnsupported = false

  constructor(options: SessionCallsOptions) {
    this.#options = options
    this.listening = new Listening(options)
  }

  async post(body: Uint8Array<ArrayBuffer>, way: ModernWay): Promise<Response> {
    const text = new TextDecoder().decode(body)
    const { messages, isBatch } = openEnvelope(body)
    const raw = isBatch ? (elementsOf(text) ?? []) : [text]
    const isAnswered = messages.some(({ kind }) => kind === 'request')
    if (!isAnswered) {
      for (const [index, message] of messages.entries()) await this.#take(message, raw[index] ?? '', way)
      return new Response(null, { status: 202 })
    }
    if (isBatch) return this.#batch(messages, raw, way)
    const [message] = messages
    if (message?.id === undefined) return new Response(null, { status: 202 })
    const output = new SingleOutput()
    const { id } = message
    this.#options.waitUntil(this.#into(output, id, way, () => this.#request(message, id, text, way, output)))
    return await output.answer
  }

  /** The rest of a call that was asking when the object last lived; undefined where nothing is known of it. */
  async resume(eventId: string, way: ModernWay): Promise<Response | undefined> {
    const { store, session } = this.#options
    const from = questionIn(eventId)
    const kept = from && store.callOf(from.call, session().id)
    const questions = kept && AskedQuestions.from(kept.questions, kept.untilMs)
    const spec = kept && specOf(kept.id, kept.message)
    if (!questions || !spec || [...this.#calls].some((call) => call.spec.id === kept.id)) return undefined
    const { round, requestState } = kept
    const sent = from.round === round ? from.sent : 0
    const output = new SingleOutput()
    output.begin()
    const carried = (): ReturnType<ModernCall['answer']> =>
      this.#carried(spec, way, output, { round, requestState, questions, sent })
    this.#options.waitUntil(this.#into(output, spec.asked.id, way, carried))
    return await output.answer
  }

  end(): void {
    this.listening.end()
    for (const call of this.#calls) call.lose()
  }

  /** What was begun as a stream ends with an answer, whatever happens; what was not may still be refused as a whole. */
  async #into(output: SingleOutput, id: string, way: ModernWay, work: () => ReturnType<ModernCall['answer']>): Promise<void> {
    try {
      await output.end(await work())
    } catch (error) {
      if (output.hasBegun && !way.signal.aborted) await output.end(broken(id, error))
      else output.fail(error)
    }
  }

  /** A notification or a response. */
  async #take(message: Message, raw: string, way: ModernWay): Promise<void> {
    if (message.kind === 'response') {
      const id: unknown = message.id === undefined ? undefined : JSON.parse(message.id)
      const call = typeof id === 'string' ? [...this.#calls].find((one) => one.isAsking(id)) : undefined
      if (typeof id === 'string') call?.give(id, raw, way)
      return
    }
    if (message.method !== 'notifications/cancelled') return
    const { requestId } = message.params
    if (typeof requestId !== 'string' && typeof requestId !== 'number') return
    const key = idKey(requestId)
    for (const call of this.#calls) if (idKey(JSON.parse(call.spec.asked.id)) === key) await call.cancel()
  }

  #batch(messages: readonly Message[], raw: readonly string[], way: ModernWay): Response {
    const output = new BatchOutput()
    const each = messages.map(async (message, index) => {
      const text = raw[index] ?? ''
      if (message.kind !== 'request' || message.id === undefined) return await this.#take(message, text, way)
      const { id } = message
      const last = await this.#request(message, id, text, way, output).catch((error: unknown) =>
        way.signal.aborted ? undefined : broken(id, error),
      )
      if (last !== undefined) await output.send(typeof last === 'string' ? last : await statusAsError(id, last))
    })
    this.#options.waitUntil(Promise.all(each).finally(() => output.end()))
    return output.answer
  }

  async #request(
    { method, params }: Message,
    id: string,
    text: string,
    way: ModernWay,
    output: CallOutput,
  ): ReturnType<ModernCall['answer']> {
    const { store, session } = this.#options
    const { offers, subscribed } = session()
    if (method === 'ping') return done(id)
    if (NOT_HERE.test(method)) return errorFor(id, -32_601, 'Method not found')
    if (method === 'logging/setLevel') {
      if (!offersLogging(offers)) return errorFor(id, -32_601, 'Method not found: this MCP server sends no log messages')
      const { level } = params
      if (typeof level !== 'string' || !LEVELS.includes(level))
        return errorFor(id, -32_602, `level is one of ${LEVELS.join(', ')}`)
      store.keep({ ...session(), logLevel: level })
      return done(id)
    }
    if (method !== 'resources/subscribe' && method !== 'resources/unsubscribe')
      return await this.#carried({ id: randomId(9), message: text, asked: { id, method, params } }, way, output)
    if (!offersSubscriptions(offers)) return errorFor(id, -32_601, 'Method not found: this MCP server takes no subscriptions')
    const { uri } = params
    if (typeof uri !== 'string' || uri.length > LONGEST_URI) return errorFor(id, -32_602, 'uri is the URI of a resource')
    const others = subscribed.filter((one) => one !== uri)
    if (method === 'resources/unsubscribe') {
      store.keep({ ...session(), subscribed: others })
      await this.listening.change(others, way)
      return done(id)
    }
    if (others.length >= MOST_SUBSCRIBED) return errorFor(id, -32_602, `a session has at most ${MOST_SUBSCRIBED} subscriptions`)
    if (!(await this.listening.change([...others, uri], way, uri)))
      return errorFor(id, -32_602, 'The MCP server does not tell of changes to this resource')
    const now = session()
    store.keep({ ...now, subscribed: [...now.subscribed.filter((one) => one !== uri), uri] })
    return done(id)
  }

  async #carried(spec: CallSpec, way: ModernWay, output: CallOutput, kept?: AskingRound): ReturnType<ModernCall['answer']> {
    const unsupported = (): void => void (this.isUnsupported = true)
    const call = new ModernCall(spec, { ...this.#options, nowMs: () => Date.now(), unsupported })
    this.#calls.add(call)
    try {
      return await call.answer(way, output, kept)
    } finally {
      this.#calls.delete(call)
    }
  }
}

const namedSchema = z.object({ method: z.string(), params: z.record(z.string(), z.unknown()).catch({}) })

function specOf(id: string, message: string): CallSpec | undefined {
  const requestId = memberOf(message, ['id'])
  const named = namedSchema.safeParse(jsonIn(message)).data
  return named && requestId !== undefined ? { id, message, asked: { id: requestId, ...named } } : undefined
}

function done(id: string): string {
  return `{"jsonrpc":"2.0","id":${id},"result":{}}`
}

function broken(id: string, error: unknown): string {
  return errorFor(id, -32_603, error instanceof McpRefusal ? error.message : 'The MCP server could not be asked')
}
