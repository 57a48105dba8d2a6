// What recordings see is told together: a call to the person's object for each request would cost more than the request.
//
// One request tells what others have seen, too, so what lies here are plain values: no promise of one request is waited for by another.
// What has not been told when an isolate ends is lost, and nothing else with it.
import { describeError, log } from '../../platform/telemetry.ts'
import type { WireEntry } from '../../session/contract/recording.ts'

/** What there is is looked at so often, and told where it is enough, or has waited so many times: a call and its transaction cost as much as ten entries. */
const EVERY_MS = 50
const WAITED_TIMES = 4
/** In characters of messages. */
const ENOUGH = 256 * 1024
/** A request may go on for 30 seconds after its answer: before that another one takes over. */
const LONGEST_MS = 10_000
/** Whoever has not moved on for so long never will. */
const STUCK_MS = 15_000
/** Messages that are no longer than this are nobody's to wait for, in characters. */
const SMALL = 64 * 1024

interface Untold {
  readonly entries: WireEntry[]
  length: number
  /** How many have been told, and how many there have been. */
  told: number
  seen: number
  movedAt: number
}

interface Telling {
  /** The person, where one isolate tells of several. */
  readonly whose: string
  readonly tell: (entries: readonly WireEntry[]) => Promise<void>
  readonly waitUntil: (work: Promise<unknown>) => void
}

export class ToldTogether {
  readonly #untold = new Map<string, Untold>()

  /** Settles when large messages have been told: so long they count as held. */
  async add(entries: readonly WireEntry[], telling: Telling): Promise<void> {
    const untold = this.#untold.get(telling.whose)
    const now = Date.now()
    const current = untold && now - untold.movedAt < STUCK_MS ? untold : this.#begun(untold, telling, now)
    current.entries.push(...entries)
    current.seen += entries.length
    const length = entries.reduce((sum, { request = '', answer = '' }) => sum + request.length + answer.length, 0)
    current.length += length
    const last = current.seen
    if (length > SMALL) while (current.told < last && Date.now() - now < LONGEST_MS) await pause()
  }

  #begun(before: Untold | undefined, telling: Telling, now: number): Untold {
    const entries = before?.entries.splice(0) ?? []
    const untold = { entries, length: 0, told: 0, seen: entries.length, movedAt: now }
    this.#untold.set(telling.whose, untold)
    telling.waitUntil(this.#tell(untold, telling, now))
    return untold
  }

  async #tell(untold: Untold, { whose, tell }: Telling, startedAt: number): Promise<void> {
    for (let isOver = false, waited = 0; !isOver;) {
      await pause()
      untold.movedAt = Date.now()
      waited += 1
      if (untold.length < ENOUGH && waited < WAITED_TIMES) continue
      waited = 0
      untold.length = 0
      isOver = untold.entries.length === 0 || untold.movedAt - startedAt > LONGEST_MS
      // In the same turn: what comes from now on has somebody else to tell it.
      if (isOver && this.#untold.get(whose) === untold) this.#untold.delete(whose)
      const entries = untold.entries.splice(0)
      if (entries.length > 0) await tell(entries).catch(lost)
      untold.told += entries.length
    }
  }
}

function lost(error: unknown): void {
  log('warn', 'recording.not_kept', { reason: describeError(error) })
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, EVERY_MS))
}
