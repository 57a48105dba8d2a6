// Names of groups that people of an issuer were ever said to be in: whether it is worth looking through all of them for one.
//
// In memory alone, and gathered for the first who asks: an earlier release, or a restored file, has nothing to keep in step. A name that
// nobody goes by any more stays; that costs a look in vain.
import { storedGroups } from '../session/store/identity-row.ts'

/** Of an issuer; where there are more, every name is looked for. */
const MOST_NAMES = 100_000

/** Of one person, as they lie in a row. */
export interface SaidGroups {
  readonly issuer: string
  readonly groups: string
}

export class GroupNames {
  #byIssuer: Map<string, Set<string> | 'too many'> | undefined

  /** `stored`: the groups of everybody. */
  mayHave(issuer: string, name: string, stored: () => Iterable<SaidGroups>): boolean {
    if (!this.#byIssuer) {
      this.#byIssuer = new Map()
      for (const said of stored()) this.add(said)
    }
    const names = this.#byIssuer.get(issuer)
    return names === 'too many' || names?.has(name) === true
  }

  /** Somebody is in these now. */
  add({ issuer, groups }: SaidGroups): void {
    const names = this.#byIssuer?.get(issuer) ?? new Set()
    if (!this.#byIssuer || names === 'too many') return
    for (const name of storedGroups(groups)) names.add(name)
    this.#byIssuer.set(issuer, names.size > MOST_NAMES ? 'too many' : names)
  }
}
