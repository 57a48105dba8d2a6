// How many people's objects an action on many asks at a time: as many as leave a turn to whoever else has a request.
//
// On Cloudflare objects wake elsewhere, and fifty at a time cost this one nothing. Self-hosted they share its thread, and a request waits
// behind all of them. A timer tells one from the other: it is late where the thread is busy.

const FEWEST = 2
const FIRST = 10
const MOST = 50
const TIMER_MS = 10
const LATE_MS = 40

export class Pace {
  #most = FIRST

  /** How many to ask next. */
  get most(): number {
    return this.#most
  }

  async watch<Value>(work: Promise<Value>): Promise<Value> {
    const began = Date.now()
    let rang: number | undefined
    const timer = setTimeout(() => void (rang = Date.now()), TIMER_MS)
    return await work.finally(() => {
      clearTimeout(timer)
      this.note((rang ?? Date.now()) - began - TIMER_MS)
    })
  }

  note(lateMs: number): void {
    if (lateMs > LATE_MS) this.#most = Math.max(FEWEST, Math.floor(this.#most / 2))
    else if (lateMs < LATE_MS / 2) this.#most = Math.min(MOST, this.#most * 2)
  }
}
