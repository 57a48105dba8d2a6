// Logout tokens (OpenID Connect Back-Channel Logout 1.0): the provider's signed word that somebody has signed out there.
import { decodeJwt } from 'jose'
import * as z from 'zod'
import { KeysAway, type KeySets } from '../oauth-client/key-set.ts'
import { describeError } from '../platform/telemetry.ts'
import { asIdentityError } from './ask.ts'
import type { Metadata } from './discovery.ts'
import { verifiedIdToken } from './id-token.ts'
import { IdentityError, type LoggedOut } from './provider.ts'
import { CLOCK_TOLERANCE } from '../platform/clock-tolerance.ts'

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** Seconds. */
const LONGEST_AGE = 600

// Section 2.4. What has a nonce is an ID token, and a stolen one must not sign anybody out.
const claimsSchema = z
  .object({
    sub: z.string().min(1).max(255).optional(),
    sid: z.string().min(1).max(512).optional(),
    jti: z.string().min(1).max(512),
    exp: z.number(),
    azp: z.string().optional(),
    events: z.looseObject({ [EVENT]: z.looseObject({}) }),
    nonce: z.undefined().optional(),
  })
  .refine(({ sub, sid }) => sub !== undefined || sid !== undefined, 'neither sub nor sid')

const TYPES: readonly (string | undefined)[] = [undefined, 'jwt', 'logout+jwt', 'application/logout+jwt']

export interface LogoutVerification {
  readonly issuer: Metadata
  readonly clientId: string
  readonly keys: KeySets
  readonly now: Date
}

/** Says nothing about the signature: for turning away what needs none to be refused, before anybody is asked for keys. */
export function mayBeLogoutToken(token: string, clientId: string): boolean {
  try {
    const { aud, ...claims } = decodeJwt(token)
    return [aud].flat().includes(clientId) && claimsSchema.safeParse(claims).success
  } catch {
    return false
  }
}

/** Section 2.6, steps 1 to 6; rejects with `IdentityError`. */
export async function readLogoutToken(token: string, { issuer, clientId, keys, now }: LogoutVerification): Promise<LoggedOut> {
  const { payload, protectedHeader } = await verifiedIdToken(token, issuer, keys, {
    issuer: issuer.issuer,
    audience: clientId,
    algorithms: issuer.id_token_signing_alg_values_supported,
    requiredClaims: ['iat', 'exp', 'jti'],
    maxTokenAge: LONGEST_AGE,
    currentDate: now,
  }).catch((cause: unknown) => {
    if (cause instanceof KeysAway) throw asIdentityError(cause)
    throw new IdentityError('invalid', `the logout token was refused: ${describeError(cause)}`, { cause })
  })
  const claims = claimsSchema.safeParse(payload)
  if (!claims.success) throw new IdentityError('invalid', 'the logout token does not say what one has to say')
  const { sub, sid, jti, exp, azp } = claims.data
  if (!TYPES.includes(protectedHeader.typ?.toLowerCase())) throw new IdentityError('invalid', 'it is another kind of token')
  if (azp !== undefined && azp !== clientId) throw new IdentityError('invalid', 'the logout token is for another client')
  return { issuer: issuer.issuer, subject: sub, session: sid, jti, until: exp + CLOCK_TOLERANCE }
}
