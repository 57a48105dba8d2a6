// One question to a token endpoint, with the client authentication that was agreed, and what it has answered.
import { isLoopback } from '../platform/loopback.ts'
import * as oauth from 'oauth4webapi'
import { clientSecret } from '../oauth-client/client-secret.ts'
import type { Link, LinkedClient } from '../session/contract/link-client.ts'
import { readTokenResponse, type TokensRefused } from '../oauth-client/token-response.ts'
import { ask, assertAtWork } from './ask.ts'
import { LinkError } from './link-error.ts'

/** What every call of the library is given. */
export function httpFor(endpoint: string): { [oauth.customFetch]: typeof ask; [oauth.allowInsecureRequests]: boolean } {
  return { [oauth.customFetch]: ask, [oauth.allowInsecureRequests]: isLoopback(new URL(endpoint)) }
}

export function authenticationOf({ secret, method }: LinkedClient): oauth.ClientAuth {
  if (secret === undefined || method === 'none') return oauth.None()
  return clientSecret(secret, method)
}

export type Tokens = Pick<Link, 'accessToken' | 'expiresAt' | 'refreshToken'> & { readonly scopes: readonly string[] }

export async function readTokens(answer: Response, now: number): Promise<Tokens> {
  assertAtWork(answer, 'the token endpoint')
  const given = await readTokenResponse(answer, refused)
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

const refused: TokensRefused = (reason, detail, code) => new LinkError(reason, detail, { ...(code !== undefined && { code }) })
