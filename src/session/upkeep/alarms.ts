// The jobs of a person's object that belong to none of its parts: looking whether what it carries still lives, tidying up, and ending.
import { boundsOf } from '../store/log-bounds.ts'
import { sweepLinks } from '../access/own-sign-in.ts'
import type { SessionContext } from '../session-context.ts'
import { endGrant } from '../revocation.ts'

/** How often a carrying object looks whether it still lives, in milliseconds: `waitUntil` alone is cut after 140 s (and by a crash). */
const WATCH_EVERY_MS = 20_000
/** How often idle MCP sessions are looked for, in milliseconds. */
const COLLECT_EVERY_MS = 3_600_000
/** How long somebody is known who was not let in, in seconds. */
const KNOWN_FOR = 86_400
/** How soon it is looked again whether the Directory has heard everything, in milliseconds. */
const UNDELIVERED_MS = 60_000

/** Each is pushed under its name as id. */
type Name = 'watch' | 'collect' | 'sweep'

interface Job {
  readonly id: Name
  readonly fn: Name
  readonly time: number
}

type Again = { readonly rescheduleAt: number } | undefined

export class SessionAlarms {
  readonly #context: SessionContext
  readonly #push: (job: Job) => Promise<unknown>
  readonly #waitUntil: (work: Promise<unknown>) => void
  #isWatched = false
  #isCollected = false

  constructor(context: SessionContext, push: (job: Job) => Promise<unknown>, waitUntil: (work: Promise<unknown>) => void) {
    this.#context = context
    this.#waitUntil = waitUntil
    this.#push = push
  }

  async run(name: string): Promise<Again> {
    if (name === 'watch') return this.#watchAgain()
    if (name === 'collect') return this.#collect()
    return this.#sweep()
  }

  /** While something is carried an alarm stands ready: after a crash nobody else would wake the object. */
  watch(): void {
    const { carrier, mcpSessions } = this.#context
    if (!this.#isWatched && carrier().isBusy()) {
      this.#isWatched = true
      this.#waitUntil(this.#push({ id: 'watch', fn: 'watch', time: Date.now() + WATCH_EVERY_MS }))
    }
    if (!this.#isCollected && mcpSessions.all().length > 0) {
      this.#isCollected = true
      this.#waitUntil(this.#push({ id: 'collect', fn: 'collect', time: Date.now() + COLLECT_EVERY_MS }))
    }
  }

  async planSweep(): Promise<void> {
    await this.#push({ id: 'sweep', fn: 'sweep', time: this.#nextSweep() })
  }

  #watchAgain(): Again {
    this.#isWatched = this.#context.carrier().isBusy()
    this.#context.load.changed()
    return this.#isWatched ? { rescheduleAt: Date.now() + WATCH_EVERY_MS } : undefined
  }

  #collect(): Again {
    const { carrier, log, mcpSessions, settings, now } = this.#context
    carrier().collectIdle()
    // A busy log trims itself; this is for the events of people who have gone quiet.
    log.trim(boundsOf(settings.limits), now())
    this.#isCollected = mcpSessions.all().length > 0 || log.last > 0
    return this.#isCollected ? { rescheduleAt: Date.now() + COLLECT_EVERY_MS } : undefined
  }

  /** Ends sessions that are over, and forgets what nobody can ask about any more. */
  async #sweep(): Promise<Again> {
    const { grants, codes, profile, links, pages, provider, bucket, outbox, recent, now } = this.#context
    for (const grant of grants.all()) {
      if (grant.endsAt > now()) continue
      if (grant.revokedAt === null) await endGrant(this.#context, grant, 'session_expired', 'session_expired')
      codes.forgetGrant(grant.id)
      grants.forget(grant.id)
    }
    const wasLinked = links.all().length > 0
    const isLinked = sweepLinks(this.#context)
    pages.forgetOver(now())
    if (grants.all().length > 0 || isLinked || pages.lastUntil !== undefined) return { rescheduleAt: this.#nextSweep() }
    // Whose person is forgotten can not be delivered any more.
    if (outbox.waiting > 0 || wasLinked) return { rescheduleAt: Date.now() + UNDELIVERED_MS }
    // Not deleteAll(): it takes the tables from an object that is alive and may be asked for a sign-in in the next moment.
    profile.forget()
    provider.end()
    bucket.forget()
    recent.forget()
    return undefined
  }

  /** Milliseconds; a second late, so that what ends then has ended. */
  #nextSweep(): number {
    const { grants, links, pages, settings, now } = this.#context
    const ends = [
      ...grants.all().map(({ endsAt }) => endsAt),
      ...links.all().map(({ usedAt }) => usedAt + settings.limits.sessionTtl),
      ...(pages.lastUntil === undefined ? [] : [pages.lastUntil]),
    ]
    return (ends.length > 0 ? Math.min(...ends) : now() + KNOWN_FOR) * 1000 + 1000
  }
}
