// How the identity provider is asked, and one reading of whatever went wrong on the way.
import * as z from 'zod'
import { asking, isAtWork, jsonBody, type Ask } from '../oauth-client/ask.ts'
import type { PublishedKeys } from '../oauth-client/key-set.ts'
import { keysPublishedAt } from '../oauth-client/published-keys.ts'
import { meaningOf } from '../oauth-client/remote-error.ts'
import { describeError } from '../platform/telemetry.ts'
import { IdentityError } from './provider.ts'

const ANSWER_WITHIN_MS = 15_000
/** Far more than metadata, keys, tokens or a page of groups have. */
const MOST_BYTES = 1024 * 1024

export const askIdentityProvider: Ask = asking({
  withinMs: ANSWER_WITHIN_MS,
  mostBytes: MOST_BYTES,
  by: () => 'operator',
  unanswered: (cause) => new IdentityError('unreachable', describeError(cause), { cause }),
})

/** The JSON of an answer; `unreachable` when there is none: a provider that sends a web page instead is not at work. */
export async function answeredJson(response: Response, what: string): Promise<unknown> {
  const value = await jsonBody(response)
  if (value === undefined) throw new IdentityError('unreachable', `${what} answered ${response.status} without readable JSON`)
  return value
}

/** A provider that is down or overrun has said nothing about anybody. */
export async function assertProviderAtWork(response: Response, what: string): Promise<void> {
  if (isAtWork(response)) return
  await response.body?.cancel()
  throw new IdentityError('unreachable', `${what} answered ${response.status}`)
}

/** The same in one step. */
export const askProviderAtWork: Ask = async (url, question) => {
  const answer = await askIdentityProvider(url, question)
  await assertProviderAtWork(answer, url)
  return answer
}

/** The keys at the address that a document of this issuer names. */
export async function askForKeys(address: string, issuer: string): Promise<PublishedKeys> {
  return await keysPublishedAt(address, { issuer, ask: askIdentityProvider, failed: keysFailed })
}

function keysFailed(detail: string, isAway: boolean): IdentityError {
  return new IdentityError(isAway ? 'unreachable' : 'invalid', detail)
}

/** One meaning for everything that can be thrown on the way. */
export function asIdentityError(error: unknown): IdentityError {
  if (error instanceof IdentityError) return error
  const { reason, detail, options } = meaningOf(error, 'the provider', (thrown) => describeError(thrown) + comparisonIn(thrown))
  return new IdentityError(reason, detail, options)
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
