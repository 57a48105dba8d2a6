// How much the isolate holds of bodies at once, in bytes, and how much of that one person may have.
//
// An isolate has 128 MB for everybody. A body is counted while it comes and until its request is answered; each request counts for
// LEAST, however little of its body is there, so that many that never come are bounded too.

const MOST = 48 * 1024 * 1024
const MOST_OF_ONE = 16 * 1024 * 1024
const LEAST = 4 * 1024

export class HeldBytesError extends Error {
  override readonly name = 'HeldBytesError'
  /** Whose share is used up: the person's own, or everybody's. */
  readonly whose: 'own' | 'all'

  constructor(whose: 'own' | 'all') {
    super('too many bodies are held')
    this.whose = whose
  }
}

export interface Holding {
  /** Throws where there is no room for so many more. */
  readonly hold: (bytes: number) => void
  /** Once. */
  readonly release: () => void
}

export class HeldBytes {
  readonly #most: number
  readonly #mostOfOne: number
  readonly #of = new Map<string, number>()
  #held = 0

  constructor(most = MOST, mostOfOne = MOST_OF_ONE) {
    this.#most = most
    this.#mostOfOne = mostOfOne
  }

  /** Throws where there is no room for one more. What has several owners counts for each of them. */
  open(owner: string | readonly string[]): Holding {
    const owners = typeof owner === 'string' ? [owner] : owner
    this.#change(owners, LEAST)
    let bytes = 0
    let counted = LEAST
    return {
      hold: (more) => {
        bytes += more
        if (bytes <= counted) return
        this.#change(owners, bytes - counted)
        counted = bytes
      },
      release: () => this.#change(owners, -counted),
    }
  }

  #change(owners: readonly string[], by: number): void {
    if (by > 0) {
      for (const owner of owners) if ((this.#of.get(owner) ?? 0) + by > this.#mostOfOne) throw new HeldBytesError('own')
      if (this.#held + by > this.#most) throw new HeldBytesError('all')
    }
    this.#held += by
    for (const owner of owners) {
      const own = (this.#of.get(owner) ?? 0) + by
      if (own > 0) this.#of.set(owner, own)
      else this.#of.delete(owner)
    }
  }
}
