// How the object's answers travel to the router: marked as its own, with the state of the person's limit.
import type { Rate, Refused } from '../../session/contract/admission.ts'
import { DENIED, ENDED, McpRefusal, NOT_LINKED } from '../message/refusal.ts'
import { ANSWER_HEADER, refusalAnswer } from './dispatch-header.ts'

/** `answer` is of our own making: its headers may be changed. */
export function answered(answer: Response, rate: Rate): Response {
  setAll(answer.headers, marked(rateHeaders(rate)))
  return answer
}

export function setRate(headers: Headers, rate: Rate): void {
  setAll(headers, rateHeaders(rate))
}

/** The headers of an answer the object makes. */
export function marked(headers: Readonly<Record<string, string>>): Record<string, string> {
  return { ...headers, [ANSWER_HEADER]: 'carried' }
}

function setAll(headers: Headers, values: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(values)) headers.set(name, value)
}

export function rateHeaders({ limit, remaining, resetSeconds }: Rate): Record<string, string> {
  return {
    'ratelimit-limit': String(limit),
    'ratelimit-remaining': String(remaining),
    'ratelimit-reset': String(resetSeconds),
  }
}

const NOT_ADMITTED: Readonly<Record<Refused['reason'], string>> = {
  ...ENDED,
  not_linked: NOT_LINKED,
  access_denied: DENIED,
  identity_too_large:
    'your identity does not fit into the headers of a request: ask your administrator to shorten what the identity provider says about you',
  limit_exceeded: 'too many requests: wait as long as Retry-After says, and send no more at once than RateLimit-Limit says',
  auth_unavailable: 'the identity provider does not answer: try again after a moment',
}

/** Seconds, where the object names none. */
const RETRY_AFTER = 5

/** What a client is told whose request the person's object did not admit. */
export function refusedAdmission({ reason, retryAfter, rate }: Refused): McpRefusal {
  const headers = new Headers()
  if (rate) setRate(headers, rate)
  if (reason === 'limit_exceeded' || reason === 'auth_unavailable') headers.set('retry-after', String(retryAfter ?? RETRY_AFTER))
  return new McpRefusal(reason, NOT_ADMITTED[reason], { headers })
}

/** Thrown in the object where an admission, or a charge after it, says no. */
export class NotAdmitted extends Error {
  readonly refused: Refused

  constructor(refused: Refused) {
    super(refused.reason)
    this.refused = refused
  }
}

export function notAdmitted(refused: Refused): Response {
  return refusalAnswer(refusedAdmission(refused))
}

/** The object gave no answer of its own. Marked as the runtime marks what is worth another try: nothing was decided. */
export class SessionUnavailable extends Error {
  readonly retryable = true

  constructor(status: number) {
    super(`the session object failed with status ${status}`)
  }
}
