// A broker may not lose a single check, in whatever way a check can be lost.
import { describe, expect, test } from 'vitest'
import { asTable, compare, explain } from '../../conformance/comparison.ts'
import type { Check, Scenarios } from '../../conformance/official-run.ts'

const check = (id: string, status: Check['status'], errorMessage?: string): Check => ({
  id,
  name: 'Named',
  status,
  ...(errorMessage !== undefined && { errorMessage }),
})

function scenarios(all: Readonly<Record<string, readonly Check[]>>): Scenarios {
  return new Map(
    Object.entries(all).map(([name, checks]) => [name, new Map(checks.map((each) => [`${each.id} ${each.name}`, each]))]),
  )
}

const direct = scenarios({ ping: [check('ping', 'SUCCESS')] })

describe('a check that passes directly is lost when through the broker', () => {
  test.for<[string, Scenarios, string]>([
    ['it fails', scenarios({ ping: [check('ping', 'FAILURE', 'no answer')] }), 'FAILURE: no answer'],
    ['it becomes a warning', scenarios({ ping: [check('ping', 'WARNING')] }), 'WARNING: Named'],
    ['it is skipped', scenarios({ ping: [check('ping', 'SKIPPED')] }), 'SKIPPED: Named'],
    ['it is not reached', scenarios({ ping: [] }), 'the check was never reached'],
    ['its scenario does not run', scenarios({}), 'the check was never reached'],
    [
      'only a namesake passes',
      scenarios({ ping: [{ ...check('ping', 'SUCCESS'), name: 'Other' }] }),
      'the check was never reached',
    ],
  ])('%s', ([, through, now]) => {
    const { losses, rows } = compare(direct, through)
    expect(losses.map(explain)).toEqual([`ping: ping (Named)\n    ${now}`])
    expect(rows[0]?.verdict).toBe('LOST 1')
  })
})

describe('nothing is lost when', () => {
  test.for<[string, Check['status'], Check['status'], string]>([
    ['a check passes both ways', 'SUCCESS', 'SUCCESS', 'same'],
    ['a check fails both ways', 'FAILURE', 'FAILURE', 'fails in both'],
    ['a broker mends what fails directly', 'FAILURE', 'SUCCESS', 'fails in both'],
    ['a remark is worded otherwise', 'INFO', 'WARNING', 'same'],
  ])('%s', ([, before, now, verdict]) => {
    const { losses, rows } = compare(scenarios({ ping: [check('ping', before)] }), scenarios({ ping: [check('ping', now)] }))
    expect(losses).toEqual([])
    expect(rows[0]?.verdict).toBe(verdict)
  })
})

test('the table counts as the official program does and lines its columns up', () => {
  const straight = scenarios({ 'tools-list': [check('a', 'SUCCESS'), check('b', 'SUCCESS')], ping: [check('ping', 'SUCCESS')] })
  const brokered = scenarios({ 'tools-list': [check('a', 'SUCCESS'), check('b', 'FAILURE')], ping: [check('ping', 'SUCCESS')] })
  expect(asTable(compare(straight, brokered).rows).split('\n')).toEqual([
    'scenario    direct  broker  verdict',
    'ping           1/0     1/0  same',
    'tools-list     2/0     1/1  LOST 1',
  ])
})
