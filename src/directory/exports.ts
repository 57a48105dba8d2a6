// Exports: each sink is sent every entry of the evidence in the order of its numbers, at least once, however often it fails.
//
// Layout: a row per sink with the number it has come to, and a row per entry that a sink refuses for good. Lifetime: a sink's as long as the
// Directory's, so that one that is taken out of the settings and comes back goes on; a refused entry's until somebody has sent it again.
// Trade-off: a crash between an answer and the note of it sends a batch again, with the same id; the broker never waits for a sink.
import { LifecycleCapability, type LifecycleJobOutcome } from 'agents/lifecycle'
import { spanOf, type Delivered } from '../export/record.ts'
import { deliver } from '../export/sinks.ts'
import { backoff } from '../platform/backoff.ts'
import { describeError, log } from '../platform/telemetry.ts'
import type { ExportSink } from '../settings/exports.ts'
import type { EvidenceLog } from './evidence-log.ts'

export interface ExportOptions {
  readonly evidence: EvidenceLog
  /** Throws while the settings are wrong. */
  readonly settings: () => { readonly exports: readonly ExportSink[]; readonly baseUrl: string }
}

interface DeadLetter {
  readonly number: number
  /** Unix seconds. */
  readonly at: number
  readonly why: string
}

export interface ExportState {
  readonly name: string
  readonly type: ExportSink['type']
  readonly host: string
  /** The last number it has taken, and the newest there is. */
  readonly cursor: number
  readonly head: number
  /** In a row. */
  readonly failures: number
  readonly takenAt: number | undefined
  readonly problem: string | undefined
  readonly deadLetters: readonly DeadLetter[]
}

const BATCH = 100
const MOST_BATCHES = 10
const GATHERED_MS = 1_000
const WAITED_FOR_MS = 2_000
const RETRY_MS = { first: 1_000, longest: 300_000 }
/** A sink that refuses more than that is set up wrongly: it is tried again instead. */
const MOST_DEAD = 100

export class Exports extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  readonly #options: ExportOptions
  #plannedFor = Infinity
  /** Sinks that are being sent something. */
  readonly #carrying = new Set<string>()

  constructor(storage: DurableObjectStorage, options: ExportOptions) {
    super('exports')
    this.#storage = storage
    this.#options = options
  }

  override onStart(): void {
    this.#storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS exports (
        sink TEXT PRIMARY KEY, come_to INTEGER NOT NULL, failures INTEGER NOT NULL, due INTEGER NOT NULL, taken_at INTEGER, problem TEXT) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS export_dead_letters (
        sink TEXT NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, why TEXT NOT NULL, PRIMARY KEY (sink, number)) WITHOUT ROWID`)
  }

  /** There is something more to send: it goes a moment later, together with what comes until then. */
  appended(): void {
    const time = Date.now() + GATHERED_MS
    if (this.#plannedFor <= time || this.#sinks().length === 0) return
    this.#plannedFor = time
    void this.#plan(time).catch((error: unknown) => log('warn', 'export.not_planned', { reason: describeError(error) }))
  }

  async #goOn(): Promise<void> {
    await this.resume().catch((error: unknown) => log('warn', 'export.not_planned', { reason: describeError(error) }))
  }

  /** What was not sent when this object died. */
  async resume(): Promise<void> {
    if (this.#sinks().some((sink) => this.#row(sink).come_to < this.#options.evidence.head.number)) await this.#plan(Date.now())
  }

  states(): readonly ExportState[] {
    const head = this.#options.evidence.head.number
    return this.#sinks().map((sink) => {
      const { name, type, url } = sink
      const { come_to: cursor, failures, taken_at, problem } = this.#row(sink)
      const query = 'SELECT number, at, why FROM export_dead_letters WHERE sink = ? ORDER BY number'
      const deadLetters = [...this.#storage.sql.exec<DeadRow>(query, name)]
      return {
        name,
        type,
        host: new URL(url).host,
        cursor,
        head,
        failures,
        takenAt: taken_at ?? undefined,
        problem: problem ?? undefined,
        deadLetters,
      }
    })
  }

  /** Proves the way to a sink; undefined when the settings name none of that name. */
  async test(name: string): Promise<Delivered | undefined> {
    const sink = this.#sinks().find((one) => one.name === name)
    return sink && (await deliver(sink, { issuer: this.#issuer, entries: [], now: Date.now() }))
  }

  /** Sends what was refused once more, one by one. How many are left, or undefined. */
  async retry(name: string): Promise<number | undefined> {
    const sink = this.#sinks().find((one) => one.name === name)
    if (!sink) return undefined
    const left = (): readonly DeadRow[] =>
      this.#storage.sql
        .exec<DeadRow>('SELECT number, at, why FROM export_dead_letters WHERE sink = ? ORDER BY number', name)
        .toArray()
    for (const { number } of left()) {
      const { entries } = this.#options.evidence.page(number - 1, 1)
      const { outcome } = await deliver(sink, { issuer: this.#issuer, entries, now: Date.now() })
      if (outcome === 'again') break
      if (outcome === 'taken')
        this.#storage.sql.exec('DELETE FROM export_dead_letters WHERE sink = ? AND number = ?', name, number)
    }
    return left().length
  }

  async onJob(): Promise<LifecycleJobOutcome> {
    this.#plannedFor = 0
    const sinks = this.#sinks()
    const idle = sinks.filter(({ name }) => !this.#carrying.has(name))
    const carried = idle.filter((sink) => this.#row(sink).due <= Date.now()).map((sink) => this.#carriedAlone(sink))
    // One that hangs goes on by itself, and says when it is done: what comes meanwhile for the others is not kept waiting.
    const isDone = await Promise.race([
      Promise.all(carried).then(() => true),
      new Promise((resolve) => setTimeout(() => resolve(false), WAITED_FOR_MS)),
    ])
    if (isDone !== true) void Promise.all(carried).then(() => this.#goOn())
    const { number } = this.#options.evidence.head
    const left = sinks.filter(({ name }) => !this.#carrying.has(name))
    const waiting = left.map((sink) => this.#row(sink)).filter((row) => row.come_to < number)
    this.#plannedFor = waiting.length === 0 ? Infinity : Math.max(Date.now() + 1, Math.min(...waiting.map(({ due }) => due)))
    return waiting.length === 0 ? undefined : { rescheduleAt: this.#plannedFor }
  }

  /** What nobody foresaw must not end the exporting. */
  onJobError(_: unknown, error: unknown): LifecycleJobOutcome {
    log('error', 'export.stumbled', { reason: describeError(error) })
    this.#plannedFor = Date.now() + RETRY_MS.longest
    return { rescheduleAt: this.#plannedFor }
  }

  async #carriedAlone(sink: ExportSink): Promise<void> {
    this.#carrying.add(sink.name)
    try {
      await this.#carry(sink)
    } catch (error) {
      log('error', 'export.stumbled', { reason: describeError(error) })
      this.#failed(sink, this.#row(sink).failures, describeError(error))
    } finally {
      this.#carrying.delete(sink.name)
    }
  }

  async #carry(sink: ExportSink): Promise<void> {
    let most = BATCH
    for (let batch = 0; batch < MOST_BATCHES; batch += 1) {
      const { come_to: comeTo, failures } = this.#row(sink)
      const { entries } = this.#options.evidence.page(comeTo, most)
      const [first] = entries
      const last = entries.at(-1)
      if (!first || !last) return
      const { outcome, why, pauseMs } = await deliver(sink, { issuer: this.#issuer, entries, now: Date.now() })
      if (outcome === 'taken') this.#note(sink, spanOf(last)[1])
      else if (outcome === 'again' || this.#dead(sink) >= MOST_DEAD) return this.#failed(sink, failures, why, pauseMs)
      // The one that it does not take is found by halves.
      else if (entries.length > 1) most = Math.ceil(entries.length / 2)
      else this.#bury(sink, spanOf(first), why)
    }
  }

  #note({ name }: ExportSink, comeTo: number): void {
    const query = 'UPDATE exports SET come_to = ?, failures = 0, due = 0, taken_at = ?, problem = NULL WHERE sink = ?'
    this.#storage.sql.exec(query, comeTo, Math.floor(Date.now() / 1000), name)
  }

  #failed({ name }: ExportSink, failures: number, why: string, pauseMs = 0): void {
    const due = Date.now() + Math.max(backoff(RETRY_MS, Math.min(failures, 10)), pauseMs)
    log('warn', 'export.failed', { sink: name, failures: failures + 1, reason: why })
    this.#storage.sql.exec('UPDATE exports SET failures = ?, due = ?, problem = ? WHERE sink = ?', failures + 1, due, why, name)
  }

  #bury({ name }: ExportSink, [number, last]: readonly [number, number], why: string): void {
    log('warn', 'export.refused', { sink: name, number, reason: why })
    this.#storage.transactionSync(() => {
      const query = 'INSERT OR REPLACE INTO export_dead_letters (sink, number, at, why) VALUES (?, ?, ?, ?)'
      this.#storage.sql.exec(query, name, number, Math.floor(Date.now() / 1000), why)
      this.#storage.sql.exec('UPDATE exports SET come_to = ? WHERE sink = ?', last, name)
    })
  }

  #dead({ name }: ExportSink): number {
    return this.#storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM export_dead_letters WHERE sink = ?', name).one().n
  }

  #row({ name }: ExportSink): Row {
    this.#storage.sql.exec('INSERT OR IGNORE INTO exports (sink, come_to, failures, due) VALUES (?, 0, 0, 0)', name)
    return this.#storage.sql.exec<Row>('SELECT * FROM exports WHERE sink = ?', name).one()
  }

  async #plan(time: number): Promise<void> {
    await this.lifecycle.jobs.push({ id: 'exports', fn: 'carry', time })
  }

  get #issuer(): string {
    return this.#options.settings().baseUrl
  }

  /** None while the settings are wrong: then nobody comes in either. */
  #sinks(): readonly ExportSink[] {
    try {
      return this.#options.settings().exports
    } catch {
      return []
    }
  }
}

interface Row extends Record<string, SqlStorageValue> {
  sink: string
  come_to: number
  failures: number
  due: number
  taken_at: number | null
  problem: string | null
}

interface DeadRow extends Record<string, SqlStorageValue> {
  number: number
  at: number
  why: string
}
