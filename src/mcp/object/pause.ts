// Waiting that an abort cuts short: between two attempts that nobody may want any more.

export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const wake = (): void => resolve()
  const timer = setTimeout(wake, ms)
  signal.addEventListener('abort', wake, { once: true })
  await promise
  clearTimeout(timer)
  signal.removeEventListener('abort', wake)
}

const LONGEST_MS = 30_000

/** At least so far apart, in milliseconds, the downstream is asked however often clients come back. */
const SOONEST_MS = 1_000

interface Resting {
  readonly abort: AbortController
  wake: AbortController | undefined
  askedAt: number
}

/** As long as the downstream wants to be left alone, or until a client comes back for the rest: true then. */
export async function rest(live: Resting, ms: number): Promise<boolean> {
  const wake = new AbortController()
  live.wake = wake
  await pause(Math.min(ms, LONGEST_MS), AbortSignal.any([live.abort.signal, wake.signal]))
  live.wake = undefined
  if (wake.signal.aborted) await pause(Math.max(0, live.askedAt + SOONEST_MS - Date.now()), live.abort.signal)
  live.askedAt = Date.now()
  return wake.signal.aborted
}
