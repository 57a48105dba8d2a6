// How one legacy server is spoken to for a client without a session: the far end of the bridge to HTTP+SSE, whichever transport that has.
import { charge } from '../../../session/access/admit.ts'
import type { McpSession } from '../../../session/store/mcp-sessions.ts'
import type { ProviderQuestion } from '../../../session/access/ask-provider.ts'
import type { SessionContext } from '../../../session/session-context.ts'
import type { Downstream, Transport } from '../../../settings/downstreams.ts'
import { randomId } from '../../../platform/crypto.ts'
import type { Deadline } from '../../../platform/deadlines.ts'
import { describeError, log } from '../../../platform/telemetry.ts'
import type { Message } from '../../message/json-rpc-body.ts'
import { McpRefusal } from '../../message/refusal.ts'
import { ACCEPTS_MESSAGES } from '../../../platform/event-stream.ts'
import type { DownstreamSessions } from '../downstream-session.ts'
import { HttpDownstream } from '../http-sse/http-downstream.ts'
import { headersWithinMs, ownHeaders, type FarEnd, type FarEndContext } from '../http-sse/far-end.ts'
import { SseDownstream } from '../http-sse/sse-downstream.ts'
import type { Transports } from '../http-sse/transports.ts'
import { UndecidedDownstream } from '../http-sse/undecided-downstream.ts'
import type { SentHeaders } from '../downstream-request.ts'

/** What calls of clients without a session take of the person's object. */
export type ModernClientContext = ProviderQuestion & Pick<SessionContext, 'bucket' | 'legacyDownstreams' | 'log' | 'mcpSessions'>

export interface LegacyFarEndOptions {
  readonly context: ModernClientContext
  readonly downstream: Downstream
  readonly sessions: DownstreamSessions
  readonly transports: Transports
  readonly waitUntil: (work: Promise<unknown>) => void
  readonly deadline: Deadline
  /** By the broker's id of it. */
  readonly session: string
  readonly near: Pick<FarEndContext, 'deliver' | 'lost' | 'refused' | 'reopened' | 'isHeard'>
}

/** What is sent of the broker's own, or of a client's. */
export interface Sent {
  readonly kind: Message['kind']
  /** Of a request, the broker's id. */
  readonly id?: string
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly text: string
  readonly label?: string
}

export class LegacyFarEnd {
  readonly #options: LegacyFarEndOptions
  readonly #end = new AbortController()
  readonly #asking = new Map<string, (response: string | undefined) => void>()
  readonly #farEnd: FarEndContext
  #far: FarEnd
  #hearing: AbortController | undefined
  #offers: Promise<boolean> | undefined

  constructor(options: LegacyFarEndOptions) {
    this.#options = options
    const { context, downstream, sessions, transports, waitUntil, deadline, near } = options
    this.#farEnd = {
      ...near,
      context,
      target: downstream.url,
      session: () => this.session,
      standing: options.session,
      signal: this.#end.signal,
      waitUntil,
      deadline,
      listensOnDemand: true,
    }
    const decided = (transport: Transport, farEnd: FarEnd): void => {
      this.#far = farEnd
      context.mcpSessions.change(this.session, { bridge: { client: 'modern', downstream: transport } })
    }
    const transport = this.session.bridge?.downstream ?? transports.of(downstream, Date.now())
    if (transport === 'http-sse') this.#far = new SseDownstream(this.#farEnd)
    else if (transport === 'streamable-http') this.#far = new HttpDownstream(this.#farEnd, sessions)
    else this.#far = new UndecidedDownstream({ context: this.#farEnd, downstream, transports, sessions, decided })
  }

  get session(): McpSession {
    const found = this.#options.context.mcpSessions.find(this.#options.session)
    if (!found)
      throw new McpRefusal('downstream_unreachable', 'The session at the downstream MCP server has ended: send the request again')
    return found
  }

  /** Whether everything the server says comes the same way, so that nothing says which request it is about. */
  get hasOneStream(): boolean {
    return this.#far instanceof SseDownstream
  }

  /** Sends one message. `headers`: those of whoever brought it about, identity included and nothing of the later revision; where nobody did, the person is vouched for. */
  async send({ kind, id, method, params = {}, text, label = method }: Sent, headers?: SentHeaders): Promise<void> {
    const own = headers ?? toldOfMessages(await ownHeaders(this.#farEnd))
    const spelled = id === undefined ? undefined : JSON.stringify(id)
    const requestIds = kind === 'request' && spelled !== undefined ? [spelled] : []
    const messages = [{ kind, id: spelled, method, params, meta: {} }]
    const answer = await this.#far.post({ messages, requestIds, headers: own, body: text, label })
    await answer.body?.cancel()
    if (answer.ok) return
    const reason = `${method} was answered ${answer.status}`
    throw new McpRefusal('downstream_broken', 'The downstream MCP server did not take a message of the session it has opened', {
      reason,
    })
  }

  /** A question of the broker's own, which counts like one of the person's; undefined where no answer came. */
  async ask(method: string, params: string, headers?: SentHeaders): Promise<string | undefined> {
    const id = randomId(12)
    const text = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":${JSON.stringify(method)},"params":${params}}`
    try {
      if (charge(this.#options.context, this.session.resource)) return undefined
      return await this.askAs({ kind: 'request', id, method, text }, headers)
    } catch (error) {
      log('info', 'downstream.not_asked', { method, reason: describeError(error) })
      return undefined
    }
  }

  /** The response to this request; undefined where none came in time. Throws where it can't be sent. */
  async askAs(asked: Sent & { readonly id: string }, headers?: SentHeaders): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    const inTime = this.#options.deadline(headersWithinMs(this.#farEnd), () => resolve(undefined))
    this.#asking.set(asked.id, resolve)
    try {
      await this.send(asked, headers)
      return await promise
    } finally {
      inTime()
      this.#asking.delete(asked.id)
    }
  }

  /** True for the answer to a question of the broker's own. Without a text there will be none. */
  answered(id: string, text: string | undefined): boolean {
    const resolve = this.#asking.get(id)
    resolve?.(text)
    return resolve !== undefined
  }

  /** No question of the broker's own is answered any more. */
  lost(): void {
    for (const resolve of this.#asking.values()) resolve(undefined)
  }

  /** What was asked in a session that the server has lost. What was listened to is asked for anew, and not after the pause of a stream that broke. */
  async lose(downstreamId: string | undefined): Promise<void> {
    const far = this.#far
    const wasHeard = this.#hearing !== undefined
    this.unhear()
    this.#offers = undefined
    if (!(far instanceof HttpDownstream)) return
    far.lose(downstreamId)
    if (!wasHeard) return
    // As soon as the session has its new id.
    this.#offers = Promise.resolve().then(() => this.#heard(far))
    await this.#offers
  }

  /** The rest of an answer that was begun in an earlier life of the object; false where that is gone. */
  resume(callId: string, serverEventId: string): boolean {
    if (!(this.#far instanceof HttpDownstream)) return false
    this.#far.resume(JSON.stringify(callId), serverEventId)
    return true
  }

  /** From now on the server can say something unasked; whether it offers to. */
  hear(headers: SentHeaders): Promise<boolean> {
    const far = this.#far
    if (far instanceof SseDownstream) return far.connect(headers).then(() => true)
    if (!(far instanceof HttpDownstream)) return Promise.resolve(false)
    this.#offers ??= this.#heard(far)
    return this.#offers
  }

  /** Nobody needs it: nothing keeps the object awake. */
  unhear(): void {
    if (!this.#hearing) return
    this.#hearing.abort('nobody listens')
    this.#hearing = undefined
    this.#offers = undefined
  }

  close(): void {
    this.unhear()
    this.#end.abort('closed')
    this.lost()
  }

  /** Some servers send the headers of a stream with its first event: one that does not refuse at once is taken to offer it. */
  #heard(far: HttpDownstream): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const hearing = new AbortController()
    this.#hearing = hearing
    setTimeout(() => resolve(true), OFFERED_WITHIN_MS)
    far.listen(undefined, { signal: hearing.signal, offered: resolve })
    return promise
  }
}

const OFFERED_WITHIN_MS = 500

function toldOfMessages(headers: SentHeaders): SentHeaders {
  return { ...headers, 'content-type': 'application/json', accept: ACCEPTS_MESSAGES }
}
