// What this isolate has counted and not told yet: sums in memory, added to by requests and told together now and then.
//
// Isolates share no memory, so they tell the Directory, which adds up (docs/decisions/0042-metrics.md). A request pays an addition; the
// first of ten seconds leaves a timer behind. Values are plain numbers: no request waits for another's promise.
import { FAMILIES, KNOWN_FAMILIES, type FamilyName, type HistogramName } from './metric-families.ts'
import { randomId } from './crypto.ts'

/** By family and label values: a counter's sum, or a histogram's counts per bucket with its sum of seconds at the end. */
export type Sums = Readonly<Record<string, readonly number[]>>

export interface MeasuresReport {
  /** Which isolate it is from, and which of its reports: one that is told again counts once. */
  readonly from: string
  readonly number: number
  readonly sums: Sums
  /** Held at this moment. */
  readonly leases: number
}

/** Labels are of closed sets, which together have fewer; a mistake in one of them must not fill the memory. */
const MOST_SERIES = 2_000
const SEPARATOR = '|'

/** Adds what was counted elsewhere; false where there is no room for another series. */
export function addTo(sums: Map<string, number[]>, series: string, values: readonly number[], most = MOST_SERIES): boolean {
  const known = sums.get(series)
  if (known) for (const [index, value] of values.entries()) known[index] = (known[index] ?? 0) + value
  else if (sums.size >= most) return false
  else sums.set(series, [...values])
  return true
}

/** The family and the label values of a series. */
export function seriesParts(series: string): readonly [family: string, ...labels: string[]] {
  const [family = '', ...labels] = series.split(SEPARATOR)
  return [family, ...labels]
}

export class Measures {
  #id: string | undefined
  #number = 0
  readonly #sums = new Map<string, number[]>()
  #untold: MeasuresReport | undefined
  /** Until when somebody else tells; a request that ended early must not keep the others from it. Unix milliseconds. */
  #tellingUntil = 0
  #toldAt = 0
  /** How many leases there are. */
  leases: () => number = () => 0

  /** One more; label values in the order of the family. An empty one is absent. */
  count(family: FamilyName, ...labels: readonly string[]): void {
    const values = this.#valuesOf(labels.length === 0 ? family : `${family}${SEPARATOR}${labels.join(SEPARATOR)}`, 1)
    values[0] = (values[0] ?? 0) + 1
  }

  observe(family: HistogramName, seconds: number, ...labels: readonly string[]): void {
    const { bounds } = FAMILIES[family]
    const values = this.#valuesOf(`${family}${SEPARATOR}${labels.join(SEPARATOR)}`, bounds.length + 2)
    let bucket = 0
    while (bucket < bounds.length && seconds > (bounds[bucket] ?? 0)) bucket += 1
    values[bucket] = (values[bucket] ?? 0) + 1
    values[bounds.length + 1] = (values[bounds.length + 1] ?? 0) + Math.max(0, seconds)
  }

  /** Of a series, to be added to; of another one, where there are too many. */
  #valuesOf(series: string, length: number): number[] {
    const known = this.#sums.get(series)
    if (known) return known
    const values = Array.from({ length }, () => 0)
    if (this.#sums.size < MOST_SERIES) this.#sums.set(series, values)
    else addTo(this.#sums, 'seriesDropped', [1], MOST_SERIES + 1)
    return values
  }

  /** Tells what has been counted by the end of `afterMs`, once for all who ask meanwhile, and not sooner than that after the last time. */
  report(waitUntil: (work: Promise<unknown>) => void, send: (report: MeasuresReport) => Promise<void>, afterMs: number): void {
    const now = Date.now()
    if (now < this.#tellingUntil) return
    const pause = Math.max(afterMs, this.#toldAt + TOLD_EVERY_MS - now)
    this.#tellingUntil = now + pause + LATE_MS
    waitUntil(this.#report(send, pause))
  }

  async #report(send: (report: MeasuresReport) => Promise<void>, pause: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, pause))
    this.#tellingUntil = 0
    this.#toldAt = Date.now()
    const report = this.take()
    if (!report) return
    try {
      await send(report)
      this.arrived(report)
    } catch {
      // Told again with the next one, under the same number: nobody knows whether it arrived.
    }
  }

  arrived({ number }: MeasuresReport): void {
    if (this.#untold?.number === number) this.#untold = undefined
  }

  /** What is to be told next; undefined when there is nothing. The one before comes again until it has arrived. */
  take(): MeasuresReport | undefined {
    if (this.#untold) return { ...this.#untold, leases: this.leases() }
    if (this.#sums.size === 0) return undefined
    // Not at the top of a module: the runtime gives no random numbers before the first request.
    this.#id ??= randomId(9)
    this.#untold = { from: this.#id, number: (this.#number += 1), sums: Object.fromEntries(this.#sums), leases: this.leases() }
    this.#sums.clear()
    return this.#untold
  }
}

/** Milliseconds. */
export const TOLD_EVERY_MS = 10_000
const LATE_MS = 5_000

/** Of the isolate. */
export const measures = new Measures()

/** Whether a series is one of those that are exposed. */
export function isKnown(series: string): boolean {
  return KNOWN_FAMILIES.has(seriesParts(series)[0])
}
