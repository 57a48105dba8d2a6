// How the identity provider is asked, and one reading of whatever went wrong on the way.
import * as oauth from 'oauth4webapi'
import * as z from 'zod'
import { asking, isAtWork, jsonIn, type Ask } from '../oauth-client/ask.ts'
import { KeysAway, type PublishedKeys } from '../oauth-client/key-set.ts'
import { keysPublishedAt } from '../oauth-client/published-keys.ts'
import { describeError } from '../platform/telemetry.ts'
import { IdentityError, type IdentityErrorReason, type RequestFault } from './provider.ts'

const ANSWER_WITHIN_MS = 15_000
/** Far more than metadata, keys, tokens or a page of groups have. */
const MOST_BYTES = 1024 * 1024
const LONGEST_DETAIL = 300

export const ask: Ask = asking({
  withinMs: ANSWER_WITHIN_MS,
  mostBytes: MOST_BYTES,
  by: () => 'operator',
  unanswered: (cause) => new IdentityError('unreachable', describeError(cause), { cause }),
})

/** The JSON of an answer; `unreachable` when there is none: a provider that sends a web page instead is not at work. */
export async function jsonOf(response: Response, what: string): Promise<unknown> {
  const value = await jsonIn(response)
  if (value === undefined) throw new IdentityError('unreachable', `${what} answered ${response.status} without readable JSON`)
  return value
}

/** A provider that is down or overrun has said nothing about anybody. */
export async function assertAtWork(response: Response, what: string): Promise<void> {
  if (isAtWork(response)) return
  await response.body?.cancel()
  throw new IdentityError('unreachable', `${what} answered ${response.status}`)
}

/** The same in one step. */
export const askAtWork: Ask = async (url, question) => {
  const answer = await ask(url, question)
  await assertAtWork(answer, url)
  return answer
}

/** The keys at the address that a document of this issuer names. */
export async function askForKeys(address: string, issuer: string): Promise<PublishedKeys> {
  return await keysPublishedAt(address, { issuer, ask, failed: keysFailed })
}

function keysFailed(detail: string, isAway: boolean): IdentityError {
  return new IdentityError(isAway ? 'unreachable' : 'invalid', detail)
}

/** One meaning for everything that can be thrown on the way; what nobody foresaw counts as not verified. */
export function asIdentityError(error: unknown): IdentityError {
  if (error instanceof IdentityError) return error
  if (error instanceof KeysAway) return asIdentityError(error.cause)
  const meaning = (reason: IdentityErrorReason, detail: string, code?: string, fault?: RequestFault): IdentityError =>
    new IdentityError(reason, detail.slice(0, LONGEST_DETAIL), { code, fault, cause: error })
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
