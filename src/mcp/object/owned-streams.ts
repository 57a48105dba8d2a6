// Owned streams: the object reads the downstream's events into the log, whoever listens, until every request is answered.
//
// The pump of a stream runs on when its client leaves, and goes on after a restart: where the downstream gave ids it asks again
// from the last one, elsewhere each request that was lost is answered with an error. Silence is never an answer (ARCHITECTURE.md, law 6).
import { inTurns } from '../../platform/in-turns.ts'
import { log } from '../../platform/telemetry.ts'
import type { Cursor } from '../../session/contract/event-id.ts'
import type { NewEvent } from '../../session/store/event-log.ts'
import type { CloseReason } from '../../session/contract/leash-terms.ts'
import type { McpSession } from '../../session/store/mcp-sessions.ts'
import type { StreamTraffic } from '../../session/contract/stream-traffic.ts'
import { breakageOf } from '../sse/relay.ts'
import { editedEvents } from '../tools/filter-body.ts'
import type { OpenRequests } from '../message/open-requests.ts'
import { interrupted, McpRefusal } from '../message/refusal.ts'
import { SseEventTooLarge } from '../sse/sse.ts'
import { OwedAnswers } from './owed-answers.ts'
import { incoming } from './incoming.ts'
import { Intake } from './owned-body.ts'
import { LogReader } from './log-reader.ts'
import { isOfModern } from './modern-downstream/modern-downstreams.ts'
import { isBareJson } from './lost-answer.ts'
import { rest } from './pause.ts'
import {
  resumedAnswer,
  beginning,
  detailOf,
  loseSession,
  lostAnswers,
  over,
  owesNothing,
  RETRY_MS,
  type OwnedStream,
  type OwnedStreamsOptions,
  type Owner,
  type StreamSpec,
} from './owned-stream.ts'

/** Attempts in a row that brought no event; the downstream is then taken not to resume. */
const ATTEMPTS = 5

export class OwnedStreams {
  readonly #options: OwnedStreamsOptions
  readonly #live = new Map<string, OwnedStream>()
  // Also of streams whose end is in the log but not yet with the client: a revocation ends those readers too.
  readonly #readers = new Map<LogReader, Owner>()
  readonly owed: OwedAnswers

  constructor(options: OwnedStreamsOptions) {
    this.#options = options
    const drop = (live: OwnedStream): void => this.#owesNothing(live)
    this.owed = new OwedAnswers({ live: this.#live, log: options.log, drop })
  }

  get size(): number {
    return this.owed.streams.length
  }

  open(): readonly ReturnType<typeof detailOf>[] {
    return this.owed.streams.map(detailOf)
  }

  /** How far the stream is, what its client has still to take included. */
  traffic(id: string): StreamTraffic | undefined {
    const live = this.#live.get(id)
    return live && { ...live.meter.traffic, waiting: this.#options.log.bytesAfter({ stream: id, seq: this.sentUpTo(id) }) }
  }

  /** Starts to read an answer of the downstream into the log; the stream's row must not exist yet. `pending` says what was withdrawn before. */
  begin(spec: StreamSpec, body: ReadableStream<Uint8Array>, abort: AbortController, pending?: OpenRequests): void {
    const { log: events, now } = this.#options
    const live = this.#admit(spec, spec.requestIds, undefined, 0, abort)
    if (pending) live.open.withdrawLike(pending)
    events.open({ ...spec, openRequests: live.open.spelled }, now())
    this.#run(live, body)
  }

  /** Reads into a stream whose row exists, from a body that takes the place of a downstream. */
  take(spec: StreamSpec, body: ReadableStream<Uint8Array>, abort: AbortController): void {
    this.#run(this.#admit(spec, spec.requestIds, undefined, this.#options.log.last, abort), body)
  }

  isHeard(id: string): boolean {
    return this.#live.get(id)?.reader !== undefined
  }

  /** Where a client goes on that does not say where it was. */
  sentUpTo(id: string): number {
    const live = this.#live.get(id)
    return live?.reader?.sentUpTo ?? live?.sentUpTo ?? this.#options.log.last
  }

  /** Goes on with a stream that was begun in an earlier life, or that the router carried until its client left. */
  goOn(spec: StreamSpec, openRequests: readonly string[], serverEventId: string | undefined): void {
    if (this.#live.has(spec.id)) return
    const { openedAt, ...progress } = this.#options.log.progressOf(spec.id)
    const live = this.#admit(spec, openRequests, serverEventId, this.#options.log.last, new AbortController(), openedAt)
    live.meter.resume(progress)
    this.#run(live, undefined)
  }

  /** The client's end, from the cursor on. A reader that is still there ends as `superseded`: the newest connection wins. */
  attach(cursor: Cursor, primes: boolean, first: readonly Uint8Array[] = []): ReadableStream<Uint8Array> {
    const live = this.#live.get(cursor.stream)
    const { log: events, keepAliveMs } = this.#options
    live?.reader?.close('superseded')
    live?.wake?.abort()
    const reader: LogReader = new LogReader(events, cursor, live ? live.safeUpTo : Number.MAX_SAFE_INTEGER, {
      keepAliveMs,
      retryMs: live?.retryMs ?? RETRY_MS,
      primes,
      first,
      left: () => {
        if (live?.reader !== reader) return
        live.sentUpTo = reader.sentUpTo
        live.reader = undefined
        this.#options.left(live.spec)
      },
      over: () => this.#readers.delete(reader),
    })
    const owner = live?.spec ?? events.find(cursor.stream)
    if (owner) this.#readers.set(reader, owner)
    if (live) live.reader = reader
    else reader.finish()
    return reader.body
  }

  /** Ends all that a grant, or everybody, has: the clients are told why, in turns, before the first of the downstream requests is aborted. */
  async endAll(reason: CloseReason, which: (owner: Owner) => boolean): Promise<number> {
    const ending = [...this.#live.values()].filter(({ spec }) => which(spec))
    const readers = [...this.#readers].filter(([, owner]) => which(owner))
    await inTurns(readers, ([reader]) => reader.close(reason))
    await inTurns(ending, (live) => {
      live.reader?.close(reason)
      this.#drop(live, reason)
    })
    return ending.length
  }

  /** Ends streams at once: the downstream request is aborted and the client told why before this returns. */
  end(reason: CloseReason, which: (owner: Owner) => boolean): number {
    const ending = [...this.#live.values()].filter(({ spec }) => which(spec))
    this.closeReaders(reason, which)
    for (const live of ending) this.#drop(live, reason)
    return ending.length
  }

  /** Clients hear why; the streams themselves go on. */
  closeReaders(reason: CloseReason, which: (owner: Owner) => boolean = () => true): void {
    for (const [reader, owner] of this.#readers) if (which(owner)) reader.close(reason)
  }

  /** The downstream has lost the session these calls were made in: what they still owe is answered with an error, now. */
  lose(old: McpSession): void {
    for (const live of this.#live.values()) if (live.spec.kind === 'call') loseSession(live, old)
  }

  /** Stops reading without ending the stream: the router carries it from here. */
  release(id: string): void {
    const live = this.#live.get(id)
    this.#live.delete(id)
    live?.abort.abort('superseded')
    live?.reader?.close('superseded')
  }

  #admit(
    spec: StreamSpec,
    open: readonly string[],
    serverEventId: string | undefined,
    safeUpTo: number,
    abort: AbortController,
    openedAt = this.#options.now(),
  ): OwnedStream {
    const live = beginning({ spec, open, serverEventId, safeUpTo, abort, openedAt })
    this.#live.set(spec.id, live)
    return live
  }

  #run(live: OwnedStream, body: ReadableStream<Uint8Array> | undefined): void {
    this.#options.waitUntil(this.#carry(live, body).catch((error: unknown) => this.#broken(live, error)))
  }

  async #carry(live: OwnedStream, first: ReadableStream<Uint8Array> | undefined): Promise<void> {
    if (first && (await this.#pump(live, first))) this.#endForPolling(live)
    for (let attempt = first ? 1 : 0; attempt <= ATTEMPTS && this.#wants(live); attempt += 1) {
      if (live.spec.kind === 'call' && live.serverEventId === undefined) break
      // What a client that came back had asked for is no attempt of our own.
      if (attempt > 0 && (await rest(live, live.retryMs * attempt))) attempt -= 1
      const answer = this.#wants(live) ? await resumedAnswer(live, this.#options.resume) : undefined
      if (answer === undefined) continue
      if (!answer.body) break
      const before = live.serverEventId
      // A person may be asked something meanwhile; who does that ends it in time.
      const mayBeSilent = live.spec.kind !== 'call' || isOfModern(live.spec.downstreamId)
      const hasEnded = await this.#pump(live, answer.body, mayBeSilent ? undefined : this.#options.resumedWithinMs)
      if (live.lostBecause === 'silent') break
      if (hasEnded) this.#endForPolling(live)
      if (live.serverEventId !== before) attempt = 0
    }
    await this.#settle(live)
  }

  #wants(live: OwnedStream): boolean {
    return this.#live.get(live.spec.id) === live && !live.abort.signal.aborted && !owesNothing(live)
  }

  /** A downstream that closes before it has answered wants to be asked again later; so may our client, if it knows how. */
  #endForPolling(live: OwnedStream): void {
    if (live.spec.kind === 'call' && live.serverEventId !== undefined && this.#wants(live) && live.reader?.poll())
      live.reader = undefined
  }

  /** Reads until the downstream ends (true) or breaks off (false); what follows is decided by `#carry`. */
  async #pump(live: OwnedStream, body: ReadableStream<Uint8Array>, silenceMs?: number): Promise<boolean> {
    const events = this.#options.reader(live.spec)
    const edit = this.#options.edit(live.spec)
    const intake = new Intake(live, body.getReader(), silenceMs)
    let bytes = 0
    try {
      for (;;) {
        const next = await intake.next()
        // What another connection reads from here on is not ours to note down.
        if (live.abort.signal.aborted) return true
        if (next === undefined || next.done) return over(live, next !== undefined)
        if (live.lostBecause === undefined) live.lostBecause = isBareJson(next.value) ? 'no_events' : 'connection'
        bytes += next.value.length
        const { complete, tooLarge } = events.take(next.value)
        const { before, fresh, serverEventId, others } = incoming(live, edit ? editedEvents(complete, edit) : complete)
        if (before !== undefined) this.#options.log.noteServerEventId(live.spec.id, before)
        if (fresh.length > 0) {
          live.meter.passed(fresh.length, bytes)
          bytes = 0
          await this.#store(live, fresh)
        }
        for (const data of others) this.owed.settleElsewhere(data, () => live.spec.mcpSession)
        if (serverEventId !== undefined) this.#options.log.noteServerEventId(live.spec.id, serverEventId)
        if (tooLarge) throw tooLarge
        intake.took(complete)
      }
    } finally {
      events.close()
      intake.close()
    }
  }

  async #store(live: OwnedStream, fresh: readonly NewEvent[]): Promise<void> {
    const { log: events, bounds, now } = this.#options
    const last = await events.append(live.spec.id, fresh, live.open.spelled, now())
    live.safeUpTo = last
    live.reader?.advance(last, fresh)
    if (events.isOver(bounds)) events.trim(bounds, now())
  }

  async #broken(live: OwnedStream, error: unknown): Promise<void> {
    const code = breakageOf(error)
    log('error', 'stream.broken', { stream: live.spec.id, code, reason: error instanceof Error ? error.message : undefined })
    live.abort.abort(code)
    if (!(error instanceof SseEventTooLarge)) return this.#suspend(live)
    live.lostBecause = error
    await this.#settle(live).catch(() => this.#suspend(live))
  }

  /** Storage is away, and what can't be stored is not sent: the client comes again, and the stream goes on from what is stored. */
  #suspend(live: OwnedStream): void {
    if (this.#live.get(live.spec.id) !== live) return
    this.#live.delete(live.spec.id)
    live.reader?.close('shutting_down')
  }

  #owesNothing(live: OwnedStream): void {
    if (this.#live.get(live.spec.id) !== live) return
    this.#drop(live, 'withdrawn')
    live.reader?.finish()
  }

  #drop(live: OwnedStream, reason: string): void {
    this.#live.delete(live.spec.id)
    const isLeft = reason === 'withdrawn' || reason === 'session_expired'
    live.spec.operation?.failed(isLeft ? new McpRefusal('client_left', reason) : interrupted(reason))
    live.abort.abort(reason)
    // Last: storage that is away keeps nothing open.
    this.#options.log.close(live.spec.id)
  }

  /** The downstream has said all it will say; what it left unanswered is answered here. */
  async #settle(live: OwnedStream): Promise<void> {
    const { spec, open } = live
    if (this.#live.get(spec.id) !== live) return
    if (spec.kind === 'call' && !open.areAnswered) {
      const lost = lostAnswers(live)
      log('warn', 'stream.requests_lost', { stream: spec.id, requests: lost.length })
      await this.#store(live, lost)
    }
    this.#live.delete(spec.id)
    if (spec.kind === 'call') this.#options.log.close(spec.id)
    live.reader?.finish()
  }
}
