// Standing streams as the object sees them: the router carries them while a client listens, the object for a while when it left.
//
// One standing stream belongs to an MCP session for as long as that lives, over any number of connections. Each connection is an
// epoch: what an older one still brings is not stored, because the downstream sends it again to the newest, which asked from the
// last event that was. Epochs are stored: the object sleeps between two events of a stream the router carries.
import { randomId } from '../../platform/crypto.ts'
import type { CarriedEvent } from '../../session/streams/carrier.ts'
import type { Cursor } from '../../session/contract/event-id.ts'
import type { LoggedEvent, LoggedStream } from '../../session/store/event-log.ts'
import type { LogBounds } from '../../session/store/log-bounds.ts'
import type { McpSession } from '../../session/store/mcp-sessions.ts'
import type { SessionContext } from '../../session/session-context.ts'
import { isMessage } from '../sse/sse.ts'
import type { OwnedStreams } from './owned-streams.ts'

/** How long the object goes on with a standing stream whose client left, in milliseconds. */
const GRACE_MS = 60_000

/** How long the first call of a session waits for a GET to come, and a call for one that has come to go out; and how often it looks. */
const FIRST_GET_MS = 15
const OPENING_MS = 100
const STEP_MS = 4

export interface Opened {
  readonly stream: string
  readonly epoch: number
  readonly downstreamCursor: string | undefined
  readonly missed: readonly LoggedEvent[]
}

export class StandingStreams {
  readonly #context: Pick<SessionContext, 'leashes' | 'log' | 'now'>
  readonly #streams: OwnedStreams
  readonly #bounds: LogBounds
  // What the router was given to send; the rest is missed by a client that comes without a cursor.
  readonly #sentUpTo = new Map<string, number>()
  readonly #graces = new Map<string, ReturnType<typeof setTimeout>>()
  // Streams the object carries for as long as somebody listens.
  readonly #carried = new Set<string>()
  // By MCP session: the stream whose GET is on its way through the router, and when it will be taken to have left it.
  readonly #opening = new Map<string, { readonly stream: string; readonly untilMs: number }>()
  // Sessions in which something was called.
  readonly #calling = new WeakSet<McpSession>()
  // How many connections wait for an older one of their stream to let go.
  readonly #handovers = new Map<string, number>()

  constructor(context: Pick<SessionContext, 'leashes' | 'log' | 'now'>, streams: OwnedStreams, bounds: LogBounds) {
    this.#context = context
    this.#streams = streams
    this.#bounds = bounds
  }

  of({ id, grantId }: McpSession): LoggedStream {
    const known = this.#context.log.standingOf(id)
    if (known) return known
    const stream = { id: randomId(9), grantId, mcpSession: id, kind: 'standing', openRequests: [] } as const
    this.#context.log.open(stream, this.#context.now())
    return { ...stream, serverEventId: undefined, closed: false, trimmedTo: 0 }
  }

  /** Hands the stream to a new connection of the router: the newest wins, over the object as over another of the client's. */
  async open(standing: LoggedStream, cursor: Cursor | undefined): Promise<Opened> {
    const { id, mcpSession } = standing
    this.#opening.set(mcpSession, { stream: id, untilMs: Date.now() + OPENING_MS })
    this.#release(id)
    const epoch = this.#context.log.newEpoch(id)
    // What the older connection has read is stored before it lets go; only then it is out of date.
    this.#handovers.set(id, (this.#handovers.get(id) ?? 0) + 1)
    await this.#context.leashes.pullStream('superseded', id)
    this.#handovers.set(id, (this.#handovers.get(id) ?? 1) - 1)
    const from = cursor?.seq ?? this.#sentUpTo.get(id) ?? this.#context.log.last
    const missed = [...this.#context.log.after({ stream: id, seq: from }, Number.MAX_SAFE_INTEGER)]
    this.#sentUpTo.set(id, missed.at(-1)?.seq ?? from)
    return { stream: id, epoch, downstreamCursor: this.#context.log.find(id)?.serverEventId, missed }
  }

  /**
   * Resolves when the GET a client sends before its first call has gone out too, as far as can be told from here. The SDK's servers
   * lose what they ask in a call while no stream stands open, and a GET takes a way through the router that is two hops longer.
   */
  settled(session: McpSession): Promise<void> | undefined {
    const isSettled = this.#calling.has(session) && !this.#opening.has(session.id)
    return isSettled ? undefined : this.#settled(session)
  }

  async #settled(session: McpSession): Promise<void> {
    const { id } = session
    const { leashes, log } = this.#context
    if (!this.#opening.has(id) && !this.#calling.has(session) && !log.standingOf(id))
      await until(() => this.#opening.has(id), Date.now() + FIRST_GET_MS)
    this.#calling.add(session)
    const opening = this.#opening.get(id)
    if (!opening) return
    const { stream, untilMs } = opening
    // The leash is opened just before the GET goes out.
    await until(() => leashes.isOpen(stream), untilMs)
    await sleep(STEP_MS * 2)
    if (this.#opening.get(id) === opening) this.#opening.delete(id)
  }

  async append(stream: string, epoch: number, events: readonly CarriedEvent[]): Promise<readonly number[]> {
    const { log, now } = this.#context
    if (log.epochOf(stream) !== epoch && (this.#handovers.get(stream) ?? 0) === 0) return []
    const told = events.flatMap(({ serverEventId, event, data }) => (data === undefined ? [] : [{ serverEventId, event, data }]))
    const cursor = events.at(-1)
    if (cursor?.serverEventId !== undefined && cursor.data === undefined) log.noteServerEventId(stream, cursor.serverEventId)
    if (told.length === 0) return []
    const last = await log.append(stream, told, [], now())
    this.#sentUpTo.set(stream, last)
    if (log.isOver(this.#bounds)) log.trim(this.#bounds, now())
    const session = (): string => log.find(stream)?.mcpSession ?? ''
    for (const event of told) if (isMessage(event)) this.#streams.owed.settleElsewhere(event.data, session)
    return told.map((_, index) => last - told.length + 1 + index)
  }

  /** The object reads it itself, for as long as somebody listens and a while longer. */
  carry(standing: LoggedStream): void {
    const { id } = standing
    this.takeOver(standing)
    clearTimeout(this.#graces.get(id))
    this.#carried.add(id)
  }

  /** Nobody listens any more to what the object carries. */
  left(id: string): void {
    if (this.#carried.has(id)) this.#rests(id)
  }

  isHeard(mcpSession: string): boolean {
    const standing = this.#context.log.standingOf(mcpSession)
    return standing !== undefined && this.#streams.isHeard(standing.id)
  }

  /** Its client is gone: the object reads on, so that nothing is missed by one that comes back within the grace. */
  takeOver(standing: LoggedStream): void {
    const { id, openRequests, serverEventId, ...spec } = standing
    this.#context.log.newEpoch(id)
    this.#streams.goOn({ ...spec, id, requestIds: openRequests }, openRequests, serverEventId)
    this.#rests(id)
  }

  #rests(id: string): void {
    clearTimeout(this.#graces.get(id))
    const grace = setTimeout(() => {
      this.#context.log.rest(id)
      this.#release(id)
    }, GRACE_MS)
    this.#graces.set(id, grace)
  }

  #release(id: string): void {
    clearTimeout(this.#graces.get(id))
    this.#graces.delete(id)
    this.#carried.delete(id)
    this.#streams.release(id)
  }
}

async function until(isSo: () => boolean, untilMs: number): Promise<void> {
  while (!isSo() && Date.now() < untilMs) await sleep(STEP_MS)
}

async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}
