// One question to a token endpoint, with the client authentication that was agreed, and what it has answered.
import { isLoopback } from '../platform/loopback.ts'
import * as oauth from 'oauth4webapi'
import { clientSecret } from '../oauth-client/client-secret.ts'
import type { Link, LinkedClient } from '../session/contract/link-client.ts'
import { meaningOf } from '../oauth-client/remote-error.ts'
import { readTokenResponse, type TokensRefused } from '../oauth-client/token-response.ts'
import { askServer, assertServerAtWork } from './ask.ts'
import { LinkError } from './link-error.ts'

/** What every call of the library is given. */
export function httpFor(endpoint: string): { [oauth.customFetch]: typeof askServer; [oauth.allowInsecureRequests]: boolean } {
  return { [oauth.customFetch]: askServer, [oauth.allowInsecureRequests]: isLoopback(new URL(endpoint)) }
}

export function authenticationOf({ secret, method }: LinkedClient): oauth.ClientAuth {
  if (secret === undefined || method === 'none') return oauth.None()
  return clientSecret(secret, method)
}

export type Tokens = Pick<Link, 'accessToken' | 'expiresAt' | 'refreshToken'> & { readonly scopes: readonly string[] }

export async function readTokens(answer: Response, now: number): Promise<Tokens> {
  assertServerAtWork(answer, 'the token endpoint')
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

/** One meaning for everything that can be thrown on the way. */
export function asLinkError(error: unknown): LinkError {
  if (error instanceof LinkError) return error
  const { reason, detail, options } = meaningOf(error, 'the authorization server')
  return new LinkError(reason, detail, options)
}

const refused: TokensRefused = (reason, detail, code) => new LinkError(reason, detail, { code })
