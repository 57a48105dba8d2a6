// The deployment's sums: what isolates have counted, added up for whoever scrapes.
//
// Layout: one row with all sums as JSON, a few kilobytes, because series change together and rows are what is paid for. Lifetime: as long as
// the deployment. Trade-off: sums are kept in memory and written every ten seconds, so that a crash loses those; they are written before they
// are shown, so that a counter somebody has read never goes back.
import { LifecycleCapability } from 'agents/lifecycle'
import { BoundedMap } from '../platform/bounded-map.ts'
import { addTo, isKnown, measures, type MeasuresReport, type Sums } from '../platform/measures.ts'

const WRITTEN_EVERY_MS = 10_000
/** Milliseconds; an isolate that has work tells every ten seconds. */
const REPORTS_LAST = 60_000
const LEASES_LAST = 25_000
const MOST_ISOLATES = 2_000
const MOST_SERIES = 5_000

interface Isolate {
  readonly number: number
  readonly leases: number
  /** Unix milliseconds. */
  readonly at: number
}

export class MeasuredDeployment extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  readonly #sums = new Map<string, number[]>()
  readonly #isolates = new BoundedMap<string, Isolate>(MOST_ISOLATES)
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(storage: DurableObjectStorage) {
    super('measures')
    this.#storage = storage
  }

  override onStart(): void {
    measures.count('objectWakes', 'Directory')
    const { sql } = this.#storage
    sql.exec('CREATE TABLE IF NOT EXISTS measures (id INTEGER PRIMARY KEY CHECK (id = 1), sums TEXT NOT NULL)')
    const [row] = sql.exec<{ sums: string }>('SELECT sums FROM measures')
    if (!row) return
    // Written by `#write`, by nobody else; a family that a release has dropped goes.
    const kept: Sums = JSON.parse(row.sums)
    for (const [series, values] of Object.entries(kept)) if (isKnown(series)) this.#sums.set(series, [...values])
  }

  note({ from, number, sums, leases }: MeasuresReport, now: number): void {
    const known = this.#isolates.get(from)?.number ?? 0
    // One that was overtaken must not make its successor new again.
    this.#isolates.set(from, { number: Math.max(known, number), leases, at: now })
    if (number <= known) return
    for (const [series, values] of Object.entries(sums)) {
      const hasRoom = addTo(this.#sums, series, values, MOST_SERIES)
      if (!hasRoom) addTo(this.#sums, 'seriesDropped', [1], MOST_SERIES + 1)
    }
    this.#timer ??= setTimeout(() => this.#write(), WRITTEN_EVERY_MS)
  }

  read(now: number): { readonly sums: Sums; readonly leases: number; readonly isolates: number } {
    if (this.#timer !== undefined) this.#write()
    const since = (age: number): readonly Isolate[] => [...this.#isolates.values()].filter(({ at }) => at > now - age)
    const leases = since(LEASES_LAST).reduce((sum, each) => sum + each.leases, 0)
    return { sums: Object.fromEntries(this.#sums), leases, isolates: since(REPORTS_LAST).length }
  }

  #write(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const sums = JSON.stringify(Object.fromEntries(this.#sums))
    this.#storage.sql.exec('INSERT OR REPLACE INTO measures (id, sums) VALUES (1, ?)', sums)
  }
}
