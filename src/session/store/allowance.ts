// One token bucket, of which routers may hold a part: however they spend it, no more passes than if every request had been asked for.
//
// What is lent makes the bucket that much smaller until the router has said what came of it. So the tokens here and those out there are
// together never more than a bucket without routers would hold.

export interface AllowanceSize {
  /** Requests in hand when nothing has been spent. */
  readonly requests: number
  /** Seconds in which an empty bucket fills. */
  readonly window: number
}

export class Allowance {
  readonly size: AllowanceSize
  #level: number
  #at: number
  #lent = 0

  /** `level` and `at` (unix milliseconds) of the last checkpoint, if there was one. */
  constructor(size: AllowanceSize, nowMs: number, kept?: { readonly level: number; readonly at: number }) {
    this.size = size
    this.#level = Math.min(kept?.level ?? size.requests, size.requests)
    this.#at = kept?.at ?? nowMs
  }

  /** What could be spent now. */
  level(nowMs: number): number {
    const refilled = this.#level + Math.max(0, nowMs - this.#at) * this.perMs
    this.#level = Math.min(this.#most, refilled)
    this.#at = nowMs
    return this.#level
  }

  get perMs(): number {
    return this.size.requests / (this.size.window * 1000)
  }

  /** To be called where there is as much. */
  spend(count: number): void {
    this.#level -= count
  }

  /** The same, for a router that spends it later. */
  lend(count: number): void {
    this.#level -= count
    this.#lent += count
  }

  /** Nothing of what was lent can be spent any more but what is `unspent`, which comes back. */
  settle(count: number, unspent: number): void {
    this.#lent = Math.max(0, this.#lent - count)
    this.#level = Math.min(this.#most, this.#level + Math.min(unspent, count))
  }

  /** Lent in an earlier life of the object, and still out: a checkpoint may be older than that. */
  isOut(count: number): void {
    this.#lent += count
    this.#level = Math.min(this.#most, this.#level)
  }

  /** For a checkpoint. */
  get kept(): { readonly level: number; readonly at: number } {
    return { level: this.#level, at: this.#at }
  }

  get #most(): number {
    return Math.max(0, this.size.requests - this.#lent)
  }
}
