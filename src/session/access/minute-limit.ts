// At most so many a minute, of each name alone: rotations of one grant's refresh token, forms that a person sends from their own pages.
//
// In memory: an object that sleeps forgets them, which takes ten seconds without a request.
const WINDOW = 60
const MOST = 30

interface Window {
  readonly since: number
  count: number
}

export class MinuteLimit {
  readonly #most: number
  readonly #windows = new Map<string, Window>()

  constructor(most = MOST) {
    this.#most = most
  }

  /** Seconds to wait; 0 when this one may be taken, and then it counts. `now` in unix seconds. */
  waitFor(name: string, now: number): number {
    for (const [known, { since }] of this.#windows) if (now >= since + WINDOW) this.#windows.delete(known)
    const window = this.#windows.get(name) ?? { since: now, count: 0 }
    this.#windows.set(name, window)
    if (window.count >= this.#most) return window.since + WINDOW - now
    window.count += 1
    return 0
  }
}
