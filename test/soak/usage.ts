// What the broker's processes take while they run: memory now and then, and processor time, through every restart.
import { readFileSync } from 'node:fs'

const EVERY_MS = 2_000
/** Linux counts a process's time in hundredths of a second, and its memory in pages of 4 KiB. */
const TICKS_A_SECOND = 100
const PAGES_A_MB = 256

export class Usage {
  readonly #pid: () => number | undefined
  readonly #timer: NodeJS.Timeout
  readonly #began = Date.now()
  readonly #memory: number[] = []
  /** By process, as it was last seen: what a process did in its last two seconds is missing. */
  readonly #ticks = new Map<number, number>()

  /** Of this process and those that it started. */
  constructor(pid: () => number | undefined) {
    this.#pid = pid
    this.#timer = setInterval(() => this.#look(), EVERY_MS)
  }

  stop(): string {
    clearInterval(this.#timer)
    const sorted = this.#memory.toSorted((a, b) => a - b)
    const at = (part: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0)
    const seconds = [...this.#ticks.values()].reduce((sum, ticks) => sum + ticks, 0) / TICKS_A_SECOND
    const share = Math.round((100 * seconds * 1000) / (Date.now() - this.#began))
    return `memory: median ${at(0.5)} MB, most ${at(1)} MB; processor: ${Math.round(seconds)} s, ${share} % of a core`
  }

  #look(): void {
    const first = this.#pid()
    if (first === undefined) return
    const all = [first, ...childrenOf(first)].map((pid) => ({ pid, ...statOf(pid) }))
    this.#memory.push(all.reduce((sum, { megabytes = 0 }) => sum + megabytes, 0))
    for (const { pid, ticks } of all) if (ticks !== undefined) this.#ticks.set(pid, ticks)
  }
}

function childrenOf(pid: number): readonly number[] {
  return read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number)
}

function statOf(pid: number): { readonly ticks?: number; readonly megabytes?: number } {
  // The name of the program is in parentheses, and may have spaces.
  const fields = read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ')
  if (!fields) return {}
  return { ticks: Number(fields[11]) + Number(fields[12]), megabytes: Number(fields[21]) / PAGES_A_MB }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}
