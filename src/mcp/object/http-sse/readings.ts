// Answers of a downstream that are being read: what each owes, and what ends it.
import { OpenRequests } from '../../message/open-requests.ts'
import type { LostBecause } from '../lost-answer.ts'
import type { Owing } from '../withdrawal.ts'

/** An answer on its way. */
export interface Reading extends Owing {
  readonly signal: AbortSignal
  /** Why it will not be answered, as far as is known. */
  lostBecause: LostBecause | undefined
  /** The downstream's session it is answered in. */
  downstreamId: string | undefined
}

export class Readings {
  readonly #open = new Set<Reading>()

  open(): readonly Reading[] {
    return [...this.#open]
  }

  /** From before the downstream is asked: the client may take a request back at once. */
  begin(requestIds: readonly string[], until: AbortSignal): Reading {
    const abort = new AbortController()
    const end = (): void => abort.abort('nothing more is owed')
    const signal = AbortSignal.any([until, abort.signal])
    const reading: Reading = { open: new OpenRequests(requestIds), end, signal, lostBecause: undefined, downstreamId: undefined }
    this.#open.add(reading)
    signal.addEventListener('abort', () => this.#open.delete(reading), { once: true })
    return reading
  }

  /** What was asked in this session of the downstream's gets no answer any more. */
  lose(downstreamId: string | undefined): void {
    for (const reading of this.#open) {
      if (reading.downstreamId === undefined || reading.downstreamId !== downstreamId || reading.open.areAnswered) continue
      reading.lostBecause = 'session'
      reading.end()
    }
  }
}
