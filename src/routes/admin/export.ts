// Security events as files: JSON Lines for programs, CSV for spreadsheets, page by page so that size does not matter.
import type { EventFilter, RecordedEvent } from '../../directory/security-events.ts'
import type { Services } from '../../services.ts'
import { listEvents } from './reading.ts'

export type ExportFormat = 'jsonl' | 'csv'

const COLUMNS = [
  'number',
  'at',
  'type',
  'sub',
  'clientId',
  'clientName',
  'grantId',
  'actor',
  'reason',
  'actorName',
] as const satisfies readonly (keyof RecordedEvent)[]
const PAGE = 1_000

export const EXPORT_HEADERS: Readonly<Record<ExportFormat, Readonly<Record<string, string>>>> = {
  jsonl: { 'Content-Type': 'application/x-ndjson', 'Content-Disposition': 'attachment; filename="security-events.jsonl"' },
  csv: {
    'Content-Type': 'text/csv; charset=utf-8; header=present',
    'Content-Disposition': 'attachment; filename="security-events.csv"',
  },
}

/** Newest first, `most` of them at most. */
export function exported(
  services: Services,
  filter: EventFilter,
  format: ExportFormat,
  most = Infinity,
): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder()
  let before = filter.before
  let left = most
  let isFirst = true
  return new ReadableStream({
    async pull(controller) {
      const { items, next } = await listEvents(services, { ...filter, before, most: Math.min(PAGE, left) })
      const head = isFirst && format === 'csv' ? csvLine(COLUMNS) : ''
      isFirst = false
      left -= items.length
      before = Number(next)
      const text = head + items.map((event) => (format === 'csv' ? csvOf(event) : `${JSON.stringify(event)}\n`)).join('')
      if (text !== '') controller.enqueue(utf8.encode(text))
      if (next === undefined || left <= 0) controller.close()
    },
  })
}

function csvOf(event: RecordedEvent): string {
  return csvLine(COLUMNS.map((column) => (column === 'at' ? new Date(event.at * 1000).toISOString() : event[column])))
}

/** RFC 4180. Names of clients are what strangers call themselves: none of them may become a formula. */
export function csvLine(cells: readonly (string | number | undefined)[]): string {
  const written = cells.map((cell) => {
    const text = String(cell ?? '')
    const isFormula = typeof cell === 'string' && /^[\s\p{Cc}\p{Cf}]*[=+\-@＝＋－＠]|^[\t\r\n]/u.test(text)
    return `"${(isFormula ? `'${text}` : text).replaceAll('"', '""')}"`
  })
  return `${written.join(',')}\r\n`
}
