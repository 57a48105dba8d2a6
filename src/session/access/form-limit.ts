// How many forms of their own pages a person may send in a minute: each may end something, and what ends is written down.
//
// In memory: an object that sleeps forgets it, which takes ten seconds without a form.
const WINDOW = 60
const MOST = 30

export class Forms {
  #since = 0
  #count = 0

  /** Seconds to wait; 0 when this one may be taken, and then it counts. `now` in unix seconds. */
  waitFor(now: number): number {
    if (now >= this.#since + WINDOW) {
      this.#since = now
      this.#count = 0
    }
    if (this.#count >= MOST) return this.#since + WINDOW - now
    this.#count += 1
    return 0
  }
}
