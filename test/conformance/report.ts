// What the runs say, for a person at a terminal, and whether it is good news.
import type { AuthorizationRun } from './authorization-runs.ts'
import type { BothWays } from './both-ways.ts'
import { asTable, explain } from './comparison.ts'
import type { OfficialRun } from './official-run.ts'

type Print = (text: string) => void

/** Answers the exit code. */
export function report(runs: readonly BothWays[], print: Print = console.log): 0 | 1 {
  for (const { name, direct, through, comparison } of runs) {
    print(`\n${name}  (passed/failed; direct ${direct.seconds.toFixed(1)} s, through the broker ${through.seconds.toFixed(1)} s)`)
    print(asTable(comparison.rows))
  }
  return conclude(runs.flatMap(troublesOf), 'Everything that passes straight at the server passes through the broker.', print)
}

/** Scenarios that can not be translated are named with the reason; one that is named and passes is named for nothing. */
export function reportBridge(
  { name, direct, through, comparison }: BothWays,
  notTranslated: ReadonlyMap<string, string>,
  print: Print = console.log,
): 0 | 1 {
  print(`\n${name}  (passed/failed; direct ${direct.seconds.toFixed(1)} s, through the bridge ${through.seconds.toFixed(1)} s)`)
  print(asTable(comparison.rows))
  const lost = new Set(comparison.losses.map(({ scenario }) => scenario))
  for (const [scenario, why] of notTranslated) print(`  ${scenario.padEnd(42)}  not translated: ${why}`)
  const losses = comparison.losses.filter(({ scenario }) => !notTranslated.has(scenario))
  const needless = [...notTranslated.keys()].filter((scenario) => !lost.has(scenario))
  const troubles = [
    ...(direct.passed ? [] : [`the fixture fails by itself\n${lastLines(direct.output)}`]),
    ...losses.map((loss) => explain(loss)),
    ...needless.map((scenario) => `${scenario}: passes, and is said not to be translated`),
  ]
  return conclude(troubles, 'Everything that can be translated passes.', print)
}

/** A check that was skipped has not been passed; the program marks as a warning what a revision only recommends. */
export function reportAuthorization(runs: readonly AuthorizationRun[], print: Print = console.log): 0 | 1 {
  for (const { revision, checks } of runs) {
    print(`\n${revision}`)
    for (const { status, id, errorMessage } of checks)
      print(`  ${status.padEnd(7)}  ${id}${errorMessage ? `: ${errorMessage}` : ''}`)
  }
  const troubles = runs.flatMap(({ revision, checks, output }) => [
    ...SIGN_IN_CHECKS.filter((id) => !checks.some((check) => check.id === id)).map(
      (id) => `${revision}: ${id} was never reached\n${lastLines(output)}`,
    ),
    ...checks
      .filter(({ status }) => status === 'FAILURE' || status === 'SKIPPED')
      .map(({ id, status, errorMessage }) => `${revision}: ${id}\n    ${status}: ${errorMessage ?? ''}`),
  ])
  return conclude(troubles, 'The broker is an authorization server by every revision.', print)
}

/** Every scenario counts, without exception. `counts` leaves out those about something else. */
export function reportClient(
  runs: readonly OfficialRun[],
  counts: (scenario: string) => boolean,
  print: Print = console.log,
): 0 | 1 {
  const troubles: string[] = []
  for (const { scenarios, output } of runs) {
    const counted = [...scenarios].filter(([scenario]) => counts(scenario))
    if (counted.length === 0) troubles.push(`the program ran nothing\n${lastLines(output)}`)
    for (const [scenario, found] of counted) {
      const checks = [...found.values()]
      const bad = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
      const passed = checks.filter(({ status }) => status === 'SUCCESS').length
      print(`  ${scenario.padEnd(44)}  ${passed} passed, ${bad.length} failed`)
      const why = bad.map(({ id, status, errorMessage = '' }) => `    ${status}: ${id} ${errorMessage}`)
      if (bad.length > 0 || passed === 0) troubles.push([scenario, ...why].join('\n'))
    }
  }
  for (const [scenario, why] of NOT_FOR_A_BROKER) print(`  ${scenario.padEnd(44)}  not run: ${why}`)
  return conclude(troubles, 'The broker is a client of OAuth by every scenario for one.', print)
}

/** Extensions that a client may leave out. */
const NOT_FOR_A_BROKER: readonly (readonly [scenario: string, why: string])[] = [
  ['auth/client-credentials-jwt', 'it is for programs without a person, and a link is a person’s own'],
  ['auth/client-credentials-basic', 'the same'],
  [
    'auth/enterprise-managed-authorization',
    'it needs an ID-JAG of the identity provider, which the broker takes and does not ask for',
  ],
  ['auth/dpop', 'tokens toward servers are bearer tokens; whoever gives another kind is refused'],
  ['auth/dpop-nonce', 'the same'],
  ['auth/wif-jwt-bearer', 'it is for workloads that a platform vouches for, and a link is a person’s own'],
]

const SIGN_IN_CHECKS = ['authorization-server-metadata', 'authorization-code-grant']

function conclude(troubles: readonly string[], goodNews: string, print: Print): 0 | 1 {
  if (troubles.length === 0) {
    print(`\n${goodNews}`)
    return 0
  }
  print(`\n${troubles.length} ${troubles.length === 1 ? 'thing' : 'things'} to look at:`)
  for (const trouble of troubles) print(`  ${trouble}`)
  return 1
}

/** A fixture that fails by itself would have nothing to lose through a broker, so it has to pass first. */
function troublesOf({ name, direct, comparison }: BothWays): string[] {
  const fixture = direct.passed ? [] : [`${name}: the fixture fails by itself\n${lastLines(direct.output)}`]
  return [...fixture, ...comparison.losses.map((loss) => `${name} ${explain(loss)}`)]
}

function lastLines(output: string): string {
  return output.trimEnd().split('\n').slice(-15).join('\n')
}
