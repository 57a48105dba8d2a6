// How often strangers may make the broker ask somebody else: counted in memory, because it is about this isolate's own requests.
import { networksOf, openTo } from '../clients/networks.ts'

const WINDOW = 60

export class Attempts {
  readonly #each: number
  readonly #overall: number
  readonly #now: () => number
  // Only what was allowed is counted, so there are three networks for each of those at most.
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
    if (now >= this.#since + WINDOW) {
      this.#all = 0
      this.#counts.clear()
      this.#since = now
    }
    const networks = networksOf(who)
    const isFull = networks.some(({ prefix, share }) => this.#countOf(prefix) >= this.#each * share)
    if (isFull || this.#all >= openTo(this.#countOf(networks[0].prefix) === 0, this.#overall)) return this.#since + WINDOW - now
    for (const { prefix } of networks) this.#counts.set(prefix, this.#countOf(prefix) + 1)
    this.#all += 1
    return 0
  }

  #countOf(prefix: string): number {
    return this.#counts.get(prefix) ?? 0
  }
}
