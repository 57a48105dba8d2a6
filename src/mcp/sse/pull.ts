// How a stream is ended from outside, in two steps: nothing passes any more and its client is told why, then all it holds is let go of.
//
// Streams of one person end together, on one thread: what the clients are told comes first for all of them, and the work after it
// delays no last byte.
import type { CloseReason } from '../../session/contract/leash-terms.ts'

/** Whoever carries what is ended. */
export interface Pullable {
  /** From now on nothing passes. */
  readonly stop: (reason: CloseReason) => void
  readonly end: () => void
}

export class Pull {
  #reason: CloseReason | undefined
  #isOver = false
  #carrier: Pullable | undefined

  /** Why, once it was pulled. */
  get reason(): CloseReason | undefined {
    return this.#reason
  }

  /** The last to say so carries it; what has come before is heard at once. */
  carriedBy(carrier: Pullable): void {
    this.#carrier = carrier
    if (this.#reason !== undefined) carrier.stop(this.#reason)
    if (this.#isOver) carrier.end()
  }

  /** The first reason is the one. */
  stop(reason: CloseReason): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.#carrier?.stop(reason)
  }

  end(reason: CloseReason): void {
    this.stop(reason)
    if (this.#isOver) return
    this.#isOver = true
    this.#carrier?.end()
  }
}
