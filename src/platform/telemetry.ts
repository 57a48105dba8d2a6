// What the broker says about itself: one JSON line per event, never a secret in it.
import { measures } from './measures.ts'

export type Level = 'info' | 'warn' | 'error'
export type Fields = Readonly<Record<string, string | number | boolean | null | undefined>>

// Anything that looks like one of our signedTokens, a bearer credential or an OAuth parameter is a leak, whoever logged it. Strangers write into
// what is logged: each alternative takes all it has begun to read, so that no part is read again for every beginning in it.
const SECRET =
  /eyJ[\w-]+(?:\.[\w.-]*)?|tok_[\w-]{20,}|Bearer\s+[\w.~+/=-]*|Basic\s+(?=[a-z+/]{0,99}\d)[a-z\d+/]{8,}={0,2}|(?<=(?:code|token|secret|state|verifier|password|passwd|passphrase|(?:api|access)[-_]?key|signature|assertion|\bsig|\bpwd)=)[^&\s"]+/gi

/** As they begin at those who give out many of them, so that they are found by programs: GitHub, GitLab, Slack, Stripe, AWS, Google and others. */
const FOREIGN =
  /\b(?:gh[oprsu]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|xox[abeoprs]-[\w-]{10,}|sk-[\w-]{20,}|[rs]k_(?:live|test)_\w{10,}|A[KS]IA[A-Z\d]{16}|ya29\.[\w-]{20,}|AIza[\w-]{30,}|npm_\w{30,}|hf_\w{20,})|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,9999}/g

/** Takes out what looks like a credential. */
export function redact(text: string): string {
  return text.replaceAll(SECRET, '[redacted]').replaceAll(FOREIGN, '[redacted]')
}

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
