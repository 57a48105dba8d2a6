// The broker's log as `npm start` shows it: warnings and errors only, as lines a person reads.
import { styleText } from 'node:util'
import type { LogLine } from './runtime.ts'

/** Undefined for lines nobody needs to see while trying the product. */
export function spoken({ level, message, isOurs }: LogLine, at: Date): string | undefined {
  if (level !== 'warn' && level !== 'error') return undefined
  // The runtime remarks on every client that hangs up, and on compatibility flags; only its errors concern anybody here.
  if (!isOurs && (level === 'warn' || /disconnected|cancell?ed/i.test(message))) return undefined
  const color = level === 'warn' ? 'yellow' : 'red'
  const mark = styleText(color, level === 'warn' ? 'warning' : 'error  ', { stream: process.stdout })
  return `  ${at.toTimeString().slice(0, 8)}  ${mark}  ${sentence(message)}`
}

/** `{"event":"token.refused","reason":"expired"}` is said as `token refused (reason: expired)`. */
function sentence(message: string): string {
  const { event, ...fields } = parsed(message)
  if (typeof event !== 'string') return message
  const details = Object.entries(fields).map(([name, value]) => `${name.replaceAll('_', ' ')}: ${String(value)}`)
  return `${event.replaceAll(/[._]/g, ' ')}${details.length > 0 ? ` (${details.join(', ')})` : ''}`
}

function parsed(message: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(message)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
