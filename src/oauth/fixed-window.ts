// How often strangers may make the broker ask somebody else: counted in memory, because it is about this isolate's own requests.

const WINDOW = 60
const MOST_REMEMBERED = 1_000

export class Attempts {
  readonly #each: number
  readonly #overall: number
  readonly #now: () => number
  readonly #counts = new Map<string, number>()
  #all = 0
  #since = 0

  /** Per minute, for one who asks and for all of them; `now` in unix seconds. */
  constructor(each: number, overall: number, now: () => number) {
    this.#each = each
    this.#overall = overall
    this.#now = now
  }

  /** Seconds to wait; 0 when this attempt may be made, and then it counts. */
  waitFor(who: string): number {
    const now = this.#now()
    if (now >= this.#since + WINDOW || this.#counts.size >= MOST_REMEMBERED) {
      // Beyond so many at once the overall count alone protects whoever is asked.
      if (now >= this.#since + WINDOW) this.#all = 0
      this.#counts.clear()
      this.#since = now
    }
    const own = this.#counts.get(who) ?? 0
    if (own >= this.#each || this.#all >= this.#overall) return this.#since + WINDOW - now
    this.#counts.set(who, own + 1)
    this.#all += 1
    return 0
  }
}
