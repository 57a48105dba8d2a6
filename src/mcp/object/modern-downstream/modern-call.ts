// One request of a client of the older revisions at a server of 2026-07-28: sent, and sent again for as long as the server needs input.
import { randomId } from '../../../platform/crypto.ts'
import { describeError, log } from '../../../platform/telemetry.ts'
import type { ModernSessions, ModernSession } from '../../../session/store/modern-sessions.ts'
import { HEADER_MISMATCH, UNSUPPORTED_VERSION, verdictOf } from '../../bridge/era-verdict.ts'
import { roundIn } from '../../bridge/input-required.ts'
import { errorFor, violation, type AskedOf } from '../../bridge/legacy-answer.ts'
import { modernHeaders, modernRequest, type NextLeg } from '../../bridge/modern-request.ts'
import { lostAnswer } from '../lost-answer.ts'
import { pause } from '../pause.ts'
import { AskedQuestions } from './asked-questions.ts'
import { statusAsError, type CallOutput } from './call-output.ts'
import { readLeg, type Leg } from './modern-leg.ts'
import { postModern, type ModernWay } from './modern-way.ts'
import type { ToolHeaders } from './tool-headers.ts'

/** As real clients take: rounds of questions, and rounds in a row without any. */
const MOST_ROUNDS = 10
const MOST_IDLE_ROUNDS = 3
const IDLE_MS = 1_000

/** A row holds no more, in characters; what is larger goes with a restart. */
const MOST_KEPT = 512 * 1024

export interface CallContext {
  readonly store: ModernSessions
  readonly tools: ToolHeaders
  /** As it is now: the client may have changed its level since. */
  readonly session: () => ModernSession
  readonly maxEventBytes: number
  /** For a question of the broker's own. */
  readonly charge: () => boolean
  readonly nowMs: () => number
  /** The server has said that it speaks only older revisions. */
  readonly unsupported: () => void
  /** It has answered as an older one would; whether it says that it is one. */
  readonly isReplaced: (way: ModernWay) => Promise<boolean>
}

export interface CallSpec {
  readonly id: string
  /** The client's message, as it came. */
  readonly message: string
  readonly asked: AskedOf
}

/** A round of questions; of a call that was asking when the object last lived, where it goes on. */
export interface AskingRound {
  readonly round: number
  readonly requestState: string | undefined
  readonly questions: AskedQuestions
  /** How many of the questions the client was sent. */
  readonly sent: number
}

export class ModernCall {
  readonly spec: CallSpec
  readonly #context: CallContext
  readonly #end = new AbortController()
  #questions: AskedQuestions | undefined
  #requestState: string | undefined
  #round = 0
  #output: CallOutput | undefined
  #ended: 'cancelled' | 'session' | undefined

  constructor(spec: CallSpec, context: CallContext) {
    this.spec = spec
    this.#context = context
  }

  /**
   * The last message, or the server's refusal of the first request; undefined where its client does not wait for it any more. Throws what
   * ends it otherwise.
   */
  async answer(way: ModernWay, output: CallOutput, kept?: AskingRound): Promise<string | Response | undefined> {
    this.#output = output
    const stop = (): void => this.#end.abort(way.signal.reason)
    if (way.signal.aborted) stop()
    way.signal.addEventListener('abort', stop, { once: true })
    try {
      return await this.#answered({ ...way, signal: this.#end.signal }, output, kept)
    } catch (error) {
      if (this.#ended === 'cancelled') return undefined
      if (this.#ended === 'session') return lostAnswer(this.spec.asked.id, this.spec.id, 'session')
      throw error
    } finally {
      way.signal.removeEventListener('abort', stop)
      this.#forget()
    }
  }

  /** The client does not wait any more, for this and for what it was asked. */
  async cancel(): Promise<void> {
    this.#ended = 'cancelled'
    // Its stream is dropped as soon as this is done.
    if ((this.#questions?.open.length ?? 0) > 0) await this.#withdraw().then(() => this.#output?.drained())
    this.#end.abort('cancelled')
  }

  /** The session it belongs to is over. */
  lose(): void {
    this.#ended = 'session'
    this.#end.abort('session')
  }

  isAsking(id: string): boolean {
    return this.#questions?.has(id) === true
  }

  /** The client's response to a question, in JSON; `way` is that of the request it came with. */
  give(id: string, response: string, way: ModernWay): void {
    const isOver = this.#questions?.give(id, response, { ...way, signal: this.#end.signal })
    if (isOver === false) this.#keep()
  }

  async #answered(first: ModernWay, output: CallOutput, kept: AskingRound | undefined): Promise<string | Response> {
    const { asked } = this.spec
    let [way, asking] = [first, kept]
    let leg: NextLeg | undefined
    let idle = 0
    for (;;) {
      if (!asking) {
        const got = await this.#sent(way, leg, output)
        if (got instanceof Response) return leg ? await statusAsError(asked.id, got) : got
        if (got.kind === 'final') return got.message
        const found = roundIn(got.result, this.#context.session())
        if ('broken' in found) return this.#broken(found.broken)
        const { requestState, questions } = found
        if (questions.length === 0) {
          idle += 1
          if (idle > MOST_IDLE_ROUNDS) return this.#broken('it wants to be called again, again and again, and asks nothing')
          await pause(IDLE_MS * 2 ** (idle - 1), this.#end.signal)
          this.#end.signal.throwIfAborted()
          leg = { id: newId(), inputResponses: undefined, requestState }
          continue
        }
        if (this.#round >= MOST_ROUNDS) return this.#broken(`it asks more than ${MOST_ROUNDS} times`)
        const { nowMs } = this.#context
        asking = { round: this.#round + 1, requestState, questions: AskedQuestions.of(questions, nowMs()), sent: 0 }
      }
      idle = 0
      const over = await this.#asked(asking, output)
      if (over === 'late') return errorFor(asked.id, -32_603, LATE)
      if ('error' in over) return `{"jsonrpc":"2.0","id":${asked.id},"error":${over.error}}`
      way = over.way
      leg = { id: newId(), inputResponses: over.inputResponses, requestState: asking.requestState }
      asking = undefined
    }
  }

  /** One request and its answer; once more where the server has missed a header that its tool asks for. */
  async #sent(way: ModernWay, leg: NextLeg | undefined, output: CallOutput, isAgain = false): Promise<Leg> {
    const { asked, message } = this.spec
    const { tools, session, maxEventBytes, charge } = this.#context
    const client = session()
    const { method, params } = asked
    const own = { ...modernHeaders(method, params), ...(method === 'tools/call' && tools.of(client.resource, params)) }
    const answer = await postModern(way, modernRequest(message, client, leg), own)
    const got = await readLeg(answer, {
      ...asked,
      sentAs: leg?.id ?? asked.id,
      call: this.spec.id,
      maxEventBytes,
      output,
      signal: this.#end.signal,
    })
    if (got instanceof Response || got.kind !== 'final') return got
    if (got.mayBeLegacy === true && !leg && (await this.#context.isReplaced(way))) this.#context.unsupported()
    if (method === 'tools/list' && got.original !== undefined)
      tools.note(client.resource, got.original, params['cursor'] === undefined)
    if (got.code === UNSUPPORTED_VERSION && verdictOf({ status: 400, message: got.original ?? '' }) === 'legacy')
      this.#context.unsupported()
    if (got.code !== HEADER_MISMATCH || method !== 'tools/call' || isAgain) return got
    // Without the list it is asked in vain once more, and told what the server says.
    await tools.learn(client.resource, client, way, charge).catch((error: unknown) => {
      this.#end.signal.throwIfAborted()
      log('info', 'downstream.not_asked', { reason: describeError(error) })
    })
    return await this.#sent(way, leg, output, true)
  }

  async #asked({ round, requestState, questions, sent }: AskingRound, output: CallOutput): ReturnType<AskedQuestions['over']> {
    const { session, nowMs } = this.#context
    this.#questions = questions
    this.#requestState = requestState
    this.#round = round
    this.#keep()
    output.begin()
    const worded = questions.worded(session().protocolVersion)
    for (const [index, question] of worded.entries())
      if (index >= sent) await output.send(question, eventIdOf(this.spec.id, round, index + 1))
    const over = await questions.over(this.#end.signal, nowMs())
    await this.#withdraw()
    this.#forget()
    return over
  }

  /** What is still open is asked no more. */
  async #withdraw(): Promise<void> {
    const open = this.#questions?.open ?? []
    this.#questions = undefined
    for (const requestId of open) {
      const params = { requestId, reason: 'the answer is not needed any more' }
      await this.#output?.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params }))
    }
  }

  #keep(): void {
    const { store, session } = this.#context
    const { id, message } = this.spec
    const [questions, requestState, round] = [this.#questions, this.#requestState, this.#round]
    if (!questions) return
    const { kept, untilMs } = questions
    if (message.length + kept.length + (requestState?.length ?? 0) > MOST_KEPT) return
    store.keepCall({ id, session: session().id, message, round, requestState, questions: kept, untilMs })
  }

  #forget(): void {
    if (this.#round > 0) this.#context.store.endCall(this.spec.id)
  }

  #broken(how: string): string {
    log('warn', 'downstream.protocol_broken', { call: this.spec.id, reason: how })
    return violation(this.spec.asked.id, how)
  }
}

const LATE = 'Nobody has answered the question of the MCP server in time'

function newId(): string {
  return JSON.stringify(`again-${randomId(9)}`)
}

/** Names the question a client was sent last: a stream that breaks off is resumed from there. */
function eventIdOf(call: string, round: number, sent: number): string {
  return `q:${call}:${round}:${sent}`
}

const EVENT_ID = /^q:([\w-]+):(\d+):(\d+)$/

export function questionIn(
  eventId: string,
): { readonly call: string; readonly round: number; readonly sent: number } | undefined {
  const [, call, round, sent] = EVENT_ID.exec(eventId) ?? []
  return call === undefined ? undefined : { call, round: Number(round), sent: Number(sent) }
}
