// Streams of security events: what is agreed with each transmitter, whether it still works, and polling of those that are polled.
//
// Layout: one row per provider. Lifetime: until it is set up anew. Trade-off: a stream that is polled wakes this object every 30 seconds, as
// the interoperability profile wants; one that is pushed wakes it once a day, to ask whether it still works.
import { LifecycleCapability, type LifecycleJobOutcome } from 'agents/lifecycle'
import { randomId } from '../platform/crypto.ts'
import { describeError, log } from '../platform/telemetry.ts'
import type { Signal, SignalOutcome } from '../session/contract/signal.ts'
import type { PollAnswers, SignalStream, StreamEvent, StreamSender } from '../session/contract/signal-stream.ts'

export interface StreamOptions {
  /** By the names of the providers whose transmitter the settings name. */
  readonly senders: () => Promise<ReadonlyMap<string, StreamSender>>
  readonly take: (signal: Signal) => Promise<SignalOutcome>
  /** Unix seconds. */
  readonly now: () => number
}

export interface StreamState extends SignalStream {
  readonly setUpAt: number
  /** As the transmitter last said. */
  readonly status: string
  /** When it was last asked for a verification, and when one last came. */
  readonly askedAt: number | undefined
  readonly verifiedAt: number | undefined
  /** When it was last polled with success. */
  readonly polledAt: number | undefined
  /** What went wrong last; undefined when nothing has since. */
  readonly problem: string | undefined
}

/** Seconds. */
const POLL_EVERY = 30
const VERIFY_EVERY = 86_400
/** So often in a row a transmitter may say that there is more; what is left waits for the next time. */
const MOST_ROUNDS = 20
const LONGEST_PROBLEM = 300

export class SignalStreams extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  readonly #options: StreamOptions

  constructor(storage: DurableObjectStorage, options: StreamOptions) {
    super('signal-streams')
    this.#storage = storage
    this.#options = options
  }

  override onStart(): void {
    this.#storage.sql.exec(`CREATE TABLE IF NOT EXISTS signal_streams (
      provider TEXT PRIMARY KEY, stream TEXT NOT NULL, set_up_at INTEGER NOT NULL, status TEXT NOT NULL, state TEXT, asked_at INTEGER,
      verified_at INTEGER, polled_at INTEGER, problem TEXT) WITHOUT ROWID`)
  }

  find(provider: string): StreamState | undefined {
    const [row] = this.#storage.sql.exec<Row>('SELECT * FROM signal_streams WHERE provider = ?', provider)
    return row && fromRow(row)
  }

  all(): readonly StreamState[] {
    return [...this.#storage.sql.exec<Row>('SELECT * FROM signal_streams ORDER BY provider')].map(fromRow)
  }

  /** Agrees on a stream and asks for its verification. Rejects with a sentence for the operator. */
  async setUp(provider: string, token?: string): Promise<StreamState> {
    const sender = await this.#sender(provider)
    const stream = await sender.setUp(token)
    this.#storage.sql.exec(
      `INSERT OR REPLACE INTO signal_streams (provider, stream, set_up_at, status) VALUES (?, ?, ?, 'enabled')`,
      provider,
      JSON.stringify(stream),
      this.#options.now(),
    )
    await this.verify(provider, token)
    return this.find(provider) ?? absent(provider)
  }

  /** Asks the transmitter to send a verification; it comes like any event. */
  async verify(provider: string, token?: string): Promise<StreamState> {
    const stream = this.find(provider) ?? absent(provider)
    const state = randomId(16)
    // Before it is asked: the event may be here before the answer is.
    this.#set(provider, 'state = ?, asked_at = ?', state, this.#options.now())
    try {
      await (await this.#sender(provider)).requestVerification(stream, state, token)
    } catch (error) {
      this.#set(provider, 'problem = ?', describeError(error).slice(0, LONGEST_PROBLEM))
      throw error
    } finally {
      await this.lifecycle.jobs.push({ id: 'signal-streams', fn: 'look after', time: this.#nextTime() })
    }
    if (stream.delivery === 'poll') await this.#poll(stream)
    return this.find(provider) ?? absent(provider)
  }

  /** What an event says about the stream itself. False for a verification nobody has asked for. */
  hear(provider: string, event: Extract<StreamEvent, { kind: 'verification' | 'status' }>): boolean {
    const { sql } = this.#storage
    if (event.kind === 'status') {
      log(event.status === 'enabled' ? 'info' : 'warn', 'signal.stream_updated', { provider, status: event.status })
      this.#set(provider, 'status = ?', event.status)
      return true
    }
    // A transmitter may send one by itself, without a state (SSF section 8.1.4); one with a state was asked for.
    const verified = sql.exec(
      'UPDATE signal_streams SET verified_at = ?1, problem = NULL, state = NULL WHERE provider = ?2 AND (state = ?3 OR ?3 IS NULL) RETURNING provider',
      this.#options.now(),
      provider,
      event.state ?? null,
    )
    return verified.toArray().length > 0
  }

  async onJob(): Promise<LifecycleJobOutcome> {
    const now = this.#options.now()
    const senders = await this.#options.senders()
    for (const stream of this.all()) {
      if (!senders.has(stream.provider)) continue
      const isDue = now - (stream.askedAt ?? 0) >= VERIFY_EVERY
      // Looked after apart from each other: one that is away keeps no other waiting.
      if (isDue) await this.verify(stream.provider).catch((error: unknown) => this.#failed(stream.provider, error))
      else if (stream.delivery === 'poll') await this.#poll(stream)
    }
    return this.all().length === 0 ? undefined : { rescheduleAt: this.#nextTime() }
  }

  /** An unexpected error must not end the job: the streams are looked after again in a while. */
  onJobError(_: unknown, error: unknown): LifecycleJobOutcome {
    log('error', 'signal.stumbled', { reason: describeError(error) })
    return { rescheduleAt: Date.now() + POLL_EVERY * 1000 }
  }

  #nextTime(): number {
    const streams = this.all()
    const verified = Math.min(...streams.map(({ askedAt }) => (askedAt ?? 0) + VERIFY_EVERY))
    const now = this.#options.now()
    const isPolled = streams.some(({ delivery }) => delivery === 'poll')
    return Math.max(isPolled ? Math.min(verified, now + POLL_EVERY) : verified, now + 1) * 1000
  }

  /** What is not acknowledged comes again: nothing is, before all that it ended is closed. */
  async #poll(stream: StreamState): Promise<void> {
    const { provider } = stream
    try {
      const sender = await this.#sender(provider)
      let answers: PollAnswers = { ack: [], setErrs: {} }
      for (let round = 0; round < MOST_ROUNDS; round += 1) {
        const { sets, more } = await sender.poll(stream, answers)
        const taken = await Promise.all(Object.entries(sets).map(([jti, token]) => this.#take(sender, stream, jti, token)))
        answers = {
          ack: taken.flatMap(({ jti, is }) => (is === 'taken' ? [jti] : [])),
          setErrs: Object.fromEntries(taken.flatMap(({ jti, is }) => (typeof is === 'object' ? [[jti, is]] : []))),
        }
        const isAnswered = answers.ack.length + Object.keys(answers.setErrs).length > 0
        if (!isAnswered && !more) break
        // None of these could be taken now, and there would be no end to asking for them.
        if (!isAnswered && taken.length > 0) break
      }
      this.#set(provider, 'polled_at = ?, problem = NULL', this.#options.now())
    } catch (error) {
      this.#failed(provider, error)
    }
  }

  async #take(sender: StreamSender, stream: StreamState, jti: string, token: string): Promise<Taken> {
    const event = await sender.read(stream, token, Date.now())
    if (event.kind === 'unknowable') return { jti, is: 'later' }
    if (event.kind === 'refused') {
      log('warn', 'signal.refused', { door: 'shared-signals', provider: stream.provider, fault: event.err, reason: event.why })
      return { jti, is: { err: event.err, description: event.why } }
    }
    if (event.kind !== 'signal') {
      if (event.kind !== 'nothing') this.hear(stream.provider, event)
      return { jti, is: 'taken' }
    }
    const { outcome } = await this.#options.take(event.signal)
    log('info', 'signal.taken', { door: 'shared-signals', provider: stream.provider, event: event.signal.event, jti, outcome })
    return { jti, is: outcome === 'unfinished' || outcome === 'crowded' ? 'later' : 'taken' }
  }

  #failed(provider: string, error: unknown): void {
    const problem = describeError(error).slice(0, LONGEST_PROBLEM)
    log('warn', 'signal.stream_failed', { provider, reason: problem })
    this.#set(provider, 'problem = ?', problem)
  }

  #set(provider: string, what: string, ...values: readonly (string | number)[]): void {
    this.#storage.sql.exec(`UPDATE signal_streams SET ${what} WHERE provider = ?`, ...values, provider)
  }

  async #sender(provider: string): Promise<StreamSender> {
    const sender = (await this.#options.senders()).get(provider)
    if (!sender) throw new Error(`the settings name no transmitter for ${provider}`)
    return sender
  }
}

type Taken = { readonly jti: string; readonly is: 'taken' | 'later' | PollAnswers['setErrs'][string] }

function absent(provider: string): never {
  throw new Error(`there is no stream for ${provider}: set it up first`)
}

interface Row extends Record<string, SqlStorageValue> {
  provider: string
  stream: string
  set_up_at: number
  status: string
  asked_at: number | null
  verified_at: number | null
  polled_at: number | null
  problem: string | null
}

function fromRow(row: Row): StreamState {
  // Written by `setUp`, by nobody else.
  const stream: SignalStream = JSON.parse(row.stream)
  return {
    ...stream,
    setUpAt: row.set_up_at,
    status: row.status,
    askedAt: row.asked_at ?? undefined,
    verifiedAt: row.verified_at ?? undefined,
    polledAt: row.polled_at ?? undefined,
    problem: row.problem ?? undefined,
  }
}
