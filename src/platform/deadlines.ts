// Deadlines of what waits for the network: each with a timer of its own, or many that share one.
//
// A timer that is set and cleared again costs about as much as reading a small body. What makes several waits in a row, or at once,
// and is nearly always done with them in a moment, sets one timer for all of them.

/** Calls `late` when so many milliseconds have passed, unless what it returns is called before. */
export type Deadline = (ms: number, late: () => void) => () => void

export const ownTimer: Deadline = (ms, late) => {
  const timer = setTimeout(late, ms)
  return () => clearTimeout(timer)
}

/** Sooner than any usual deadline, so that those that follow the first one find a timer that is early enough. */
const FIRST_LOOK_MS = 1_000

/**
 * For the waits of one request, or of one object. Its timer is never cleared: it looks once for what is still open, and ends with the
 * request it belongs to.
 */
export function sharedTimer(): Deadline {
  // In no order: the last one takes the place of one that is called off.
  const open: Open[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  let firesAt = Infinity
  const close = (deadline: Open): void => {
    const last = open.pop()
    if (last && last !== deadline) {
      open[deadline.place] = last
      last.place = deadline.place
    }
    deadline.place = NOWHERE
  }
  const arm = (at: number, now: number): void => {
    clearTimeout(timer)
    firesAt = at
    timer = setTimeout(look, at - now)
  }
  const look = (): void => {
    firesAt = Infinity
    const now = performance.now()
    // In their order, also where the timer itself is late.
    const due = open.filter(({ at }) => at <= now).sort((one, other) => one.at - other.at)
    for (const deadline of due) {
      if (deadline.place === NOWHERE) continue
      close(deadline)
      deadline.late()
    }
    const next = Math.min(...open.map(({ at }) => at))
    if (next < firesAt) arm(next, now)
  }
  return (ms, late) => {
    const now = performance.now()
    const deadline = { at: now + ms, late, place: open.length }
    open.push(deadline)
    if (deadline.at < firesAt) arm(Math.min(deadline.at, now + FIRST_LOOK_MS), now)
    return () => {
      if (deadline.place !== NOWHERE) close(deadline)
    }
  }
}

interface Open {
  readonly at: number
  readonly late: () => void
  /** Among those that are open. */
  place: number
}

const NOWHERE = -1
