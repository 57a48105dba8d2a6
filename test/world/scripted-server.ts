// A legacy MCP server that does what a test tells it: sessions, a standing stream each, calls answered by hand, replay or none.
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { Feed } from './feed.ts'
import { startRawDownstream, type RawDownstream, type RawHandler } from './raw-downstream.ts'
import type { Recording } from './recording.ts'

export interface Behaviour {
  /** Events of streams begun from now on have ids, and a GET with one of them gets what followed. */
  resumable: boolean
  /** A second reader of a stream is answered 409 while the first is there, as the official SDK does. */
  exclusive: boolean
}

/** What is answered in place of what a well-made server would. */
export interface Manners {
  readonly unknownSession?: (res: ServerResponse) => void
  readonly initialize?: (res: ServerResponse) => void
  readonly ping?: (res: ServerResponse) => void
  readonly get?: (res: ServerResponse) => void
}

export interface ScriptedSession {
  readonly id: string
  readonly standing: Feed
  readonly initialize: Message
}

export interface Message {
  readonly jsonrpc: '2.0'
  readonly id?: string | number
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
}

export interface Call {
  readonly message: Message
  readonly headers: IncomingHttpHeaders
  /** Undefined for a call of 2026-07-28. */
  readonly session: ScriptedSession | undefined
  readonly res: ServerResponse
  /** Answers as JSON. */
  answer(result: unknown): void
  /** Answers as an event stream. */
  stream(): Feed
}

export type OnCall = (call: Call) => void | Promise<void>

/** Answers what is no request, in its own way. */
export type OnNotification = (message: Message, res: ServerResponse) => void

export class ScriptedServer {
  readonly sessions = new Map<string, ScriptedSession>()
  /** Sessions that were ended by DELETE. */
  readonly deleted: string[] = []
  readonly behaviour: Behaviour
  readonly #raw: RawDownstream
  readonly #feeds = new Map<string, Feed>()
  #onCall: OnCall = (call) => call.answer({ content: [] })
  #onNotification: OnNotification = (_message, res) => void res.writeHead(202).end()
  #count = 0
  #manners: Manners = {}

  private constructor(raw: RawDownstream, behaviour: Partial<Behaviour>) {
    this.#raw = raw
    this.behaviour = { resumable: false, exclusive: false, ...behaviour }
    raw.handleWith((req, body, res) => this.#handle(req, body, res))
  }

  static async start(behaviour: Partial<Behaviour> = {}): Promise<ScriptedServer> {
    return new ScriptedServer(await startRawDownstream(() => undefined), behaviour)
  }

  get url(): string {
    return this.#raw.url
  }

  get requests(): Recording {
    return this.#raw.requests
  }

  /** The session opened last. */
  get session(): ScriptedSession {
    const last = [...this.sessions.values()].at(-1)
    if (!last) throw new Error('no session is open')
    return last
  }

  behave(manners: Manners): void {
    this.#manners = manners
  }

  onCall(onCall: OnCall): void {
    this.#onCall = onCall
  }

  onNotification(onNotification: OnNotification): void {
    this.#onNotification = onNotification
  }

  /** The next call, which is answered as a stream. */
  nextStream(): Promise<{ readonly call: Call; readonly feed: Feed }> {
    const { promise, resolve } = Promise.withResolvers<{ readonly call: Call; readonly feed: Feed }>()
    this.onCall((call) => resolve({ call, feed: call.stream() }))
    return promise
  }

  /** As after a restart: nobody's session is known any more. */
  forgetSessions(): void {
    for (const { standing } of this.sessions.values()) standing.cut()
    this.sessions.clear()
    this.#feeds.clear()
  }

  /** As with a short memory: the sessions are there, but no event of theirs can be resumed from. */
  forgetEvents(): void {
    this.#feeds.clear()
  }

  async close(): Promise<void> {
    await this.#raw.close()
  }

  #handle: RawHandler = async ({ method, headers }, body, res) => {
    const sessionId = headers['mcp-session-id']?.toString()
    const session = sessionId === undefined ? undefined : this.sessions.get(sessionId)
    const { unknownSession, initialize, ping, get } = this.#manners
    if (sessionId !== undefined && !session)
      return unknownSession ? unknownSession(res) : refuse(res, 404, -32_001, 'Session not found')
    // As the official SDK does: on every answer.
    if (session) res.setHeader('mcp-session-id', session.id)
    if (method === 'GET' && get) return get(res)
    if (method === 'GET') return this.#get(res, session, headers['last-event-id']?.toString())
    if (method === 'DELETE') return this.#delete(res, session)
    const parsed: Message | readonly Message[] = JSON.parse(body.toString())
    const messages = [parsed].flat()
    const message = messages.find(({ id, method: asked }) => id !== undefined && asked !== undefined)
    const [first] = messages
    if (!message) return first && this.#onNotification(first, res)
    if (message.method === 'initialize') return initialize ? initialize(res) : this.#initialize(res, message)
    const call = this.#call(message, headers, session, res)
    if (message.method === 'ping') return ping ? ping(res) : call.answer({})
    return await this.#onCall(call)
  }

  #initialize(res: ServerResponse, message: Message): void {
    const id = `down-${(this.#count += 1)}`
    this.sessions.set(id, { id, standing: this.#feed(`standing${this.#count}`), initialize: message })
    const protocolVersion = message.params?.['protocolVersion']
    const result = { protocolVersion, capabilities: { tools: {}, logging: {} }, serverInfo: { name: 'scripted', version: '1' } }
    res.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': id })
    res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }))
  }

  #get(res: ServerResponse, session: ScriptedSession | undefined, lastEventId: string | undefined): void {
    if (!session) return refuse(res, 405, -32_000, 'no session, no stream')
    const [name = '', after] = lastEventId?.split('~') ?? []
    const feed = lastEventId === undefined ? session.standing : this.#feeds.get(name)
    if (!feed) return refuse(res, 400, -32_000, 'no such event')
    if (this.behaviour.exclusive && feed.isRead) return refuse(res, 409, -32_000, 'only one stream per session')
    feed.attach(res, after === undefined ? undefined : Number(after))
  }

  #delete(res: ServerResponse, session: ScriptedSession | undefined): void {
    if (!session) return refuse(res, 400, -32_000, 'no session')
    session.standing.end()
    this.sessions.delete(session.id)
    this.deleted.push(session.id)
    res.writeHead(200).end()
  }

  #call(message: Message, headers: IncomingHttpHeaders, session: ScriptedSession | undefined, res: ServerResponse): Call {
    return {
      message,
      headers,
      session,
      res,
      answer: (result) => {
        res.writeHead(200, { 'content-type': 'application/json' })
        res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }))
      },
      stream: () => {
        const feed = this.#feed(`call${(this.#count += 1)}`)
        feed.attach(res)
        return feed
      },
    }
  }

  #feed(name: string): Feed {
    const feed = new Feed(name, this.behaviour.resumable)
    this.#feeds.set(name, feed)
    return feed
  }
}

function refuse(res: ServerResponse, status: number, code: number, message: string): void {
  res.writeHead(status, { 'content-type': 'application/json' })
  res.end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }))
}
