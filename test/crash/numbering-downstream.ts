// A legacy downstream whose every event has a number, so that one that is lost, doubled or out of order shows by itself.
//
// A client whose name begins with `resumable` gets a session of the best kind of server there is: ids, a log of its own, replay
// per stream and per session. Everybody else gets the other kind: no ids, and a call dies with its connection.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { MODERN } from '../world/broker-client.ts'
import { startRawDownstream, type RawDownstream } from '../world/raw-downstream.ts'
import { Chance } from './chance.ts'
import { NumberedStream } from './numbered-stream.ts'

const messageSchema = z.object({
  id: z.union([z.string(), z.number()]).optional(),
  method: z.string().optional(),
  params: z
    .object({
      protocolVersion: z.string().optional(),
      clientInfo: z.object({ name: z.string() }).optional(),
      arguments: z.object({ to: z.number() }).optional(),
    })
    .optional(),
})
type Message = z.output<typeof messageSchema>

interface Session {
  readonly name: string
  readonly resumable: boolean
  readonly standing: NumberedStream
  readonly streams: Map<string, NumberedStream>
}

export interface NumberingOptions {
  readonly seed: number
  /** Milliseconds between two events of a stream. */
  readonly pause?: readonly [least: number, most: number]
  /** How long the reader of a standing stream may have to wait for its first id, in milliseconds. */
  readonly primesWithin?: number
}

export class NumberingDownstream {
  readonly #chance: Chance
  readonly #pause: readonly [number, number]
  readonly #primesWithin: number | undefined
  readonly #raw: RawDownstream
  readonly #sessions = new Map<string, Session>()
  #count = 0

  private constructor(raw: RawDownstream, { seed, pause = [20, 50], primesWithin }: NumberingOptions) {
    this.#raw = raw
    this.#chance = new Chance(seed)
    this.#pause = pause
    this.#primesWithin = primesWithin
    raw.handleWith((req, body, res) => this.#handle(req, body, res))
  }

  static async start(options: NumberingOptions): Promise<NumberingDownstream> {
    return new NumberingDownstream(await startRawDownstream(() => undefined), options)
  }

  get url(): string {
    return this.#raw.url
  }

  get requests(): RawDownstream['requests'] {
    return this.#raw.requests
  }

  /** The standing stream of the session a client opened under this name falls silent; answers the last number it said. */
  quieten(clientName: string): number {
    const session = [...this.#sessions.values()].find(({ name }) => name === clientName)
    if (!session) throw new Error(`no session of ${clientName}`)
    session.standing.stop()
    return session.standing.number
  }

  async close(): Promise<void> {
    for (const { streams } of this.#sessions.values()) for (const stream of streams.values()) stream.stop()
    await this.#raw.close()
  }

  #handle({ method, headers }: IncomingMessage, body: Buffer, res: ServerResponse): void {
    const sessionId = headers['mcp-session-id']?.toString() ?? ''
    const session = this.#sessions.get(sessionId)
    const message: Message = method === 'POST' ? messageSchema.parse(JSON.parse(body.toString())) : {}
    if (message.method === 'initialize') return this.#initialize(message, res)
    if (headers['mcp-protocol-version'] === MODERN) return this.#answerModern(message, res)
    if (!session) return refuse(res, 404, 'Session not found')
    if (method === 'GET') return get(session, headers['last-event-id']?.toString(), res)
    if (method === 'DELETE') return this.#delete(sessionId, session, res)
    if (message.id === undefined) return void res.writeHead(202).end()
    this.#stream(session, { id: message.id, to: message.params?.arguments?.to ?? 10 }).attach(res)
  }

  #initialize({ id, params }: Message, res: ServerResponse): void {
    const sessionId = `session-${(this.#count += 1)}`
    const name = params?.clientInfo?.name ?? ''
    const resumable = name.startsWith('resumable')
    const streams = new Map<string, NumberedStream>()
    const pace = { chance: this.#chance, pause: this.#pause, primesWithin: this.#primesWithin }
    const standing = new NumberedStream({ ...pace, name: sessionId, resumable })
    streams.set(sessionId, standing)
    this.#sessions.set(sessionId, { name, resumable, standing, streams })
    const serverInfo = { name: 'numbering', version: '1.0.0' }
    const result = { protocolVersion: params?.protocolVersion, capabilities: { logging: {}, tools: {} }, serverInfo }
    res.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': sessionId })
    res.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
  }

  /** Without sessions and replay; a subscription has no end. */
  #answerModern({ id, method, params }: Message, res: ServerResponse): void {
    const name = `modern-${(this.#count += 1)}`
    const call = method === 'subscriptions/listen' ? {} : { id, to: params?.arguments?.to ?? 10 }
    const stream = new NumberedStream({ ...call, name, resumable: false, chance: this.#chance, pause: this.#pause })
    stream.attach(res)
  }

  #stream({ resumable, streams }: Session, asked: { readonly id: unknown; readonly to: number }): NumberedStream {
    const name = `call-${(this.#count += 1)}`
    const stream = new NumberedStream({ ...asked, name, resumable, chance: this.#chance, pause: this.#pause })
    streams.set(name, stream)
    return stream
  }

  #delete(sessionId: string, { streams }: Session, res: ServerResponse): void {
    for (const stream of streams.values()) stream.stop()
    this.#sessions.delete(sessionId)
    res.writeHead(200).end()
  }
}

/** As strict as the official SDK: one reader per stream, and nobody else's events. */
function get({ resumable, standing, streams }: Session, lastEventId: string | undefined, res: ServerResponse): void {
  if (!resumable) return refuse(res, 405, 'no standing stream, no replay')
  const [name = '', number] = lastEventId?.split(':') ?? []
  const stream = lastEventId === undefined ? standing : streams.get(name)
  if (!stream) return refuse(res, 400, 'no such event')
  if (stream.isRead) return refuse(res, 409, 'the stream has a reader')
  stream.attach(res, number === undefined ? undefined : Number(number))
}

function refuse(res: ServerResponse, status: number, message: string): void {
  res.writeHead(status, { 'content-type': 'application/json' })
  res.end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32_000, message } }))
}
