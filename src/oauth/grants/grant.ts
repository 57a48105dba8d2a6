// What every grant type is to the token endpoint, and the one way a pair of tokens is made.
import type { Redemption } from '../../session/store/codes.ts'
import type { Presented, TokenFacts, TokenOutcome, TokenRefusal } from '../../session/access/tokens.ts'
import type { Downstream } from '../../settings/downstreams.ts'
import type { ClientKind } from '../client-auth/clients.ts'
import type { SignedTokens, GrantReference, Lifetimes } from '../tokens/signed-tokens.ts'
import { OAuthError } from '../../clients/oauth-error.ts'
import { canonicalResource } from '../resource.ts'

/** The part of `UserSession` the token endpoint talks to. */
interface TokenSession {
  redeem(asked: Redemption): Promise<TokenOutcome>
  refresh(asked: Presented): Promise<TokenOutcome>
}

export interface TokenRequest {
  readonly clientId: string
  /** `signing` says that there is a signature, and nothing about it before `confirm`. */
  readonly kind: ClientKind
  /** To be called with the token that was presented, once it has proved to be this client's; true when the client has signed. */
  readonly confirm: (token: GrantReference) => Promise<boolean>
  /** Form parameters; the pipeline has made sure that none is repeated except `resource`. */
  readonly form: URLSearchParams
}

export interface GrantServices {
  readonly signedTokens: SignedTokens
  readonly lifetimes: Lifetimes
  readonly downstreams: readonly Downstream[]
  readonly session: (sub: string) => TokenSession
}

/** RFC 6749 section 5.1, and for an exchanged token RFC 8693 section 2.2.1. */
export interface IssuedTokens {
  readonly access_token: string
  readonly issued_token_type?: string
  readonly token_type: 'Bearer'
  readonly expires_in: number
  readonly refresh_token?: string
  readonly scope: string
}

export type GrantType = (request: TokenRequest, services: GrantServices) => Promise<IssuedTokens>

/** The canonical resource a token request names; undefined when it names none, and means the grant's own (RFC 8707). */
export function resourceIn(form: URLSearchParams, downstreams: readonly Downstream[]): string | undefined {
  const named = form.getAll('resource').filter((resource) => resource !== '')
  return named.length > 0 ? canonicalResource(named, downstreams).resource : undefined
}

export async function tokenPair(
  sub: string,
  facts: TokenFacts,
  services: GrantServices,
  scopes: readonly string[],
  clientSigns = false,
): Promise<IssuedTokens> {
  const { accessTokenTtl, refreshTokenTtl } = services.lifetimes
  const pair = { ...facts, sub, clientSigns }
  return {
    access_token: await services.signedTokens.accessToken(pair, accessTokenTtl, scopes),
    token_type: 'Bearer',
    // Relative to the issue, not to now: repeated answers are identical to the letter.
    expires_in: Math.min(accessTokenTtl, facts.endsAt - facts.issuedAt),
    refresh_token: await services.signedTokens.refreshToken(pair, refreshTokenTtl),
    scope: scopes.join(' '),
  }
}

const MESSAGE: Readonly<Record<TokenRefusal, string>> = {
  code_invalid: 'authorization code is invalid, expired or already used',
  code_replayed: 'authorization code was already used; the grant has been revoked',
  wrong_verifier: 'Invalid PKCE code_verifier',
  wrong_redirect_uri: 'redirect_uri differs from the one of the authorization request',
  wrong_resource: 'resource differs from the one the grant is for',
  refresh_reused: 'refresh token was already used; the grant has been revoked',
  refresh_invalid: 'Invalid refresh token',
  grant_ended: 'Token has been revoked',
  scope_missing: 'a call needed a scope that was not granted: authorize again to add it',
  too_often: 'this token is refreshed too often: wait before the next time',
  idp_unavailable: 'the identity provider can not be reached to confirm the session',
}

export function tokenRefusal(refusal: TokenRefusal, retryAfter = 30): OAuthError {
  if (refusal === 'idp_unavailable')
    return new OAuthError('temporarily_unavailable', MESSAGE[refusal], { reason: refusal, retryAfter })
  if (refusal === 'too_often') return new OAuthError('too_many_requests', MESSAGE[refusal], { reason: refusal, retryAfter })
  // Not invalid_grant, by which clients forget their tokens: these are good for everything else.
  if (refusal === 'scope_missing') return new OAuthError('consent_required', MESSAGE[refusal], { reason: refusal })
  return new OAuthError(refusal === 'wrong_resource' ? 'invalid_target' : 'invalid_grant', MESSAGE[refusal], { reason: refusal })
}
