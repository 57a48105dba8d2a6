// What the commands of npm run admin print: rows and columns, times, and nothing that could steer the terminal.
import type { Answer } from './signals.ts'

export function table(rows: readonly Answer[] = [], columns: readonly string[]): string {
  if (rows.length === 0) return '(none)'
  const cells = rows.map((row) => columns.map((column) => cell(column, row[column])))
  const widths = columns.map((column, at) => Math.max(column.length, ...cells.map((row) => row[at]?.length ?? 0)))
  return [columns, ...cells]
    .map((row) =>
      row
        .map((text, at) => text.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function cell(column: string, value: unknown): string {
  if (value === undefined || value === null || value === false) return '-'
  if (typeof value === 'number' && /(?:^a|A)t$/.test(column)) return when(value)
  if (typeof value === 'boolean') return 'yes'
  const text = Array.isArray(value) ? value.join(' ') : typeof value === 'string' ? value : JSON.stringify(value)
  return clean(text).slice(0, 80)
}

/** Names are what strangers call themselves; none of them may steer the terminal. */
export function clean(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '')
}

export function when(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
