// The time in a test inside workerd: stands still at what the test says, for the test and the objects alike.
import { afterEach, beforeEach, vi } from 'vitest'

/** Unix seconds. */
export const at = (seconds: number): void => void vi.setSystemTime(seconds * 1000)

/** For all tests of a file: each begins at this time, and leaves the clock of the machine behind. */
export function eachBeginsAt(seconds: () => number): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] })
    at(seconds())
  })
  afterEach(() => {
    vi.useRealTimers()
  })
}
