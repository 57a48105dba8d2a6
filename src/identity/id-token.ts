// ID tokens: the claims of a token endpoint's answer, verified as OpenID Connect Core section 3.1.3.7 demands.
import { decodeJwt } from 'jose'
import * as oauth from 'oauth4webapi'
import type { Claims } from './claims.ts'
import type { Metadata } from './discovery.ts'
import type { KeySet } from './jwks.ts'
import { IdentityError } from './provider.ts'
import type { TokenAnswer } from './token-answer.ts'

export const CLOCK_TOLERANCE = 60

export interface IdTokenVerification {
  readonly issuer: Metadata
  readonly client: oauth.Client
  readonly keys: KeySet
  readonly http: { readonly [oauth.allowInsecureRequests]: boolean }
  /** What a sign-in expects; a refresh expects none. */
  readonly nonce: string | undefined
}

export async function verifiedClaims(
  { unverified }: TokenAnswer,
  { issuer, client, keys, http, nonce }: IdTokenVerification,
): Promise<Claims> {
  const result =
    nonce === undefined
      ? await oauth.processRefreshTokenResponse(issuer, client, unverified)
      : await oauth.processAuthorizationCodeResponse(issuer, client, unverified, { expectedNonce: nonce, requireIdToken: true })
  const claims = oauth.getValidatedIdTokenClaims(result)
  if (!claims) throw new IdentityError('invalid', 'the answer holds no ID token')
  // Steps 4, 5 and 10. Several audiences are refused unless `azp` says the token was issued to us: the client has to refuse audiences it does
  // not trust (step 3), and this one trusts nobody but itself. A single audience with `azp` the library leaves alone, and `iat` too.
  if (claims.azp !== undefined && claims.azp !== client.client_id)
    throw new IdentityError('invalid', 'the ID token was issued to another client')
  if (claims.iat > Date.now() / 1000 + CLOCK_TOLERANCE)
    throw new IdentityError('invalid', 'the ID token was issued in the future')
  await verifySignature(issuer, unverified, keys, http)
  return claims
}

/** For finding out what to verify against; nothing else may be taken from them. */
export function unverifiedClaims(idToken: string): Claims {
  try {
    return decodeJwt(idToken)
  } catch (cause) {
    throw new IdentityError('invalid', 'the ID token is none', { cause })
  }
}

export function verifySignature(
  issuer: Metadata,
  signed: Response,
  keys: KeySet,
  http: IdTokenVerification['http'],
): Promise<void> {
  return keys.verify((options) => oauth.validateApplicationLevelSignature(issuer, signed, { ...http, ...options }))
}
