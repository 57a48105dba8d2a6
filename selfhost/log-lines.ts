// The log of a self-hosted broker: one JSON object per line on stdout, of the Worker, of the runtime and of this process alike.

export type Level = 'info' | 'warn' | 'error'

export function say(level: Level, event: string, fields: Readonly<Record<string, unknown>> = {}): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`)
}

/** What the Worker logs is an object already; what the runtime says becomes one. */
export function pass(line: string): void {
  const { level = 'error', message = line } = objectIn(line)
  const own = typeof message === 'string' ? objectIn(message) : {}
  const { event, ...fields } = own
  const known: Level = level === 'warn' || level === 'error' ? level : 'info'
  if (typeof event === 'string') say(known, event, fields)
  // The runtime remarks on each client that hangs up.
  else if (!/disconnected|cancell?ed/i.test(String(message))) say(known, 'runtime.said', { message: String(message) })
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
