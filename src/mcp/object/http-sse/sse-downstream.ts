// A downstream that speaks HTTP+SSE, over any number of connections: one that breaks is opened again, and told who the client is.
import { describeError, log } from '../../../platform/telemetry.ts'
import type { Challenged } from '../../downstream/token-retry.ts'
import { McpRefusal } from '../../message/refusal.ts'
import { openEnvelope } from '../../message/json-rpc-body.ts'
import { ownChallenge } from '../own-token-retry.ts'
import { pause } from '../pause.ts'
import { OpenRequests } from '../../message/open-requests.ts'
import type { SseEventTooLarge } from '../../sse/sse.ts'
import { SseConnection } from './connection.ts'
import {
  headersWithinMs,
  maxEventBytes,
  initializeIn,
  ownHeaders,
  relayed,
  type ClientMessage,
  type FarEnd,
  type FarEndContext,
} from './far-end.ts'
import { Unacknowledged } from './unacknowledged.ts'
import { sentText } from '../sent-body.ts'
import type { SentHeaders } from '../downstream-request.ts'

/** Attempts to come back while a client listens, and the pause before the first, in milliseconds; each waits longer. */
const ATTEMPTS = 6
const PAUSE_MS = 500

const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}'

interface Handshake {
  readonly open: OpenRequests
  readonly done: PromiseWithResolvers<void>
}

export class SseDownstream implements FarEnd {
  readonly #context: FarEndContext
  #connection: SseConnection | undefined
  #connecting: Promise<SseConnection> | undefined
  /** Of whoever spoke last: what passes of theirs goes with the connection, also with one that is made by itself. */
  #client: SentHeaders | undefined
  #handshake: Handshake | undefined
  readonly #unacknowledged = new Unacknowledged()

  constructor(context: FarEndContext) {
    this.#context = context
    context.signal.addEventListener('abort', () => this.#connection?.close(), { once: true })
  }

  /** Resolves when there is a connection; what a downstream has to say unasked needs one. */
  async connect(client?: SentHeaders): Promise<void> {
    await this.#connected(client)
  }

  async post(message: ClientMessage): Promise<Response> {
    const connection = await this.#connected(message.headers)
    const answer = await this.#unacknowledged.of(message.requestIds, () => connection.post(message.headers, message.body))
    if (answer.ok && initializeIn(message)) this.#remember(message)
    // It does not know the address it has named any more: the next message gets a new one.
    if (answer.status === 404) connection.close()
    return relayed(answer)
  }

  #connected(client?: SentHeaders): Promise<SseConnection> {
    this.#client = client ?? this.#client
    if (this.#connection) return Promise.resolve(this.#connection)
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined))
    return this.#connecting
  }

  async #connect(): Promise<SseConnection> {
    const context = this.#context
    const headers = await ownHeaders(context, this.#client)
    const { target, signal } = context
    const challengedFor = (own: SentHeaders): Challenged | undefined => ownChallenge(context.context, context.session(), own)
    const terms = {
      target,
      headers,
      signal,
      headersWithinMs: headersWithinMs(context),
      maxEventBytes: maxEventBytes(context),
      challengedFor,
    }
    const connection = await SseConnection.open(terms)
    const reading = connection.read((data) => this.#heard(data)).then((tooLarge) => this.#dropped(connection, tooLarge))
    context.waitUntil(reading)
    const { initialize, id } = context.session()
    if (initialize !== '') {
      await this.#initializeAgain(connection, initialize, headers)
      log('info', 'mcp_session.initialized_again', { session: id })
    }
    this.#connection = connection
    if (initialize !== '') context.reopened?.()
    return connection
  }

  /** The parameters are the client's; the answer is nobody's, because the client has had one. */
  async #initializeAgain(connection: SseConnection, initialize: string, headers: SentHeaders): Promise<void> {
    const [message] = openEnvelope(new TextEncoder().encode(initialize)).messages
    const handshake = {
      open: new OpenRequests(message?.id === undefined ? [] : [message.id]),
      done: Promise.withResolvers<void>(),
    }
    this.#handshake = handshake
    const timer = setTimeout(() => handshake.done.reject(unanswered()), headersWithinMs(this.#context))
    try {
      const [asked] = await Promise.all([connection.post(headers, initialize), handshake.done.promise])
      await asked.body?.cancel()
      const told = await connection.post(headers, INITIALIZED)
      await told.body?.cancel()
    } catch (error) {
      connection.close()
      throw error
    } finally {
      clearTimeout(timer)
      this.#handshake = undefined
    }
  }

  async #heard(data: string): Promise<void> {
    const handshake = this.#handshake
    if (handshake && !handshake.open.areAnswered) {
      handshake.open.settle(data)
      if (handshake.open.areAnswered) return handshake.done.resolve()
    }
    this.#unacknowledged.heard(data)
    await this.#context.deliver(data)
  }

  async #dropped(connection: SseConnection, tooLarge: SseEventTooLarge | undefined): Promise<void> {
    this.#handshake?.done.reject(unanswered())
    if (this.#connection !== connection) return
    this.#connection = undefined
    this.#unacknowledged.lost()
    const { signal, lost } = this.#context
    if (signal.aborted) return
    await lost(undefined, tooLarge)
    await this.#comeBack()
  }

  /** A client that only listens would never notice that nobody speaks any more. */
  async #comeBack(): Promise<void> {
    const { signal, isHeard } = this.#context
    for (let attempt = 1; attempt <= ATTEMPTS && !signal.aborted && isHeard() && !this.#connection; attempt += 1) {
      await pause(PAUSE_MS * attempt, signal)
      if (signal.aborted) return
      await this.#connected().catch((error: unknown) =>
        log('warn', 'downstream.connection_refused', { attempt, reason: describeError(error) }),
      )
    }
  }

  #remember({ body }: ClientMessage): void {
    const { context, session } = this.#context
    context.mcpSessions.change(session(), { initialize: sentText(body) })
  }
}

function unanswered(): McpRefusal {
  return new McpRefusal('downstream_unreachable', 'The downstream MCP server did not answer when it was initialized again')
}
