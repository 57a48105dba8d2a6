// What administrators read of a sink on the page Exports.
import { expect, test } from 'vitest'
import { exportsPage } from '../../../../src/pages/portal/exports.tsx'

const SINK = { name: 'siem', type: 'webhook', host: 'siem.example', cursor: 8, head: 8, failures: 0, deadLetters: [] }
const LETTER = { number: 8, at: 1_800_000_000, why: 'it answered 422' }

test.for<[string, object, string]>([
  ['that was asked nothing yet', { cursor: 0 }, 'Not answered yet'],
  ['that has refused all it was sent', { deadLetters: [LETTER] }, 'Has refused everything'],
  ['that has refused one', { deadLetters: [LETTER], takenAt: 1_800_000_000 }, 'Working'],
  ['that fails', { failures: 2, deadLetters: [LETTER] }, 'Failed 2 times'],
])('of a sink %s the page says so', ([, more, state]) => {
  const page = exportsPage({ sinks: [{ ...SINK, ...more }], csrf: 'a token', now: 1_800_000_060 })
  expect(/<span class="state[^"]*">([^<]*)</.exec(page)?.[1]).toBe(state)
})
