// Identity JWTs: the short-lived proof of who is calling that a downstream verifies against our JWKS.
import { SignJWT } from 'jose'
import type { Identity } from '../caller.ts'
import { randomId } from '../platform/crypto.ts'
import type { IdentityKey } from './keys.ts'

export interface IdentityClaims {
  readonly identity: Identity
  /** Those of the person that there is room for. */
  readonly groups: readonly string[]
  readonly clientId: string
  readonly grantId: string
  /** URL of the downstream as configured: it must find itself in `aud`. */
  readonly audience: string
}

/**
 * A JWT with `iss, aud, sub, email, name, groups, idp, act.client_id, sid, jti, iat, exp`. `sub` is the person's subject at
 * the identity provider named by `idp`; only the pair identifies a person, never the e-mail. `act` is RFC 8693 section 4.1.
 */
export function identityJwt(
  key: IdentityKey,
  issuer: string,
  claims: IdentityClaims,
  issuedAt: number,
  ttl: number,
): Promise<string> {
  const { identity } = claims
  return new SignJWT({
    email: identity.email,
    name: identity.name,
    groups: claims.groups,
    ...(claims.groups.length < identity.groups.length && { groups_truncated: true }),
    idp: identity.issuer,
    act: { client_id: claims.clientId },
    sid: claims.grantId,
  })
    .setProtectedHeader({ alg: key.alg, typ: 'JWT', kid: key.kid })
    .setIssuer(issuer)
    .setAudience(claims.audience)
    .setSubject(identity.subject)
    .setJti(randomId(16))
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ttl)
    .sign(key.privateKey)
}
