// A downstream that speaks streamable HTTP, in front of a client that knows only HTTP+SSE: every answer becomes messages.
import { describeError, log } from '../../../platform/telemetry.ts'
import { GRACE_MS } from '../../sse/relay.ts'
import { checkAnswer } from '../../downstream/downstream-answer.ts'
import { eventNotTaken } from '../../message/event-too-large.ts'
import { isEventStream } from '../../downstream/passing-headers.ts'
import { McpRefusal } from '../../message/refusal.ts'
import { SseEventTooLarge } from '../../sse/sse.ts'
import { wholeBody } from '../../downstream/whole-body.ts'
import { versionIn, type DownstreamSessions } from '../downstream-session.ts'
import { ACCEPTS_MESSAGES } from '../../../platform/event-stream.ts'
import { ownChallenge } from '../own-token-retry.ts'
import type { StreamSpec } from '../owned-stream.ts'
import { pause } from '../pause.ts'
import { pumped, type Take } from './pumped.ts'
import { Readings, type Reading } from './readings.ts'
import { resumed } from '../resumption.ts'
import { Silence } from '../silence.ts'
import { withdraw, withdrawnBy } from '../withdrawal.ts'
import {
  headersWithinMs,
  initializeIn,
  ownHeaders,
  relayed,
  type ClientMessage,
  type DownstreamLink,
  type LinkContext,
} from './link.ts'

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

export class HttpDownstream implements DownstreamLink {
  readonly #context: LinkContext
  readonly #downstream: DownstreamSessions
  readonly #reading = new Readings()
  /** Of the stream that stands open. */
  #listening: AbortSignal | undefined

  constructor(context: LinkContext, downstream: DownstreamSessions) {
    this.#context = context
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

  async send(message: ClientMessage, signal = this.#context.signal): Promise<Response> {
    const end = withdraw(withdrawnBy(message.messages), this.#reading.open())
    return await this.#send(message, signal).finally(end)
  }

  async #send(message: ClientMessage, signal: AbortSignal): Promise<Response> {
    const context = this.#context
    const session = context.session()
    const headers = new Headers(message.headers)
    headers.delete('last-event-id')
    headers.set('accept', ACCEPTS_MESSAGES)
    const { protocolVersion: version = '' } = session
    if (!headers.has('mcp-protocol-version') && version >= NAMES_VERSION) headers.set('mcp-protocol-version', version)
    const request = { method: 'POST', target: context.target, headers, body: message.body, signal } as const
    const way = { headersWithinMs: headersWithinMs(context), challenged: ownChallenge(context.context, session, headers) }
    const initializes = initializeIn(message) && session.resource
    const { answer } = await this.#downstream.send(session, { ...request, ...way, initializes })
    await checkAnswer(answer)
    return answer
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
      const initialize = new TextDecoder().decode(message.body)
      context.mcpSessions.change(session(), { initialize, downstreamId: answer.headers.get('mcp-session-id') ?? undefined })
    }
    if (message.requestIds.length === 0) {
      const isReady = message.messages.some(({ method }) => method === 'notifications/initialized')
      if (isReady && this.#context.listensOnDemand !== true) this.listen()
      return relayed(answer)
    }
    const reading = this.#reading.begin(message.requestIds, this.#context.signal)
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
    const reading = this.#reading.begin([requestId], this.#context.signal)
    const { downstreamId } = this.#context.session()
    reading.downstreamId = downstreamId
    const work = this.#rest(serverEventId, this.#taking(reading, [requestId]), reading).then(() => this.#over(reading))
    this.#context.waitUntil(work.catch((error: unknown) => this.#failed(error, reading)))
  }

  async #inBackground(message: ClientMessage): Promise<void> {
    const reading = this.#reading.begin(message.requestIds, this.#context.signal)
    try {
      await this.#read(message, await this.send(message, reading.signal), reading)
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
    const { open, signal } = reading
    const { context, session } = this.#context
    reading.downstreamId = session().downstreamId
    const take = this.#taking(reading, message.requestIds, initializeIn(message) !== undefined)
    if (isEventStream(answer) && answer.ok && answer.body) {
      const serverEventId = await this.#pump(answer.body, undefined, take, signal)
      // It ended its stream before it had answered: it wants to be asked for the rest (SEP-1699), or it broke.
      if (serverEventId !== undefined) await this.#rest(serverEventId, take, reading)
    } else {
      // A JSON answer becomes one event.
      const { maxEventBytes: mostBytes } = context.settings.limits
      const text = new TextDecoder().decode(await wholeBody(answer.body, { mostBytes, withinMs: LONGEST_CALL_MS }))
      open.settle(text)
      // An error page answers nobody.
      if (answer.ok ? text.trim() !== '' : open.spelled.length < message.requestIds.length) await take(text)
      if (!answer.ok && !open.areAnswered)
        throw new McpRefusal('downstream_broken', `The downstream MCP server answered with status ${answer.status}`)
    }
    await this.#over(reading)
  }

  #taking({ open, end }: Reading, requestIds: readonly string[], isInitialize = false): Take {
    const { deliver, context, session } = this.#context
    return async (data, serverEventId) => {
      open.settle(data)
      const version = isInitialize ? versionIn(data) : undefined
      if (version !== undefined) context.mcpSessions.change(session(), { protocolVersion: version })
      await deliver(data, undefined, { requestIds, serverEventId })
      if (open.areAnswered) setTimeout(end, GRACE_MS)
    }
  }

  async #rest(serverEventId: string, take: Take, reading: Reading): Promise<void> {
    const { open, signal, downstreamId } = reading
    const wants = (): boolean => !open.areAnswered && reading.lostBecause === undefined
    const silent = (): void => void (reading.lostBecause = 'silent')
    if (wants())
      await this.#follow(serverEventId, take, wants, signal, { kind: 'call', downstreamId, attempts: ATTEMPTS, silent })
  }

  async #over({ open, end, lostBecause }: Reading): Promise<void> {
    end()
    const { signal, lost } = this.#context
    if (!open.areAnswered && !signal.aborted) await lost(open.spelled, lostBecause)
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
          ? await this.#pumpUntilSilent(answer.body, serverEventId, take, signal, silent)
          : await this.#pump(answer.body, serverEventId, take, signal, of.kind === 'call')
        if (last !== serverEventId) attempt = 0
        serverEventId = last
      } catch (error) {
        if (error instanceof SseEventTooLarge) throw error
        log('info', 'downstream.not_resumed', { attempt, reason: describeError(error) })
      }
    }
  }

  async #pumpUntilSilent(
    body: ReadableStream<Uint8Array>,
    before: string | undefined,
    take: Take,
    signal: AbortSignal,
    silent: () => void,
  ): Promise<string | undefined> {
    const ending = new AbortController()
    const silence = new Silence(headersWithinMs(this.#context), () => {
      silent()
      ending.abort('silent')
    })
    const taken: Take = async (data, id) => {
      silence.broken()
      await take(data, id)
    }
    return await this.#pump(body, before, taken, AbortSignal.any([signal, ending.signal])).finally(() => silence.end())
  }

  #pump(
    body: ReadableStream<Uint8Array>,
    serverEventId: string | undefined,
    take: Take,
    signal: AbortSignal,
    isCall = true,
  ): Promise<string | undefined> {
    const { maxEventBytes } = this.#context.context.settings.limits
    return pumped(body, take, { serverEventId, signal, maxEventBytes, isCall })
  }
}
