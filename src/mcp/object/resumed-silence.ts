// How long a call that was resumed may stay without a message: a downstream that knows nothing of it any more opens an empty stream.

export class Silence {
  readonly #longestMs: number | undefined
  readonly #over: () => void
  #timer: ReturnType<typeof setTimeout> | undefined

  /** Undefined where there may be silence for ever: on a stream that stands open, and on the answer that was begun with the call. */
  constructor(longestMs: number | undefined, over: () => void) {
    this.#longestMs = longestMs
    this.#over = over
    this.broken()
  }

  /** A message came. A comment or a heartbeat is none: servers send those on a stream that has nothing to bring. */
  broken(): void {
    clearTimeout(this.#timer)
    if (this.#longestMs !== undefined) this.#timer = setTimeout(this.#over, this.#longestMs)
  }

  end(): void {
    clearTimeout(this.#timer)
  }
}
