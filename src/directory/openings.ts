// Who was told a moment ago that they may begin something, which their own object has not reported yet.
//
// In memory: their report follows within seconds, and what is taken back in between has to find them. A bounded number: what is pushed out
// is found when it is reported.
import type { Related } from './people.ts'
import { BoundedMap } from '../platform/bounded-map.ts'

interface Opening {
  readonly clientId: string | undefined
  readonly resource: string
  readonly at: number
}

/** Seconds: longer than it takes to begin and to report it. */
const REMEMBERED_FOR = 60
const MOST = 10_000

export class Openings {
  readonly #last = new BoundedMap<string, readonly Opening[]>(MOST)

  note(sub: string, to: Omit<Opening, 'at'>, now: number): void {
    const others = this.#fresh(sub, now).filter(({ clientId, resource }) => clientId !== to.clientId || resource !== to.resource)
    this.#last.set(sub, [...others, { ...to, at: now }])
  }

  /** Whose are of this client or server; everybody's where none is named. */
  of(related: Related | undefined, now: number): readonly string[] {
    const subs: string[] = []
    for (const sub of this.#last.keys()) {
      const fresh = this.#fresh(sub, now)
      if (fresh.length === 0) this.#last.delete(sub)
      else if (fresh.some((opening) => concerns(opening, related))) subs.push(sub)
    }
    return subs
  }

  #fresh(sub: string, now: number): readonly Opening[] {
    return (this.#last.get(sub) ?? []).filter(({ at }) => at > now - REMEMBERED_FOR)
  }
}

function concerns({ clientId, resource }: Opening, related: Related | undefined): boolean {
  if (related === undefined) return true
  return related.id === (related.what === 'client' ? clientId : resource)
}
