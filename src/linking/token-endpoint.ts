// One question to a token endpoint, with the client authentication that was agreed, and what it has answered.
import { isLoopback } from '../platform/loopback.ts'
import * as oauth from 'oauth4webapi'
import * as z from 'zod'
import { clientSecret } from '../oauth-client/client-secret.ts'
import type { Link, LinkedClient } from '../session/contract/link-client.ts'
import { ask, assertAtWork, jsonOf } from './ask.ts'
import { LinkError } from './link-error.ts'

/** What every call of the library is given. */
export function httpFor(endpoint: string): { [oauth.customFetch]: typeof ask; [oauth.allowInsecureRequests]: boolean } {
  return { [oauth.customFetch]: ask, [oauth.allowInsecureRequests]: isLoopback(new URL(endpoint)) }
}

export function authenticationOf({ secret, method }: LinkedClient): oauth.ClientAuth {
  if (secret === undefined || method === 'none') return oauth.None()
  return clientSecret(secret, method)
}

const text = z.string().min(1).optional().catch(undefined)
/** Seconds; a number beyond every calendar is no lifetime. */
const lifetime = z.coerce.number().positive().max(1e10).optional().catch(undefined)
const answerSchema = z.object({
  access_token: z.string().min(1),
  token_type: z.string().catch('bearer'),
  expires_in: lifetime,
  refresh_token: text,
  scope: text,
})
const errorSchema = z.object({ error: z.string().min(1), error_description: text })

export type Tokens = Pick<Link, 'accessToken' | 'expiresAt' | 'refreshToken'> & { readonly scopes: readonly string[] }

export async function readTokens(answer: Response, now: number): Promise<Tokens> {
  assertAtWork(answer, 'the token endpoint')
  const body = await jsonOf(answer)
  // Some servers send errors with status 200.
  const { data: refusal } = errorSchema.safeParse(body)
  if (refusal) {
    const { error: code, error_description: description = 'no description' } = refusal
    throw new LinkError('refused', `the token endpoint answered ${answer.status} ${code}: ${description}`, { code })
  }
  const { data: given } = answerSchema.safeParse(body)
  if (!answer.ok || !given) throw new LinkError('unreachable', `the token endpoint answered ${answer.status} without tokens`)
  if (given.token_type.toLowerCase() !== 'bearer')
    throw new LinkError('invalid', `the token endpoint gave a token of the type ${given.token_type}`)
  const { access_token, expires_in, refresh_token, scope = '' } = given
  return {
    accessToken: access_token,
    ...(expires_in !== undefined && { expiresAt: Math.floor(now + expires_in) }),
    ...(refresh_token !== undefined && { refreshToken: refresh_token }),
    scopes: scope.split(' ').filter((name) => name !== ''),
  }
}

/** One meaning for everything that can be thrown on the way; what nobody foresaw counts as not verified. */
export function asLinkError(error: unknown): LinkError {
  if (error instanceof LinkError) return error
  if (error instanceof oauth.AuthorizationResponseError) {
    const { error: code, error_description: description = 'no description' } = error
    const reason = code === 'access_denied' || code.endsWith('_required') ? 'denied' : 'refused'
    return new LinkError(reason, `the authorization server answered ${code}: ${description}`, { code, cause: error })
  }
  return new LinkError('invalid', error instanceof Error ? error.message : String(error), { cause: error })
}
