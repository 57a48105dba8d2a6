// What a person's object carries, told to the Directory for its charts: how many requests since the last time, and how many streams are open.
//
// It is counted in memory and told a moment after something happened, before the object falls asleep: a request pays an addition, a
// silent stream nothing. A crash, or a Directory that is away, loses at most what was counted and not told; nothing is decided by it.
import { describeError, log } from '../../platform/telemetry.ts'

export interface LoadReport {
  readonly sub: string
  /** Admitted since the last report. */
  readonly requests: number
  /** Streams that are open now. */
  readonly open: number
}

export interface LoadOptions {
  readonly tell: (report: Omit<LoadReport, 'sub'>) => Promise<void>
  readonly open: () => number
}

/** After the last thing that happened; an object falls asleep ten seconds after it. */
const TOLD_AFTER_MS = 2_000
/** Between two reports while things go on happening; never more than an object stays awake for by itself. */
const AT_MOST_EVERY_MS = 10_000
/** However busy it is. */
const AT_LEAST_EVERY_MS = 60_000

export class Load {
  #options: LoadOptions | undefined
  #requests = 0
  #told: number | undefined
  #happenedAt = 0
  #happened = 0
  #untoldSince = 0
  #toldAt = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  open(options: LoadOptions): void {
    this.#options = options
  }

  request(count = 1): void {
    this.#requests += count
    this.changed()
  }

  /** A stream was opened or has ended. */
  changed(): void {
    this.#happenedAt = Date.now()
    this.#happened += 1
    if (this.#timer !== undefined) return
    this.#untoldSince = this.#happenedAt
    this.#plan(this.#happenedAt)
  }

  /** Tells the number of streams although nothing has changed: what the Directory knows gets too old otherwise. */
  confirm(): void {
    this.#told = undefined
    this.changed()
  }

  #plan(now: number): void {
    const quiet = Math.max(this.#happenedAt + TOLD_AFTER_MS, this.#toldAt + AT_MOST_EVERY_MS)
    const due = Math.min(quiet, this.#untoldSince + AT_LEAST_EVERY_MS)
    const seen = this.#happened
    this.#timer = setTimeout(
      () => {
        const later = Date.now()
        if (this.#happened !== seen && later < this.#untoldSince + AT_LEAST_EVERY_MS) return this.#plan(later)
        this.#timer = undefined
        void this.#tell(later)
      },
      Math.max(0, due - now),
    )
  }

  async #tell(now: number): Promise<void> {
    const open = this.#options?.open() ?? 0
    const requests = this.#requests
    if (!this.#options || (requests === 0 && open === this.#told)) return
    this.#requests = 0
    this.#toldAt = now
    this.#told = open
    try {
      await this.#options.tell({ requests, open })
    } catch (error) {
      // Told with what comes next; a chart is no reason to stay awake.
      this.#requests += requests
      this.#told = undefined
      log('info', 'load.not_told', { reason: describeError(error) })
    }
  }
}
