// A value fetched over the network and kept for a while, so that a thousand callers at once cost one fetch.

interface Attempt<Value> {
  readonly since: number
  outcome?: { readonly value: Value } | { readonly error: unknown }
}

const LOOK_AGAIN_MS = 20
// Longer than any one call to the provider may take; an attempt older than this belonged to a request that was cut off.
const ATTEMPT_MS = 16_000

/**
 * Remembers results, never promises: in a Worker a promise belongs to the request that made it, and awaiting it from
 * another request hangs. Callers that find an attempt under way look again on timers of their own. A failure goes to
 * those who waited for it and is then forgotten.
 */
export class Remembered<Value> {
  readonly #keptFor: (value: Value) => number
  #known: { readonly value: Value; readonly until: number } | undefined
  #attempt: Attempt<Value> | undefined

  /** For how long a value is kept, in milliseconds. */
  constructor(keptFor: number | ((value: Value) => number)) {
    this.#keptFor = typeof keptFor === 'number' ? () => keptFor : keptFor
  }

  async get(load: () => Promise<Value>): Promise<Value> {
    if (this.#known && Date.now() < this.#known.until) return this.#known.value
    const others = this.#attempt
    const outcome = others && (await settled(others))
    if (!outcome) return await this.#load(load)
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  async #load(load: () => Promise<Value>): Promise<Value> {
    const attempt: Attempt<Value> = { since: Date.now() }
    this.#attempt = attempt
    try {
      const value = await load()
      this.#known = { value, until: Date.now() + this.#keptFor(value) }
      attempt.outcome = { value }
      return value
    } catch (error) {
      attempt.outcome = { error }
      throw error
    } finally {
      if (this.#attempt === attempt) this.#attempt = undefined
    }
  }
}

async function settled<Value>(attempt: Attempt<Value>): Promise<Attempt<Value>['outcome']> {
  while (!attempt.outcome && Date.now() - attempt.since < ATTEMPT_MS) {
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK_AGAIN_MS)
    })
  }
  return attempt.outcome
}
