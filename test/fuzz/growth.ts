// Whether the cost of an input is linear in its size: ten times the input may take at most fifteen times as long.
import type { Growth } from './target.ts'

const TIMES = 10
const MOST_TIMES_AS_LONG = 15
/** Below this a measurement says more about the machine than about the code. */
const SHORTEST_MS = 30
const LARGEST = 4 * 1024 * 1024
const ROUNDS = 5
/** Somebody else's work on the machine makes one comparison wrong, not three. */
const COMPARISONS = 3

export interface Grown {
  readonly name: string
  /** Bytes of the larger input. */
  readonly size: number
  readonly ms: number
  readonly factor: number
  readonly isLinear: boolean
}

interface Compared {
  readonly smaller: number
  readonly larger: number
}

export async function grown({ name, prepare, most = LARGEST }: Growth): Promise<Grown> {
  let small = Math.min(2_000, most / TIMES)
  let result = await compared(prepare, small)
  // What takes long enough at a small size is judged there, so that something cubic ends, too.
  while (result.larger < SHORTEST_MS && small * TIMES * 2 <= most) {
    small *= 2
    result = await compared(prepare, small)
  }
  let factor = factorOf(result)
  for (let again = 1; again < COMPARISONS && factor > MOST_TIMES_AS_LONG; again += 1)
    factor = Math.min(factor, factorOf(await compared(prepare, small)))
  return { name, size: small * TIMES, ms: result.larger, factor, isLinear: factor <= MOST_TIMES_AS_LONG }
}

function factorOf({ smaller, larger }: Compared): number {
  return larger / Math.max(smaller, SHORTEST_MS / TIMES)
}

async function compared(prepare: Growth['prepare'], small: number): Promise<Compared> {
  return { smaller: await fastest(prepare(small)), larger: await fastest(prepare(small * TIMES)) }
}

/** CPU time, milliseconds: the fastest of a few, as whatever disturbs a measurement makes it longer. */
async function fastest(run: () => unknown): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = process.cpuUsage()
    await run()
    const { user, system } = process.cpuUsage(start)
    best = Math.min(best, (user + system) / 1000)
  }
  return best
}
