// Security events of the broker's own (RFC 8417): what it tells MCP servers that keep something of a session, signed as identity JWTs are.
import { SignJWT } from 'jose'
import type { IdentityKey } from './keys.ts'

export const SESSION_REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked'
export const VERIFICATION = 'https://schemas.openid.net/secevent/ssf/event-type/verification'

export interface SecurityEventClaims {
  readonly issuer: string
  readonly audience: string
  readonly jti: string
  /** Unix seconds. */
  readonly issuedAt: number
  readonly type: string
  /** What stands below the type. */
  readonly members: Readonly<Record<string, unknown>>
  /** Whom it is about (RFC 9493). */
  readonly subject: Readonly<Record<string, unknown>>
}

/** No `sub` and no `exp`: it must never pass for a token of another kind. */
export async function signSecurityEvent(key: IdentityKey, claims: SecurityEventClaims): Promise<string> {
  return await new SignJWT({ sub_id: claims.subject, events: { [claims.type]: claims.members } })
    .setProtectedHeader({ alg: key.alg, typ: 'secevent+jwt', kid: key.kid })
    .setIssuer(claims.issuer)
    .setAudience(claims.audience)
    .setJti(claims.jti)
    .setIssuedAt(claims.issuedAt)
    .sign(key.privateKey)
}
