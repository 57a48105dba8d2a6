// Requests to a downstream that wait for its headers, or for a body that is read: a revocation aborts them.
import type { CloseReason } from '../../session/contract/leash-terms.ts'

interface Flight {
  readonly abort: AbortController
  readonly grantId: string
}

export class Flights {
  // No map by their controllers: an object of the runtime that is a key is not freed with the young ones, but by a full collection.
  readonly #open = new Set<Flight>()

  get size(): number {
    return this.#open.size
  }

  get grantIds(): readonly string[] {
    return [...this.#open].map(({ grantId }) => grantId)
  }

  /** What is returned is called when it is over. */
  begin(abort: AbortController, grantId: string): () => void {
    const flight = { abort, grantId }
    this.#open.add(flight)
    return () => void this.#open.delete(flight)
  }

  end(reason: CloseReason, concerns: (grantId: string) => boolean): void {
    for (const { abort, grantId } of this.#open) if (concerns(grantId)) abort.abort(reason)
  }
}
