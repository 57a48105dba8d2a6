// The portal's live feed: hibernating WebSockets on which the Directory says that something has happened, and how much there is.
//
// Only what the router let in arrives here. A connection is readonly: what it sends changes nothing. The state is a few numbers and
// not the events themselves, because it is always sent whole; pages fetch what they show, and their cookie is looked at each time.
import { LifecycleCapability, type LifecycleJobOutcome } from 'agents/lifecycle'
import { State } from 'agents/state'
import { WebSockets } from 'agents/websockets'
import { UNTIL_HEADER, VISITOR_HEADER } from './live-terms.ts'

interface Pulse {
  readonly people: number
  readonly connected: number
  /** Open at this moment. */
  readonly streams: number
  /** Of the newest security event. */
  readonly newest: number
}

/** RFC 6455 section 7.4.1. */
const POLICY_VIOLATION = 1008
/** Thousands of events may come in one second; nobody reads faster than this. */
const PAUSE_MS = 250
/** Streams come and go all the time. */
const STIRRED_PAUSE_MS = 2_000

interface Watching {
  /** Unix seconds. */
  readonly until: number
}

export class Live extends LifecycleCapability {
  readonly state: State<Pulse>
  readonly sockets: WebSockets
  readonly #pulse: () => Pulse
  readonly #now: () => number
  #isPlanned = false

  /** `now` in unix seconds. */
  constructor(pulse: () => Pulse, now: () => number) {
    super('live-feed')
    this.#pulse = pulse
    this.#now = now
    this.state = new State<Pulse>({ onChanged: () => this.sockets.broadcastState() })
    this.sockets = new WebSockets({
      state: this.state,
      readonly: () => true,
      getConnectionTags: (_, { request }) => [tagOf(request.headers.get(VISITOR_HEADER) ?? '')],
      handlers: {
        onConnect: (connection, { request }) => {
          const until = Number(request.headers.get(UNTIL_HEADER))
          connection.setState({ until })
          void this.#closeAt(until)
          this.#beat()
        },
      },
    })
  }

  /** Costs nothing while nobody watches. */
  happened(): void {
    this.#plan(PAUSE_MS)
  }

  /** Only the numbers have changed. */
  stirred(): void {
    this.#plan(STIRRED_PAUSE_MS)
  }

  #plan(pauseMs: number): void {
    if (this.#isPlanned || this.sockets.getConnections().next().done) return
    this.#isPlanned = true
    setTimeout(() => {
      this.#isPlanned = false
      this.#beat()
    }, pauseMs)
  }

  /** Whoever may go on comes back at once. */
  dismissAll(): void {
    for (const connection of this.sockets.getConnections()) connection.close(POLICY_VIOLATION, 'signed out')
  }

  /** A person who was shut out, or whose access was ended, watches no longer. */
  dismiss(sub: string): void {
    for (const connection of this.sockets.getConnections(tagOf(sub))) connection.close(POLICY_VIOLATION, 'ended')
  }

  /** A connection ends with the sign-in it was opened with, also where nothing happens. */
  onJob(): LifecycleJobOutcome {
    const next = this.#closeOver()
    return next === undefined ? undefined : { rescheduleAt: next * 1000 }
  }

  async #closeAt(until: number): Promise<void> {
    const planned = this.lifecycle.jobs.get('close')
    if (!planned || planned.time > until * 1000) await this.lifecycle.jobs.push({ id: 'close', fn: 'close', time: until * 1000 })
  }

  /** When the next one ends; undefined when nobody is left. */
  #closeOver(): number | undefined {
    let next: number | undefined
    for (const connection of this.sockets.getConnections<Watching>()) {
      const until = connection.state?.until ?? 0
      if (until <= this.#now()) connection.close(POLICY_VIOLATION, 'signed out')
      else next = Math.min(next ?? until, until)
    }
    return next
  }

  #beat(): void {
    this.#closeOver()
    this.state.set(this.#pulse())
  }
}

function tagOf(sub: string): string {
  return `visitor:${sub}`
}
