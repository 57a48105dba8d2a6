// How the identity provider is asked: one outbound call with an end, and one reading of whatever came back.
import * as oauth from 'oauth4webapi'
import * as z from 'zod'
import { readBounded } from '../platform/bounded-body.ts'
import { outbound, OutboundError } from '../platform/outbound.ts'
import { describeError } from '../platform/telemetry.ts'
import { IdentityError, type IdentityErrorReason, type RequestFault } from './provider.ts'

const ANSWER_WITHIN_MS = 15_000
/** Far more than metadata, keys, tokens or a page of groups have. */
const BOUNDS = { mostBytes: 1024 * 1024, withinMs: ANSWER_WITHIN_MS } as const
const LONGEST_DETAIL = 300

/**
 * Has the shape oauth4webapi wants for its `customFetch`. The answer is read to its end, so that nothing is left pending: a timer
 * that still ran would keep a person's object awake for as long.
 */
export async function ask(
  url: string,
  { method, headers, body }: { method: string; headers: Record<string, string>; body?: URLSearchParams | null | undefined },
): Promise<Response> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new DOMException('no answer in time', 'TimeoutError')), ANSWER_WITHIN_MS)
  try {
    const answer = await outbound('operator', url, { method, headers, body: body ?? null }, { signal: late.signal })
    const whole = answer.body && (await readBounded(answer.body, BOUNDS))
    return new Response(whole, answer)
  } catch (error) {
    throw error instanceof OutboundError ? error : new IdentityError('unreachable', describeError(error), { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

/** The JSON of an answer; `unreachable` when there is none: a provider that sends a web page instead is not at work. */
export async function jsonOf(response: Response, what: string): Promise<unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(await readBounded(response.body, BOUNDS)))
    return value
  } catch (cause) {
    throw new IdentityError('unreachable', `${what} answered ${response.status} without readable JSON`, { cause })
  }
}

/** A provider that is down or overrun has said nothing about anybody. */
export async function assertAtWork(response: Response, what: string): Promise<void> {
  if (response.status < 500 && response.status !== 429) return
  await response.body?.cancel()
  throw new IdentityError('unreachable', `${what} answered ${response.status}`)
}

/** One meaning for everything that can be thrown on the way; what nobody foresaw counts as not verified. */
export function asIdentityError(error: unknown): IdentityError {
  if (error instanceof IdentityError) return error
  const meaning = (reason: IdentityErrorReason, detail: string, code?: string, fault?: RequestFault): IdentityError =>
    new IdentityError(reason, detail.slice(0, LONGEST_DETAIL), { code, fault, cause: error })
  if (error instanceof OutboundError) return meaning('unreachable', describeError(error.cause ?? error))
  if (error instanceof oauth.AuthorizationResponseError) {
    const code = error.error
    const [reason, fault] = whatWasRefused(code)
    return meaning(reason, `the provider answered ${code}: ${error.error_description ?? 'no description'}`, code, fault)
  }
  return meaning('invalid', `${describeError(error)}${comparisonIn(error)}`)
}

// A wrong issuer or audience is nearly always a wrong setting, and the two values say which.
const comparison = z.object({
  claim: z.enum(['iss', 'aud']),
  expected: z.string().optional(),
  claims: z.record(z.string(), z.unknown()),
})

function comparisonIn(error: unknown): string {
  const found = comparison.safeParse(error instanceof Error ? error.cause : undefined)
  if (!found.success) return ''
  const { claim, claims, expected = 'the client ID alone, or azp beside it' } = found.data
  return `: expected ${expected}, got ${JSON.stringify(claims[claim])}`
}

/** RFC 6749 section 4.1.2.1: some of these are about the broker or the provider, the others about the person. The last ones are GitHub's. */
function whatWasRefused(code: string): readonly [IdentityErrorReason, RequestFault?] {
  if (code === 'server_error' || code === 'temporarily_unavailable') return ['unreachable']
  if (code === 'invalid_scope') return ['refused', 'scope']
  if (/^(?:unauthorized_client|invalid_client|application_suspended)$/.test(code)) return ['refused', 'client']
  return /^(?:invalid_|unsupported_|redirect_uri_mismatch$)/.test(code) ? ['refused', 'request'] : ['denied']
}
