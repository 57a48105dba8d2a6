// Leashes: hibernating WebSockets by which this object can end a stream that the router Worker carries.
//
// The router opens one leash per stream and keeps it as long as the stream. A pull is a message with the reason, by which the router
// says it to its client and passes nothing more on, and then a close, by which it lets go of the downstream. It closes too, and that is
// the acknowledgement a revocation waits for. How far a stream is the router counts, and tells when somebody looks: a stream nobody looks at wakes nobody.
// Nothing is stored: the platform keeps sockets and attachments while the object sleeps.
import { LifecycleCapability, type CapabilityWebSocketUpgradeContext } from 'agents/lifecycle'
import { inTurns } from '../../platform/in-turns.ts'
import {
  CLIENT_LEFT,
  TRAFFIC_QUERY,
  LEASH_HEADER,
  leashedStream,
  STREAM_ENDED,
  type CloseReason,
  type LeashedStream,
} from '../contract/leash-terms.ts'
import { closedAt, closingOf, type Closing } from '../contract/receipt.ts'
import { streamTraffic, type StreamTraffic } from '../contract/stream-traffic.ts'

/** How long a pull waits for the router to confirm, in milliseconds. */
const ACKNOWLEDGE_WITHIN_MS = 2_000
/** How long whoever looks waits for the counts; a stream whose router says nothing is shown without them. */
const COUNT_WITHIN_MS = 500

export interface LeashOptions {
  readonly grantIsLive: (grantId: string) => boolean
  /** Whether the identity provider has said lately enough that the person has access. */
  readonly isConfirmed: () => boolean
  readonly mayOpen: (grantId: string) => boolean
  /** Whether no newer connection to the same standing stream has come meanwhile. */
  readonly isNewest: (stream: LeashedStream) => boolean
  /** A stream was opened or has ended. */
  readonly changed: () => void
  /** A standing stream lost its client; nobody ended it. */
  readonly standingLeft: (streamId: string) => void
}

/** What came of ending leashed streams. */
export interface Pulled {
  readonly streams: number
  /** Of them those whose router did not say so: their connection was closed. */
  readonly unanswered: number
  readonly closing: Closing | undefined
}

export class Leashes extends LifecycleCapability {
  readonly #options: LeashOptions
  readonly #pulls = new Map<WebSocket, PromiseWithResolvers<Closing>>()
  readonly #counts = new Map<WebSocket, PromiseWithResolvers<StreamTraffic | undefined>>()

  constructor(options: LeashOptions) {
    super('leashes')
    this.#options = options
  }

  onWebSocketUpgrade({ request }: CapabilityWebSocketUpgradeContext): Response | undefined {
    const header = request.headers.get(LEASH_HEADER)
    if (header === null) return undefined
    const stream = leashedStream.parse(JSON.parse(header))
    // Admission and leash are two calls: a revocation may have come between them.
    if (!this.#options.grantIsLive(stream.grantId)) return new Response(null, { status: 410 })
    if (!this.#options.isConfirmed()) return new Response(null, { status: 503 })
    if (!this.#options.isNewest(stream)) return new Response(null, { status: 409 })
    if (!this.#options.mayOpen(stream.grantId)) return new Response(null, { status: 429 })
    const { 0: theirs, 1: ours } = new WebSocketPair()
    this.lifecycle.sockets.accept(ours, ['leash', `grant:${stream.grantId}`, `stream:${stream.streamId}`])
    ours.serializeAttachment(stream)
    this.#options.changed()
    return new Response(null, { status: 101, webSocket: theirs })
  }

  onWebSocketMessage(ws: WebSocket, message: string | ArrayBuffer): boolean {
    this.#counts.get(ws)?.resolve(typeof message === 'string' ? trafficIn(message) : undefined)
    return this.#stream(ws) !== undefined
  }

  onWebSocketClose(ws: WebSocket, code: number): boolean {
    return this.#gone(ws, code)
  }

  onWebSocketError(ws: WebSocket): boolean {
    return this.#gone(ws, CLIENT_LEFT)
  }

  open(): readonly LeashedStream[] {
    return this.lifecycle.sockets.get('leash').flatMap((ws) => this.#stream(ws) ?? [])
  }

  /** How far each open stream is, by its id, as far as the routers say so in time. */
  async traffic(): Promise<ReadonlyMap<string, StreamTraffic>> {
    const counted = this.lifecycle.sockets.get('leash').map(async (ws) => {
      const [id, traffic] = [this.#stream(ws)?.streamId, await this.#count(ws)]
      return id === undefined || traffic === undefined ? [] : [[id, traffic] as const]
    })
    return new Map((await Promise.all(counted)).flat())
  }

  get count(): number {
    return this.lifecycle.sockets.get('leash').length
  }

  isOpen(streamId: string): boolean {
    return this.lifecycle.sockets.get(`stream:${streamId}`).length > 0
  }

  /** Ends every leashed stream of the grant, or of the person. Resolves when each has been acknowledged or dropped. */
  pull(reason: CloseReason, grantId?: string): Promise<Pulled> {
    return this.#pullAll(grantId === undefined ? 'leash' : `grant:${grantId}`, reason)
  }

  pullStream(reason: CloseReason, streamId: string): Promise<Pulled> {
    return this.#pullAll(`stream:${streamId}`, reason)
  }

  /** Whoever asks at the same time gets the same answer. */
  #count(ws: WebSocket): Promise<StreamTraffic | undefined> {
    const known = this.#counts.get(ws)
    if (known) return known.promise
    const asked = Promise.withResolvers<StreamTraffic | undefined>()
    this.#counts.set(ws, asked)
    const timer = setTimeout(() => asked.resolve(undefined), COUNT_WITHIN_MS)
    try {
      ws.send(TRAFFIC_QUERY)
    } catch {
      asked.resolve(undefined)
    }
    return asked.promise.finally(() => {
      clearTimeout(timer)
      this.#counts.delete(ws)
    })
  }

  /** Resolves when nothing is being pulled any more. */
  async pulled(): Promise<void> {
    await Promise.all([...this.#pulls.values()].map(({ promise }) => promise))
  }

  async #pullAll(tag: string, reason: CloseReason): Promise<Pulled> {
    const sockets = this.lifecycle.sockets.get(tag)
    // Single-flight: concurrent pulls share one acknowledgement.
    const fresh = sockets.filter((ws) => !this.#pulls.has(ws))
    const closings = Promise.all(sockets.map((ws) => this.#acknowledged(ws)))
    await this.#say(fresh, (ws) => ws.send(reason))
    await this.#say(fresh, (ws) => ws.close(1000, reason))
    const timer = setTimeout(() => fresh.forEach((ws) => this.#pullIsOver(ws, false)), ACKNOWLEDGE_WITHIN_MS)
    const all = await closings
    clearTimeout(timer)
    const unanswered = all.filter(({ couldActUntil }) => couldActUntil !== undefined).length
    return { streams: sockets.length, unanswered, closing: closingOf(all) }
  }

  #acknowledged(ws: WebSocket): Promise<Closing> {
    const pull = this.#pulls.get(ws) ?? Promise.withResolvers()
    this.#pulls.set(ws, pull)
    return pull.promise
  }

  async #say(sockets: readonly WebSocket[], say: (ws: WebSocket) => void): Promise<void> {
    await inTurns(sockets, (ws) => {
      if (!this.#pulls.has(ws)) return
      try {
        say(ws)
      } catch {
        // The socket is gone, and with it the router's side of the stream; unless it was closed here alone, by a pull that nobody acknowledged.
        if (ws.readyState !== WebSocket.CLOSING) this.#pullIsOver(ws, true)
      }
    })
  }

  #pullIsOver(ws: WebSocket, isAnswered: boolean): void {
    const at = Date.now()
    this.#pulls.get(ws)?.resolve({ ...closedAt(at), ...(!isAnswered && { couldActUntil: at }) })
    this.#pulls.delete(ws)
  }

  #gone(ws: WebSocket, code: number): boolean {
    const isPulled = this.#pulls.has(ws)
    const stream = isPulled ? undefined : this.#stream(ws)
    if (!isPulled && !stream) return false
    this.#options.changed()
    this.#counts.get(ws)?.resolve(undefined)
    if (isPulled) this.#pullIsOver(ws, true)
    else if (stream?.kind === 'standing' && code !== STREAM_ENDED) this.#options.standingLeft(stream.streamId)
    return true
  }

  #stream(ws: WebSocket): LeashedStream | undefined {
    const parsed = leashedStream.safeParse(ws.deserializeAttachment())
    return parsed.success ? parsed.data : undefined
  }
}

function trafficIn(message: string): StreamTraffic | undefined {
  try {
    return streamTraffic.safeParse(JSON.parse(message)).data
  } catch {
    return undefined
  }
}
