// What a broker costs in conformance: each check straight at a server beside the same check through the broker.
import type { Check, Scenarios } from './official-run.ts'

export type Loss = { readonly scenario: string; readonly check: Check; readonly through: Check | undefined }

export type Comparison = {
  /** Checks that pass straight at the server and do anything else through the broker, be it a warning or silence. */
  readonly losses: readonly Loss[]
  readonly rows: readonly Row[]
}

export type Row = { readonly scenario: string; readonly direct: string; readonly through: string; readonly verdict: string }

export function compare(direct: Scenarios, through: Scenarios): Comparison {
  const losses: Loss[] = []
  const rows: Row[] = []
  for (const [scenario, checks] of direct) {
    const brokered = through.get(scenario) ?? new Map<string, Check>()
    const lost = [...checks]
      .filter(([key, { status }]) => status === 'SUCCESS' && brokered.get(key)?.status !== 'SUCCESS')
      .map(([key, check]) => ({ scenario, check, through: brokered.get(key) }))
    losses.push(...lost)
    rows.push({
      scenario,
      direct: tally(checks),
      through: tally(brokered),
      verdict: lost.length > 0 ? `LOST ${lost.length}` : failures(checks) > 0 ? 'fails in both' : 'same',
    })
  }
  return { losses, rows: rows.sort((a, b) => a.scenario.localeCompare(b.scenario)) }
}

export function asTable(rows: readonly Row[]): string {
  const header: Row = { scenario: 'scenario', direct: 'direct', through: 'broker', verdict: 'verdict' }
  const width = (column: keyof Row) => Math.max(...[header, ...rows].map((row) => row[column].length))
  const widths = { scenario: width('scenario'), direct: width('direct'), through: width('through') }
  return [header, ...rows]
    .map((row) =>
      [
        row.scenario.padEnd(widths.scenario),
        row.direct.padStart(widths.direct),
        row.through.padStart(widths.through),
        row.verdict,
      ].join('  '),
    )
    .join('\n')
}

export function explain({ scenario, check, through }: Loss): string {
  const now = through ? `${through.status}: ${through.errorMessage ?? through.name}` : 'the check was never reached'
  return `${scenario}: ${check.id} (${check.name})\n    ${now}`
}

/** `passed/failed`, as the official program counts. */
function tally(checks: ReadonlyMap<string, Check>): string {
  const passed = [...checks.values()].filter(({ status }) => status === 'SUCCESS').length
  return `${passed}/${failures(checks)}`
}

function failures(checks: ReadonlyMap<string, Check>): number {
  return [...checks.values()].filter(({ status }) => status === 'FAILURE').length
}
