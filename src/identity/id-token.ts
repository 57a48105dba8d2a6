// ID tokens: the claims of a token endpoint's answer, verified as OpenID Connect Core section 3.1.3.7 demands.
import { decodeJwt, type JWTVerifyOptions, type JWTVerifyResult } from 'jose'
import * as oauth from 'oauth4webapi'
import type { KeySets } from '../oauth-client/key-set.ts'
import type { Claims } from './claims.ts'
import type { Metadata } from './discovery.ts'
import { IdentityError } from './provider.ts'
import type { TokenAnswer } from './token-answer.ts'
import { CLOCK_TOLERANCE } from '../platform/clock-tolerance.ts'

export interface IdTokenVerification {
  readonly issuer: Metadata
  readonly client: oauth.Client
  readonly keys: KeySets
  /** What a sign-in expects; a refresh expects none. */
  readonly nonce: string | undefined
}

export async function verifiedClaims(
  { unverified, idToken }: TokenAnswer,
  { issuer, client, keys, nonce }: IdTokenVerification,
): Promise<Claims> {
  const result =
    nonce === undefined
      ? await oauth.processRefreshTokenResponse(issuer, client, unverified)
      : await oauth.processAuthorizationCodeResponse(issuer, client, unverified, { expectedNonce: nonce, requireIdToken: true })
  const claims = oauth.getValidatedIdTokenClaims(result)
  if (!claims || idToken === undefined) throw new IdentityError('invalid', 'the answer holds no ID token')
  // Steps 4, 5 and 10. Several audiences are refused unless `azp` says the token was issued to us: the client has to refuse audiences it does
  // not trust (step 3), and this one trusts nobody but itself. A single audience with `azp` the library leaves alone, and `iat` too.
  if (claims.azp !== undefined && claims.azp !== client.client_id)
    throw new IdentityError('invalid', 'the ID token was issued to another client')
  if (claims.iat > Date.now() / 1000 + CLOCK_TOLERANCE)
    throw new IdentityError('invalid', 'the ID token was issued in the future')
  await verifiedIdToken(idToken, issuer, keys, { algorithms: issuer.id_token_signing_alg_values_supported })
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

/** A token with the signature of the issuer, and whatever else the options want of it. */
export async function verifiedIdToken(
  token: string,
  { jwks_uri: address }: Metadata,
  keys: KeySets,
  options: JWTVerifyOptions,
): Promise<JWTVerifyResult> {
  if (address === undefined) throw new IdentityError('invalid', 'the provider publishes no keys')
  return await keys.at(address).verify(token, { clockTolerance: CLOCK_TOLERANCE, ...options })
}
