// A downstream that speaks streamable HTTP, in front of a client that knows only HTTP+SSE: every answer becomes messages.
import { describeError, log } from '../../../platform/telemetry.ts'
import { GRACE_MS } from '../../sse/relay.ts'
import { checkAnswer } from '../../downstream/downstream-answer.ts'
import { eventNotTaken } from '../../message/event-too-large.ts'
import { isEventStream } from '../../downstream/passing-headers.ts'
import { McpRefusal } from '../../message/refusal.ts'
import { isMessage, readEvents, SseEventTooLarge } from '../../sse/sse.ts'
import { wholeBody } from '../../downstream/whole-body.ts'
import { versionIn, type DownstreamSessions } from '../downstream-session.ts'
import type { LostBecause } from '../lost-answer.ts'
import { ACCEPTS_MESSAGES } from '../../../platform/event-stream.ts'
import { ownChallenge } from '../own-token-retry.ts'
import type { StreamSpec } from '../owned-stream.ts'
import { pause } from '../pause.ts'
import { OpenRequests } from '../../message/open-requests.ts'
import { resumed } from '../resumption.ts'
import { Silence } from '../silence.ts'
import { withdraw, withdrawnBy, type Owing } from '../withdrawal.ts'
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

/** An answer on its way: what it owes, and what ends it. */
interface Reading extends Owing {
  readonly signal: AbortSignal
  /** Why it will not be answered, as far as is known. */
  lostBecause: LostBecause | undefined
  /** The downstream's session it is answered in. */
  downstreamId: string | undefined
}

type Take = (data: string, serverEventId: string | undefined) => Promise<void>

interface Following extends Pick<StreamSpec, 'kind' | 'downstreamId'> {
  readonly attempts: number
  /** Called when nothing has come for long; absent where there may be silence. */
  readonly silent?: () => void
}

export class HttpDownstream implements DownstreamLink {
  readonly #context: LinkContext
  readonly #downstream: DownstreamSessions
  readonly #reading = new Set<Reading>()
  #isListening = false

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
    const end = withdraw(withdrawnBy(message.messages), [...this.#reading])
    return await this.#send(message, signal).finally(end)
  }

  async #send({ headers, body }: ClientMessage, signal: AbortSignal): Promise<Response> {
    const context = this.#context
    const session = context.session()
    const own = new Headers(headers)
    own.delete('last-event-id')
    own.set('accept', ACCEPTS_MESSAGES)
    const { protocolVersion = '' } = session
    if (!own.has('mcp-protocol-version') && protocolVersion >= NAMES_VERSION) own.set('mcp-protocol-version', protocolVersion)
    const request = { method: 'POST', target: context.target, headers: own, body, signal } as const
    const challenged = ownChallenge(context.context, session, own)
    const { answer } = await this.#downstream.send(session, { ...request, headersWithinMs: headersWithinMs(context), challenged })
    await checkAnswer(answer)
    return answer
  }

  /** The downstream has lost this session: what was asked in it gets no answer any more. */
  lose(downstreamId: string | undefined): void {
    for (const reading of this.#reading) {
      if (reading.downstreamId === undefined || reading.downstreamId !== downstreamId || reading.open.areAnswered) continue
      reading.lostBecause = 'session'
      reading.end()
    }
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
      if (message.messages.some(({ method }) => method === 'notifications/initialized')) this.listen()
      return relayed(answer)
    }
    const reading = this.#begin(message)
    waitUntil(this.#read(message, answer, reading).catch((error: unknown) => this.#failed(error, reading)))
    return new Response(null, { status: 202, headers: { 'cache-control': 'no-store' } })
  }

  /** Relays what the downstream says unasked, if it offers a stream for that. */
  listen(serverEventId?: string): void {
    if (this.#isListening) return
    this.#isListening = true
    const { signal } = this.#context
    const told = async (data: string, id: string | undefined): Promise<void> => this.#context.deliver(data, id)
    const forEver = { kind: 'standing', downstreamId: undefined, attempts: Number.POSITIVE_INFINITY } as const
    const listening = this.#follow(serverEventId, told, () => !signal.aborted, signal, forEver)
    this.#context.waitUntil(listening.finally(() => (this.#isListening = false)))
  }

  async #inBackground(message: ClientMessage): Promise<void> {
    const reading = this.#begin(message)
    try {
      await this.#read(message, await this.send(message, reading.signal), reading)
    } catch (error) {
      await this.#failed(error, reading)
    }
  }

  /** From before the downstream is asked: the client may take a request back at once. */
  #begin({ requestIds }: ClientMessage): Reading {
    const abort = new AbortController()
    const end = (): void => abort.abort('nothing more is owed')
    const signal = AbortSignal.any([this.#context.signal, abort.signal])
    const reading: Reading = { open: new OpenRequests(requestIds), end, signal, lostBecause: undefined, downstreamId: undefined }
    this.#reading.add(reading)
    signal.addEventListener('abort', () => this.#reading.delete(reading), { once: true })
    return reading
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
    for (const id of open.spelled)
      await this.#context.deliver(new McpRefusal(code, message).for({ id }).toJson(this.#context.standing))
  }

  /** Every request of the message is answered when this resolves, by the downstream or in its place. */
  async #read(message: ClientMessage, answer: Response, reading: Reading): Promise<void> {
    const { open, end, signal } = reading
    const { deliver, lost, context, session } = this.#context
    const isInitialize = initializeIn(message) !== undefined
    const { downstreamId } = session()
    reading.downstreamId = downstreamId
    const take = async (data: string): Promise<void> => {
      open.settle(data)
      const version = isInitialize ? versionIn(data) : undefined
      if (version !== undefined) context.mcpSessions.change(session(), { protocolVersion: version })
      await deliver(data)
      if (open.areAnswered) setTimeout(end, GRACE_MS)
    }
    if (isEventStream(answer) && answer.ok && answer.body) {
      const serverEventId = await this.#pump(answer.body, undefined, take, signal)
      // It ended its stream before it had answered: it wants to be asked for the rest (SEP-1699), or it broke.
      const wants = (): boolean => !open.areAnswered && reading.lostBecause === undefined
      if (wants() && serverEventId !== undefined)
        await this.#follow(serverEventId, take, wants, signal, {
          kind: 'call',
          downstreamId,
          attempts: ATTEMPTS,
          silent: () => (reading.lostBecause = 'silent'),
        })
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
    end()
    if (!open.areAnswered && !this.#context.signal.aborted) await lost(open.spelled, reading.lostBecause)
  }

  /** Asks for what follows an event, again and again, until nobody wants more or the downstream has no more to give. */
  async #follow(
    from: string | undefined,
    take: Take,
    wants: () => boolean,
    signal: AbortSignal,
    { attempts, silent, ...of }: Following,
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
        if (!answer?.body) return
        const last = silent
          ? await this.#pumpUntilSilent(answer.body, serverEventId, take, signal, silent)
          : await this.#pump(answer.body, serverEventId, take, signal)
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

  /** Resolves with the last event id when the stream ends, however it ends. */
  async #pump(
    body: ReadableStream<Uint8Array>,
    before: string | undefined,
    take: Take,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    let serverEventId = before
    try {
      const events = body.pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), { signal })
      for await (const event of readEvents(events, { maxEventBytes: this.#context.context.settings.limits.maxEventBytes })) {
        if (event.id !== undefined) serverEventId = event.id || undefined
        // On the one stream of an HTTP+SSE client other types mean other things, or nothing.
        if (isMessage(event)) await take(event.data, event.id || undefined)
      }
    } catch (error) {
      // What has answered so need not be asked again; what comes unasked is lost alone.
      if (error instanceof SseEventTooLarge && signal !== this.#context.signal) throw error
      if (!signal.aborted) log('warn', 'downstream.connection_broken', { reason: describeError(error) })
    }
    return serverEventId
  }
}
