// How the object's answers travel to the router: marked as its own, with the state of the person's limit.
import type { Rate, Refused } from '../../session/admission.ts'
import { McpRefusal } from '../refusal.ts'
import { ANSWER_HEADER, refusalAnswer } from './order.ts'

export function answered(answer: Response, more: Headers): Response {
  const headers = new Headers(answer.headers)
  for (const [name, value] of more) headers.set(name, value)
  headers.set(ANSWER_HEADER, 'carried')
  return new Response(answer.body, { status: answer.status, headers })
}

export function rateHeaders({ limit, remaining, resetSeconds }: Rate): Headers {
  return new Headers({
    'ratelimit-limit': String(limit),
    'ratelimit-remaining': String(remaining),
    'ratelimit-reset': String(resetSeconds),
  })
}

const NOT_ADMITTED: Readonly<Record<Refused['reason'], string>> = {
  credential_revoked: 'Unauthorized: access was taken back, sign in again',
  session_expired: 'Unauthorized: the session is over, sign in again',
  limit_exceeded: 'too many requests: wait as long as Retry-After says',
  auth_unavailable: 'the identity provider does not answer: try again after a moment',
}

/** Seconds, where the object names none. */
const RETRY_AFTER = 5

/** The refusal of an admission and the headers that go with it, whoever words it for the client. */
export function refusalOfAdmission(
  { reason, retryAfter, rate }: Refused,
  id?: string,
): { refusal: McpRefusal; headers: Headers } {
  const headers = rate ? rateHeaders(rate) : new Headers()
  if (reason === 'limit_exceeded' || reason === 'auth_unavailable') headers.set('retry-after', String(retryAfter ?? RETRY_AFTER))
  return { refusal: new McpRefusal(reason, NOT_ADMITTED[reason], { id }), headers }
}

export function notAdmitted(refused: Refused): Response {
  const { refusal, headers } = refusalOfAdmission(refused)
  return refusalAnswer(refusal, headers)
}
