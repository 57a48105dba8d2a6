// How often the refresh tokens of one grant are rotated: a client does it once an hour, one that never stops is asked to wait.
//
// In memory: an object that sleeps forgets it, which takes ten seconds without a request. What is only repeated does not count.
const WINDOW = 60
const MOST = 30

interface Window {
  readonly since: number
  count: number
}

export class Rotations {
  readonly #windows = new Map<string, Window>()

  /** Seconds to wait; 0 when the grant may be rotated, and then it counts. `now` in unix seconds. */
  waitFor(grantId: string, now: number): number {
    for (const [id, { since }] of this.#windows) if (now >= since + WINDOW) this.#windows.delete(id)
    const window = this.#windows.get(grantId) ?? { since: now, count: 0 }
    this.#windows.set(grantId, window)
    if (window.count >= MOST) return window.since + WINDOW - now
    window.count += 1
    return 0
  }
}
