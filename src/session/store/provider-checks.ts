// Asks the identity provider from time to time whether it still knows the person, whatever clients do.
//
// Layout: one row while the provider does not answer, with the moment it stopped. Lifetime: until it has answered. Trade-off: one
// call an hour for everybody who is connected; between two of them the object sleeps. Requests only read what is in memory.
import { LifecycleCapability, type LifecycleJobOutcome } from 'agents/lifecycle'
import { backoff } from '../../platform/backoff.ts'
import { log } from '../../platform/telemetry.ts'
import type { ConfirmationOutcome, RefreshOutcome } from '../contract/token-refresher.ts'

export interface ProviderChecksOptions {
  /** Seconds between two confirmations. */
  readonly every: number
  /** How long the last confirmation counts while the provider does not answer, in seconds. */
  readonly grace: number
  /** Unix seconds of the last confirmation. */
  readonly checkedAt: () => number
  /** Whether there is somebody to ask about, and something to ask with. */
  readonly isDue: () => boolean
  /** Asks once, and ends everything when the person is not known any more. */
  readonly ask: () => Promise<ConfirmationOutcome>
  /** The confirmation has become too old: nothing goes on until there is a new one. */
  readonly lapsed: () => Promise<void>
  /** Unix seconds. */
  readonly now: () => number
}

/** Seconds until the next attempt while the provider does not answer; twice as many after each, up to a bound. */
const RETRY = { first: 30, longest: 600 }
/** Seconds between two attempts that a request asks for. */
const ASKED_EVERY = 5
/** 10 % jitter against a thundering herd: people who signed in together are not asked about together. */
const JITTER = 0.1

export class ProviderChecks extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  readonly #random: () => number
  #options: ProviderChecksOptions | undefined
  #failingSince: number | undefined
  #isWritten = false
  #failures = 0
  #askedAt = 0

  constructor(storage: DurableObjectStorage, random: () => number = Math.random) {
    super('provider-checks')
    this.#storage = storage
    this.#random = random
  }

  override onStart(): void {
    this.#storage.sql.exec(
      'CREATE TABLE IF NOT EXISTS idp_outage (id INTEGER PRIMARY KEY CHECK (id = 1), since INTEGER NOT NULL)',
    )
    const [row] = this.#storage.sql.exec<{ since: number }>('SELECT since FROM idp_outage')
    this.#failingSince = row?.since
    this.#isWritten = row !== undefined
  }

  /** Called once after start. */
  async open(options: ProviderChecksOptions): Promise<void> {
    this.#options = options
    if (options.isDue()) await this.plan()
  }

  /** To be called where a session at the provider begins. A plan that comes too late, after a change of the settings, is made anew. */
  async plan(): Promise<void> {
    if (!this.#options?.isDue()) return
    const { checkedAt, every } = this.#options
    const planned = this.lifecycle.jobs.get('recheck')
    if (planned === undefined || planned.time > (checkedAt() + every) * 1000)
      await this.lifecycle.jobs.push({ id: 'recheck', fn: 'ask', time: this.#regular() })
  }

  /** What came of asking, whoever asked. */
  note(outcome: RefreshOutcome['outcome'], now: number): void {
    if (outcome === 'unavailable') this.#failingSince ??= now
    else this.#recovered()
  }

  /** The provider did not answer when it was last asked. */
  get isFailing(): boolean {
    return this.#failingSince !== undefined
  }

  /** The provider has been silent for so long that nobody knows any more whether the person has access. */
  isUnconfirmed(now: number): boolean {
    if (this.#failingSince === undefined || !this.#options) return false
    return now - this.#options.checkedAt() > this.#options.grace && this.#options.isDue()
  }

  /** A request had to be refused: whoever comes again shall not wait for the next regular attempt. */
  async askSoon(now: number): Promise<void> {
    if (!this.#options || now - this.#askedAt < ASKED_EVERY) return
    this.#askedAt = now
    await this.#options.ask()
  }

  async onJob(): Promise<LifecycleJobOutcome> {
    if (!this.#options?.isDue()) return this.#recovered()
    const { checkedAt, every, ask, now } = this.#options
    if (now() - checkedAt() < every * (1 - JITTER)) return { rescheduleAt: this.#regular() }
    this.#askedAt = now()
    const { outcome } = await ask()
    if (outcome === 'unavailable') return { rescheduleAt: await this.#later() }
    return outcome === 'refreshed' || outcome === 'superseded' ? { rescheduleAt: this.#regular() } : undefined
  }

  async #later(): Promise<number> {
    if (!this.#options) return Date.now()
    const { checkedAt, every, grace, lapsed, now } = this.#options
    if (!this.#isWritten)
      this.#storage.sql.exec('INSERT OR REPLACE INTO idp_outage (id, since) VALUES (1, ?)', this.#failingSince ?? now())
    this.#isWritten = true
    const retry = Math.min(backoff(RETRY, this.#failures), every)
    this.#failures += 1
    const untilLapse = checkedAt() + grace + 1 - now()
    log('warn', 'idp.unavailable', { checked_at: checkedAt(), retry_after: retry, lapsed: untilLapse <= 0 })
    if (untilLapse <= 0) await lapsed()
    return (now() + (untilLapse > 0 ? Math.min(retry, untilLapse) : retry)) * 1000
  }

  #recovered(): undefined {
    if (this.#isWritten) this.#storage.sql.exec('DELETE FROM idp_outage')
    this.#failingSince = undefined
    this.#isWritten = false
    this.#failures = 0
  }

  /** Milliseconds; never in the past, or the job would come again at once. */
  #regular(): number {
    const { checkedAt = () => 0, every = 0, now = () => 0 } = this.#options ?? {}
    const interval = every * (1 - JITTER * this.#random())
    return Math.max(Math.floor((checkedAt() + interval) * 1000), (now() + 1) * 1000)
  }
}
