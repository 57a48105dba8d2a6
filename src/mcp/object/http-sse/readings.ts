// Answers of a downstream that are being read: what each owes, and what ends it.
import { OpenRequests } from '../../message/open-requests.ts'
import type { LostBecause } from '../lost-answer.ts'
import type { Owing } from '../withdrawal.ts'

/** An answer on its way. */
export interface Reading extends Owing {
  /** Ends the request it answers. */
  readonly ending: AbortController
  /** Why it will not be answered, as far as is known. */
  lostBecause: LostBecause | undefined
  /** The downstream's session it is answered in. */
  downstreamId: string | undefined
}

export class Readings {
  readonly #open = new Set<Reading>()
  readonly #until: AbortSignal

  /** `until`: whatever is read is over then. One listener for all of them: signals that are joined cost more than reading a short answer. */
  constructor(until: AbortSignal) {
    this.#until = until
    until.addEventListener('abort', () => [...this.#open].forEach(({ end }) => end()), { once: true })
  }

  /** Whether it is still being read. */
  has(reading: Reading): boolean {
    return this.#open.has(reading)
  }

  open(): readonly Reading[] {
    return [...this.#open]
  }

  /** From before the downstream is asked: the client may take a request back at once. */
  begin(requestIds: readonly string[]): Reading {
    const ending = new AbortController()
    const end = (): void => {
      this.finish(reading)
      ending.abort('nothing more is owed')
    }
    const open = new OpenRequests(requestIds)
    const reading: Reading = { open, end, ending, lostBecause: undefined, downstreamId: undefined }
    this.#open.add(reading)
    if (this.#until.aborted) end()
    return reading
  }

  /** It has been read to its end: there is nothing to be closed. */
  finish(reading: Reading): void {
    this.#open.delete(reading)
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
