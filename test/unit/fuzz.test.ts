// Strangers' text at every door, a little of it and always the same; `npm run fuzz` sends a lot of other, and measures what it costs as it grows.
import { expect, test } from 'vitest'
import { TARGETS } from '../fuzz/all-targets.ts'

const INPUTS = 2_000
const SEED = 20_261_128

test.for(TARGETS.map(({ name, run }) => [name, run] as const))(
  '%s: whatever comes is read or refused',
  { timeout: 120_000 },
  async ([, run]) => {
    await expect(run(INPUTS, SEED)).resolves.toBeUndefined()
  },
)
