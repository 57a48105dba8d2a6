// What the runs say, for a person at a terminal, and whether it is good news.
import type { AuthorizationRun } from './authorization-runs.ts'
import type { BothWays } from './both-ways.ts'
import { asTable, explain } from './comparison.ts'

type Print = (text: string) => void

/** Answers the exit code. */
export function report(runs: readonly BothWays[], print: Print = console.log): 0 | 1 {
  for (const { name, direct, through, comparison } of runs) {
    print(`\n${name}  (passed/failed; direct ${direct.seconds.toFixed(1)} s, through the broker ${through.seconds.toFixed(1)} s)`)
    print(asTable(comparison.rows))
  }
  return conclude(runs.flatMap(troublesOf), 'Everything that passes straight at the server passes through the broker.', print)
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
