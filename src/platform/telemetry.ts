// What the broker says about itself: one JSON line per event, never a secret in it.
import { measures } from './measures.ts'
import { redact } from './redact.ts'

export type Level = 'info' | 'warn' | 'error'
export type Fields = Readonly<Record<string, string | number | boolean | null | undefined>>

/** A line is for reading; a stranger's path may have many times as much. */
const LONGEST = 4_000

/** Writes one log line: `{"event": "token.refused", "request_id": …}`. Event names are an interface: keep them stable. */
export function log(level: Level, event: string, fields: Fields = {}): void {
  const safe: Record<string, unknown> = { event }
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) safe[name] = typeof value === 'string' ? redact(value).slice(0, LONGEST) : value
  }
  countEvent(event, fields)
  console[level](JSON.stringify(safe))
}

/** What is counted of it. Every refusal is logged; its code is one of ours. */
function countEvent(event: string, fields: Fields): void {
  const { code, door, outcome } = fields
  if (event === 'session.woke') measures.count('objectWakes', 'UserSession')
  else if (event === 'signal.taken') measures.count('signals', String(door), String(outcome))
  else if (event === 'signal.refused') measures.count('signals', String(door), 'refused')
  else if (event.endsWith('.refused') || event === 'request.failed') {
    if (typeof code === 'string' && OWN_CODE.test(code)) measures.count('refusals', code)
  }
}

const OWN_CODE = /^[a-zA-Z_]{1,60}$/

/** What an unexpected error may say in the log: name and redacted message; the stack stays with the runtime. */
export function describeError(error: unknown): string {
  return error instanceof Error ? redact(`${error.name}: ${error.message}`) : 'a value that is no Error was thrown'
}
