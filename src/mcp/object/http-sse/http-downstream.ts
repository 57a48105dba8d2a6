// A downstream that speaks streamable HTTP, in front of a client that knows only HTTP+SSE: every answer becomes messages.
import { describeError, log } from '../../../platform/telemetry.ts'
import { GRACE_MS } from '../../sse/relay.ts'
import { checkAnswer } from '../../downstream/downstream-answer.ts'
import { eventNotTaken } from '../../message/event-too-large.ts'
import { isEventStream } from '../../downstream/passing-headers.ts'
import { restored } from '../../downstream/session-doubt.ts'
import { McpRefusal } from '../../message/refusal.ts'
import { SseEventTooLarge } from '../../sse/sse.ts'
import { wholeMessage } from '../../downstream/whole-body.ts'
import { versionIn, type DownstreamSessions } from '../downstream-session.ts'
import { ACCEPTS_MESSAGES } from '../../../platform/event-stream.ts'
import { ownChallenge } from '../own-token-retry.ts'
import type { StreamSpec } from '../owned-stream.ts'
import { pause } from '../pause.ts'
import { pumped, pumpedUntilSilent, type Pumping, type Take } from './message-pump.ts'
import { Readings, type Reading } from './readings.ts'
import { resumed } from '../resumption.ts'
import { withdraw, withdrawnBy } from '../withdrawal.ts'
import {
  headersWithinMs,
  initializeIn,
  maxEventBytes,
  ownHeaders,
  relayed,
  type ClientMessage,
  type FarEnd,
  type FarEndContext,
} from './far-end.ts'
import { sentText } from '../sent-body.ts'
import type { SentHeaders } from '../downstream-request.ts'

/** From this revision on a request names the one that was negotiated; clients of HTTP+SSE need not know that. */
const NAMES_VERSION = '2025-06-18'

const ATTEMPTS = 5
/** From the headers of an answer to its end: some servers send those first, and then work. */
const LONGEST_CALL_MS = 600_000
const PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000

interface Following extends Pick<StreamSpec, 'kind' | 'downstreamId'> {
  readonly attempts: number
  /** Called when nothing has come for long; absent where there may be silence. */
  readonly silent?: () => void
  /** Told once whether the downstream offers the stream. */
  readonly offered?: ((isOffered: boolean) => void) | undefined
}

interface Listening {
  readonly signal?: AbortSignal
  readonly offered?: (isOffered: boolean) => void
}

export class HttpDownstream implements FarEnd {
  readonly #context: FarEndContext
  readonly #downstream: DownstreamSessions
  readonly #reading: Readings
  /** Of the stream that stands open. */
  #listening: AbortSignal | undefined

  constructor(context: FarEndContext, downstream: DownstreamSessions) {
    this.#context = context
    this.#reading = new Readings(context.signal)
    this.#downstream = downstream
  }

  async post(message: ClientMessage): Promise<Response> {
    // An answer takes as long as the tool does, and some clients send nothing while a POST of theirs is open.
    if (message.requestIds.length === 0 || initializeIn(message)) return this.take(message, await this.send(message))
    this.#context.waitUntil(this.#inBackground(message))
    return new Response(null, { status: 202, headers: { 'cache-control': 'no-store' } })
  }

  /** For a client that was initialized in another session, and does not know that it is in this one. */
  async initializeAgain(): Promise<void> {
    const context = this.#context
    const { target, signal } = context
    const request = { method: 'POST', target, headers: await ownHeaders(context), signal } as const
    const renewed = await this.#downstream.initializeAs(context.session(), {
      ...request,
      headersWithinMs: headersWithinMs(context),
    })
    if (!renewed)
      throw new McpRefusal('downstream_unreachable', 'The downstream MCP server did not answer when it was initialized again')
    this.listen()
  }

  /** `ending`: of the reading its answer is for; what answers nobody ends with the session. */
  async send(message: ClientMessage, ending?: AbortController): Promise<Response> {
    const withdrawn = withdrawnBy(message.messages)
    if (withdrawn.length === 0) return await this.#send(message, ending)
    const end = withdraw(withdrawn, this.#reading.open())
    return await this.#send(message, ending).finally(end)
  }

  async #send(message: ClientMessage, ending: AbortController | undefined): Promise<Response> {
    const context = this.#context
    const session = context.session()
    const headers: SentHeaders = { ...message.headers, accept: ACCEPTS_MESSAGES }
    delete headers['last-event-id']
    const { protocolVersion: version = '' } = session
    if (version >= NAMES_VERSION) headers['mcp-protocol-version'] ??= version
    const { target, deadline } = context
    const ends = { signal: ending?.signal ?? context.signal, ending, headersWithinMs: headersWithinMs(context), deadline }
    const request = { method: 'POST', target, headers, body: message.body, ...ends } as const
    const challenged = ownChallenge(context.context, session, headers)
    const initializes = initializeIn(message) && session.resource
    const sent = await this.#downstream.send(session, { ...request, challenged, initializes })
    await checkAnswer(sent.answer)
    return restored(sent)
  }

  /** The downstream has lost this session: what was asked in it gets no answer any more. */
  lose(downstreamId: string | undefined): void {
    this.#reading.lose(downstreamId)
  }

  /** Takes the downstream's answer to a message, from here or from whoever asked first. */
  async take(message: ClientMessage, answer: Response): Promise<Response> {
    if (!answer.ok) return relayed(answer)
    const { context, session, waitUntil } = this.#context
    if (initializeIn(message)) {
      const initialize = sentText(message.body)
      context.mcpSessions.change(session(), { initialize, downstreamId: answer.headers.get('mcp-session-id') ?? undefined })
    }
    if (message.requestIds.length === 0) {
      const isReady = message.messages.some(({ method }) => method === 'notifications/initialized')
      if (isReady && this.#context.listensOnDemand !== true) this.listen()
      return relayed(answer)
    }
    const reading = this.#reading.begin(message.requestIds)
    waitUntil(this.#read(message, answer, reading).catch((error: unknown) => this.#failed(error, reading)))
    return new Response(null, { status: 202, headers: { 'cache-control': 'no-store' } })
  }

  /** Relays what the downstream says unasked, if it offers a stream for that. */
  listen(serverEventId?: string, { signal = this.#context.signal, offered }: Listening = {}): void {
    if (this.#listening?.aborted === false) return
    this.#listening = signal
    const told = async (data: string, id: string | undefined): Promise<void> => this.#context.deliver(data, id)
    const forEver = { kind: 'standing', downstreamId: undefined, attempts: Number.POSITIVE_INFINITY, offered } as const
    const listening = this.#follow(serverEventId, told, () => !signal.aborted, signal, forEver)
    const over = (): void => {
      if (this.#listening === signal) this.#listening = undefined
    }
    this.#context.waitUntil(listening.finally(over))
  }

  /** The rest of an answer that was begun in an earlier life of the object. */
  resume(requestId: string, serverEventId: string): void {
    const reading = this.#reading.begin([requestId])
    const { downstreamId } = this.#context.session()
    reading.downstreamId = downstreamId
    const work = this.#rest(serverEventId, this.#taking(reading, [requestId]), reading).then(() => this.#over(reading))
    this.#context.waitUntil(work.catch((error: unknown) => this.#failed(error, reading)))
  }

  async #inBackground(message: ClientMessage): Promise<void> {
    const reading = this.#reading.begin(message.requestIds)
    try {
      await this.#read(message, await this.send(message, reading.ending), reading)
    } catch (error) {
      await this.#failed(error, reading)
    }
  }

  async #failed(error: unknown, { open, end, lostBecause }: Reading): Promise<void> {
    const { signal, lost } = this.#context
    if (signal.aborted || open.areAnswered) return
    end()
    if (lostBecause !== undefined) return lost(open.spelled, lostBecause)
    log('warn', 'mcp.relay_failed', { reason: describeError(error) })
    const { code, message } =
      error instanceof McpRefusal
        ? error
        : error instanceof SseEventTooLarge
          ? eventNotTaken(error)
          : new McpRefusal('downstream_broken', 'The answer of the downstream MCP server broke off')
    const { deliver, refused, standing } = this.#context
    for (const id of open.spelled) {
      const refusal = new McpRefusal(code, message).for({ id })
      await (refused ? refused(id, refusal) : deliver(refusal.toJson(standing)))
    }
  }

  /** Every request of the message is answered when this resolves, by the downstream or in its place. */
  async #read(message: ClientMessage, answer: Response, reading: Reading): Promise<void> {
    const { open } = reading
    const { session, deadline } = this.#context
    reading.downstreamId = session().downstreamId
    const take = this.#taking(reading, message.requestIds, initializeIn(message) !== undefined)
    if (isEventStream(answer) && answer.ok && answer.body) {
      const serverEventId = await this.#pump(answer.body, undefined, take, reading.ending.signal)
      // It ended its stream before it had answered: it wants to be asked for the rest (SEP-1699), or it broke.
      if (serverEventId !== undefined) await this.#rest(serverEventId, take, reading)
    } else {
      // A JSON answer becomes one event.
      const mostBytes = maxEventBytes(this.#context)
      const text = new TextDecoder().decode(await wholeMessage(answer, { mostBytes, withinMs: LONGEST_CALL_MS, deadline }))
      open.settle(text)
      if (open.areAnswered) this.#reading.finish(reading)
      // An error page answers nobody.
      if (answer.ok ? text.trim() !== '' : open.spelled.length < message.requestIds.length) await take(text)
      if (!answer.ok && !open.areAnswered)
        throw new McpRefusal('downstream_broken', `The downstream MCP server answered with status ${answer.status}`)
    }
    await this.#over(reading)
  }

  #taking(reading: Reading, requestIds: readonly string[], isInitialize = false): Take {
    const { open, end } = reading
    const { deliver, context, session } = this.#context
    return async (data, serverEventId) => {
      open.settle(data)
      const version = isInitialize ? versionIn(data) : undefined
      if (version !== undefined) context.mcpSessions.change(session(), { protocolVersion: version })
      await deliver(data, undefined, { requestIds, serverEventId })
      if (open.areAnswered && this.#reading.has(reading)) setTimeout(end, GRACE_MS)
    }
  }

  async #rest(serverEventId: string, take: Take, reading: Reading): Promise<void> {
    const { open, ending, downstreamId } = reading
    const wants = (): boolean => !open.areAnswered && reading.lostBecause === undefined
    const silent = (): void => void (reading.lostBecause = 'silent')
    if (wants())
      await this.#follow(serverEventId, take, wants, ending.signal, { kind: 'call', downstreamId, attempts: ATTEMPTS, silent })
  }

  async #over(reading: Reading): Promise<void> {
    const { open, end, lostBecause } = reading
    if (open.areAnswered) return this.#reading.finish(reading)
    end()
    const { signal, lost } = this.#context
    if (!signal.aborted) await lost(open.spelled, lostBecause)
  }

  /** Asks for what follows an event, again and again, until nobody wants more or the downstream has no more to give. */
  async #follow(
    from: string | undefined,
    take: Take,
    wants: () => boolean,
    signal: AbortSignal,
    { attempts, silent, offered, ...of }: Following,
  ): Promise<void> {
    const { context, session, standing } = this.#context
    let serverEventId = from
    for (let attempt = 0; wants() && !signal.aborted && attempt <= attempts; attempt += 1) {
      if (attempt > 0) await pause(Math.min(PAUSE_MS * attempt, LONGEST_PAUSE_MS), signal)
      if (signal.aborted) return
      const { grantId, id: mcpSession } = session()
      const spec = { id: standing, grantId, mcpSession, ...of, requestIds: [] }
      try {
        const answer = await resumed(context, this.#downstream, spec, serverEventId, signal)
        offered?.(answer?.body != null)
        if (!answer?.body) return
        const last = silent
          ? await pumpedUntilSilent(answer.body, take, this.#pumping(serverEventId, signal), {
              ms: headersWithinMs(this.#context),
              silent,
            })
          : await this.#pump(answer.body, serverEventId, take, signal, of.kind === 'call')
        if (last !== serverEventId) attempt = 0
        serverEventId = last
      } catch (error) {
        if (error instanceof SseEventTooLarge) throw error
        log('info', 'downstream.not_resumed', { attempt, reason: describeError(error) })
      }
    }
  }

  #pump(
    body: ReadableStream<Uint8Array>,
    serverEventId: string | undefined,
    take: Take,
    signal: AbortSignal,
    isCall = true,
  ): Promise<string | undefined> {
    return pumped(body, take, this.#pumping(serverEventId, signal, isCall))
  }

  #pumping(serverEventId: string | undefined, signal: AbortSignal, isCall = true): Pumping {
    return { serverEventId, signal, maxEventBytes: maxEventBytes(this.#context), isCall }
  }
}
