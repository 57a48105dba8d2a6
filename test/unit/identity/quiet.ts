// The log of what is refused on purpose is kept out of the report of the tests.
import { vi } from 'vitest'
import type { Closing } from '../../world/begun.ts'
import { perTest } from '../../world/fixture.ts'

/** To be called at the top of a file; a test begins what it needs with `closing`, and it ends with the test. */
export function quietly(): { readonly closing: Closing } {
  return perTest((closing, onEnd) => {
    for (const level of ['info', 'warn'] as const) vi.spyOn(console, level).mockReturnValue()
    onEnd(() => vi.restoreAllMocks())
    return { closing }
  })
}
