// What a soak has seen: sums for the summary, and the first evidence of a promise that was not kept.
import type { Verdict } from '../crash/verdict.ts'

/** How often things were done. */
export type Deed = 'streams' | 'events' | 'disconnects' | 'restarts' | 'sign-ins' | 'refreshes' | 'revocations'

export class Ledger {
  /** What the broker took meanwhile. */
  usage = 'not measured'
  readonly deeds = new Map<Deed, number>()
  readonly revocationMs: number[] = []
  lost = 0
  doubled = 0
  leaked = 0
  /** Sentences; the first says where to look. */
  readonly evidence: string[] = []
  readonly #began = Date.now()

  did(deed: Deed, times = 1): void {
    this.deeds.set(deed, (this.deeds.get(deed) ?? 0) + times)
  }

  judge({ lost, doubled, disordered }: Verdict, where: string): void {
    this.lost += lost
    this.doubled += doubled + disordered
    if (lost + doubled + disordered > 0) this.#note(`${where}: lost ${lost}, doubled ${doubled}, out of order ${disordered}`)
  }

  /** A promise to a stream was not kept otherwise: what it was owed counts as lost. */
  miss(owed: number, where: string): void {
    this.lost += owed
    this.#note(where)
  }

  leak(where: string): void {
    this.leaked += 1
    this.#note(where)
  }

  get isClean(): boolean {
    return this.evidence.length === 0
  }

  #note(sentence: string): void {
    this.evidence.push(`${((Date.now() - this.#began) / 1000).toFixed(1)} s: ${sentence}`)
  }
}
