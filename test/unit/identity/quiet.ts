// The log of what is refused on purpose is kept out of the report of the tests.
import { afterEach, beforeEach, vi } from 'vitest'

/** To be called at the top of a file; `close` ends what a test has begun. */
export function quietly(close: () => Promise<void>): void {
  beforeEach(() => {
    for (const level of ['info', 'warn'] as const) vi.spyOn(console, level).mockReturnValue()
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await close()
  })
}
