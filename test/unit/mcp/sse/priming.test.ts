// Which clients get an event that has an id and no data.
import { expect, test } from 'vitest'
import { understandsPriming } from '../../../../src/mcp/sse/priming.ts'

test.for<[string | undefined, boolean]>([
  [undefined, false],
  ['2025-03-26', false],
  ['2025-06-18', false],
  ['2025-11-25', true],
  ['2026-07-28', true],
])('a client of revision %s: %s', ([version, understands]) => {
  expect(understandsPriming(version)).toBe(understands)
})
