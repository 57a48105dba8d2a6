// A session in which HTTP+SSE is spoken on at least one side: what goes where between the client's streams and the downstream.
//
// A client of HTTP+SSE has one stream for everything. A client of streamable HTTP reads the answers to each POST on a stream of
// its own, and the downstream sends them all over one connection; there, what belongs to no call goes to the stream that stands
// open, and while none does to the oldest call, because a question of the downstream's may be what that call waits for.
import { revoked } from '../../message/refusal.ts'
import { randomId } from '../../../platform/crypto.ts'
import type { LoggedStream } from '../../../session/store/event-log.ts'
import type { McpSession } from '../../../session/store/mcp-sessions.ts'
import { lostAnswer, type LostBecause } from '../lost-answer.ts'
import type { OwnedStreams } from '../owned-streams.ts'
import { withdraw, withdrawnBy } from '../withdrawal.ts'
import { Feed } from './feed.ts'
import { type ClientMessage, type FarEnd } from './far-end.ts'
import { OpenCalls } from './open-calls.ts'
import { OpenOperations } from './open-operations.ts'
import { answers } from '../../tools/inquiry.ts'

export interface BridgeOptions {
  readonly session: McpSession
  readonly standing: LoggedStream
  readonly streams: OwnedStreams
  /** Nobody listens any more: within how many milliseconds it is over. */
  readonly restsAfterMs: number
  readonly rests: () => void
}

interface Call {
  readonly stream: string
  readonly feed: Feed
}

export class Bridge {
  readonly #options: BridgeOptions
  readonly #end = new AbortController()
  readonly #feed = new Feed()
  readonly #calls = new OpenCalls<Call>()
  // Of requests whose answers come over the one stream.
  readonly #operations = new OpenOperations()
  // Of the broker's own: no client waits for these answers.
  readonly #questions = new Map<string, (answer: string | undefined) => void>()
  #farEnd: FarEnd | undefined
  #rest: ReturnType<typeof setTimeout> | undefined

  constructor(options: BridgeOptions) {
    this.#options = options
    const { standing, streams } = options
    const { openRequests } = standing
    const spec = { ...standing, requestIds: openRequests, operation: this.#operations }
    streams.take(spec, this.#feed.body, this.#end)
    this.#end.signal.addEventListener('abort', () => clearTimeout(this.#rest), { once: true })
    // What the last life of the object had asked for will not be answered in this one.
    if (openRequests.length > 0) void this.lost(openRequests)
    this.touch()
  }

  get signal(): AbortSignal {
    return this.#end.signal
  }

  get farEnd(): FarEnd {
    if (!this.#farEnd) throw new Error('the bridge has no far end yet')
    return this.#farEnd
  }

  set farEnd(farEnd: FarEnd) {
    this.#farEnd = farEnd
  }

  get isHeard(): boolean {
    return this.#options.streams.isHeard(this.#options.standing.id)
  }

  get isBusy(): boolean {
    return this.isHeard || this.#calls.size > 0
  }

  /** The client is there, or was a moment ago. */
  touch(): void {
    const { rests, restsAfterMs } = this.#options
    clearTimeout(this.#rest)
    if (this.#end.signal.aborted) return
    this.#rest = setTimeout(() => (this.isBusy ? this.touch() : rests()), restsAfterMs)
  }

  /** One message of a client that reads everything on its one stream. */
  async send(message: ClientMessage): Promise<Response> {
    const { streams, standing } = this.#options
    this.touch()
    streams.owed.expect(standing.id, message.requestIds)
    this.#operations.add(message)
    this.#withdraw(message)
    const drop = (): void => {
      this.#operations.remove(message)
      streams.owed.waive(standing.id, message.requestIds)
    }
    try {
      const answer = await this.#post(message)
      if (!answer.ok) drop()
      return answer
    } catch (error) {
      drop()
      throw error
    }
  }

  /** One message of a client that reads the answers to it on a stream of their own; named when the downstream has taken it. */
  async call(message: ClientMessage): Promise<{ readonly answer: Response; readonly stream: string | undefined }> {
    this.touch()
    const { requestIds, label, operation } = message
    if (requestIds.length === 0) {
      const end = this.#withdraw(message)
      return { answer: await this.#post(message).finally(end), stream: undefined }
    }
    const { streams, session } = this.#options
    const call = { stream: randomId(9), feed: new Feed() }
    // The answer may come over the connection before the POST is answered.
    this.#calls.open(call, message.messages)
    const about = { kind: 'call', requestIds, label, operation } as const
    const spec = { id: call.stream, grantId: session.grantId, mcpSession: session.id, ...about }
    streams.begin(spec, call.feed.body, new AbortController())
    const drop = (): void => {
      this.#calls.remove(call)
      streams.owed.waive(call.stream, requestIds)
      call.feed.end()
    }
    try {
      const answer = await this.#post(message)
      if (!answer.ok) drop()
      return { answer, stream: answer.ok ? call.stream : undefined }
    } catch (error) {
      drop()
      throw error
    }
  }

  /** Asks something the client did not; nothing where no answer comes in time. */
  async ask(message: ClientMessage, id: string, signal: AbortSignal): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    this.#questions.set(id, resolve)
    AbortSignal.any([signal, this.#end.signal]).addEventListener('abort', () => resolve(undefined), { once: true })
    try {
      const { ok, body } = await this.#post(message)
      await body?.cancel()
      return ok ? await promise : undefined
    } finally {
      this.#questions.delete(id)
    }
  }

  async deliver(data: string, serverEventId?: string): Promise<void> {
    for (const [id, resolve] of this.#questions) if (answers(data, id)) return resolve(data)
    if (this.#hasOneStream) return this.#feed.send(data, serverEventId)
    const { call, completed, isStray } = this.#calls.route(data)
    if (isStray) return
    const feed = call?.feed ?? (this.isHeard ? undefined : this.#calls.oldest?.feed) ?? this.#feed
    await feed.send(data)
    for (const { feed: answered } of completed) answered.end()
  }

  /** A call that ends without its answers is answered with errors by the stream it has. */
  async lost(requestIds?: readonly string[], because?: LostBecause): Promise<void> {
    const { streams, standing } = this.#options
    for (const { stream, feed } of this.#calls.clear()) {
      for (const id of because ? streams.owed.expected(stream) : []) await feed.send(lostAnswer(id, stream, because))
      feed.end()
    }
    const ids = requestIds ?? streams.owed.expected(standing.id)
    for (const [id, resolve] of this.#questions) if (!requestIds || requestIds.includes(JSON.stringify(id))) resolve(undefined)
    const theirs = ids.filter((id) => !this.#questions.has(String(JSON.parse(id))))
    for (const id of this.#hasOneStream ? theirs : []) await this.#feed.send(lostAnswer(id, standing.id, because))
  }

  /** A revocation aborts what is on its way; a client is told that, and not what the downstream seems to have done. */
  async #post(message: ClientMessage): Promise<Response> {
    message.operation?.asked()
    try {
      const answer = await this.farEnd.post(message)
      this.#end.signal.throwIfAborted()
      return answer
    } catch (error) {
      if (this.#end.signal.aborted) throw revoked()
      throw error
    }
  }

  get #hasOneStream(): boolean {
    return this.#options.session.bridge?.client === 'http-sse'
  }

  /** Nothing that comes for it later finds a way. */
  #withdraw({ messages }: ClientMessage): () => void {
    const ids = withdrawnBy(messages)
    for (const id of ids) this.#calls.withdraw(JSON.parse(id))
    const { id } = this.#options.session
    return withdraw(ids, ids.length > 0 ? this.#options.streams.owed.of(({ mcpSession }) => mcpSession === id) : [])
  }
}
