// What a benchmark found, as a table for the terminal and as the one in README.
import { shown, table, type Spread } from './figures.ts'

export interface Row {
  readonly way: string
  readonly requestsPerSecond: Spread
  readonly cpuMicroseconds: Spread
  readonly ofPassThrough: Spread
  readonly ofObjectHop: Spread
  readonly cpuOfObjectHop: Spread
  readonly cpuOfSameSteps: Spread
  readonly cpuOfOwnedSteps: Spread
  /** Calls to an object for each request. */
  readonly calls: number
  /** With one request at a time, in milliseconds. */
  readonly p50: Spread
  readonly p99: Spread
}

/** Kept in docs/benchmark.json; the table of README is made of it and of nothing else. */
export interface Report {
  readonly machine: { readonly cores: number; readonly platform: string; readonly node: string }
  readonly connections: number
  readonly rows: readonly Row[]
}

export function asText({ rows }: Report): string {
  const [bare] = rows
  const added = (row: Row, figure: 'p50' | 'p99'): string => {
    const more = row[figure].median - (bare?.[figure].median ?? 0)
    return `${more < 0 ? '' : '+'}${more.toFixed(2)}`
  }
  const figures = rows.map((row) => [
    row.way,
    shown(row.requestsPerSecond, 0),
    shown(row.ofPassThrough, 2),
    shown(row.ofObjectHop, 2),
    shown(row.cpuMicroseconds, 0),
    row.cpuOfObjectHop.median.toFixed(2),
    row.cpuOfSameSteps.median.toFixed(2),
    row.cpuOfOwnedSteps.median.toFixed(2),
    perRequest(row.calls),
    `${row.p50.median.toFixed(2)} ${added(row, 'p50')}`,
    `${row.p99.median.toFixed(2)} ${added(row, 'p99')}`,
  ])
  const heads = [
    'median of the rounds (lowest–highest)',
    'requests/s',
    'of (a)',
    'of (b)',
    'CPU µs/request',
    'of (b)',
    'of (c)',
    'of (d)',
    'calls/request',
    'p50 ms',
    'p99 ms',
  ]
  return table([heads, ...figures])
}

/** The text between the two marks in README. */
export function asMarkdown({ machine, connections, rows }: Report): string {
  const cells = rows.map(({ way, requestsPerSecond, ofPassThrough, cpuMicroseconds, calls, p50 }) => [
    way,
    requestsPerSecond.median.toFixed(0),
    ofPassThrough.median.toFixed(2),
    cpuMicroseconds.median.toFixed(0),
    perRequest(calls),
    p50.median.toFixed(2),
  ])
  const heads = ['a tool call through', 'requests/s', 'of the first', 'CPU µs', 'calls to an object', 'p50 ms']
  const lines = [heads, heads.map((_, column) => (column === 0 ? '---' : '---:')), ...cells].map(
    (line) => `| ${line.join(' | ')} |`,
  )
  return `${lines.join('\n')}

Throughput with ${connections} connections, latency with one; ${machine.cores} cores shared by client, server and runtime.`
}

export const MARKS = { begin: '<!-- Written by `npm run bench -- --write`. -->', end: '<!-- end -->' } as const

/** README with the table in its place; throws where it has no place for one. */
export function withTable(readme: string, report: Report): string {
  const [before, begun] = readme.split(MARKS.begin)
  const after = begun?.split(MARKS.end)[1]
  if (before === undefined || after === undefined) throw new Error(`README.md has no ${MARKS.begin} … ${MARKS.end}`)
  return `${before}${MARKS.begin}\n\n${asMarkdown(report)}\n\n${MARKS.end}${after}`
}

function perRequest(calls: number): string {
  return Number.isInteger(calls) ? String(calls) : calls < 0.01 ? calls.toFixed(4) : calls.toFixed(2)
}
