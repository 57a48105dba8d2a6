// A client's signed assertion (RFC 7523 section 3): whose it is, for whom, until when, and that one of the client's keys signed it.
import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyOptions, type JWTVerifyResult } from 'jose'
import * as z from 'zod'
import { sha256 } from '../../platform/crypto.ts'
import { describeError } from '../../platform/telemetry.ts'
import { ASYMMETRIC, KeysAway } from '../../oauth-client/key-set.ts'
import { failed } from './clients.ts'
import { OAuthError } from '../../clients/oauth-error.ts'
import { CLOCK_TOLERANCE } from '../../platform/clock-tolerance.ts'

export interface AssertionTerms {
  readonly clientId: string
  /** Our issuer, which is what newer clients name, and the token endpoint, which is what RFC 7523 had them name. */
  readonly audiences: readonly string[]
  /** Unix seconds. */
  readonly now: number
}

export interface Assertion {
  /** Names this assertion of this client among all. */
  readonly id: string
  /** When it has expired, clock tolerance included, in unix seconds. */
  readonly until: number
}

/** SDKs say five minutes; ten and the clocks are as long as an assertion has to be remembered. */
const LONGEST_LIFE = 600

const claimsSchema = z.object({
  jti: z.string().min(1).max(512),
  exp: z.number(),
  aud: z.union([z.string(), z.tuple([z.string()])]),
})
/** RFC 7523bis names the second; a token of any other kind is not an assertion, whoever signed it. */
const TYPES: readonly (string | undefined)[] = [undefined, 'jwt', 'client-authentication+jwt']

/** Looks at the signature and the claims. Undefined, or jose's `JWKSNoMatchingKey`, where no key is the one. */
export type Verify = (token: string, options: JWTVerifyOptions) => Promise<JWTVerifyResult | undefined>

/** Undefined when none of the client's keys is the one it names: others may have been published since. */
export async function verifiedAssertion(
  assertion: string,
  verify: Verify,
  { clientId, audiences, now }: AssertionTerms,
): Promise<Assertion | undefined> {
  const payload = await verifiedPayload(assertion, verify, clientId, now)
  if (!payload) return undefined
  const claims = claimsSchema.safeParse(payload)
  if (!claims.success) throw failed('the assertion needs one aud, exp and jti')
  const { jti, exp, aud } = claims.data
  // Exactly one, or whoever else it is for could use it here.
  if (!audiences.includes([aud].flat()[0] ?? ''))
    throw failed(`the assertion is for somebody else: aud should be ${audiences[0]}`)
  if (exp > now + LONGEST_LIFE + CLOCK_TOLERANCE) throw failed(`the assertion lives longer than ${LONGEST_LIFE} seconds`)
  return { id: await sha256(`${clientId}\0${jti}`), until: exp + CLOCK_TOLERANCE }
}

async function verifiedPayload(
  assertion: string,
  verify: Verify,
  clientId: string,
  now: number,
): Promise<JWTPayload | undefined> {
  try {
    const { typ } = decodeProtectedHeader(assertion)
    if (!TYPES.includes(typ?.toLowerCase())) throw failed('client_assertion is another kind of token')
    const verified = await verify(assertion, {
      issuer: clientId,
      subject: clientId,
      algorithms: [...ASYMMETRIC],
      requiredClaims: ['exp', 'jti', 'aud'],
      clockTolerance: CLOCK_TOLERANCE,
      currentDate: new Date(now * 1000),
    })
    return verified?.payload
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return undefined
    throw refusal(error)
  }
}

function refusal(error: unknown): Error {
  if (error instanceof KeysAway) return refusal(error.cause)
  if (error instanceof errors.JWTExpired) return failed('the assertion has expired')
  if (error instanceof errors.JWTClaimValidationFailed) return failed(`the assertion has a wrong ${error.claim}, or none`)
  // Also what no library error names: text that is no token, keys that are none. All of it is the client's.
  return error instanceof OAuthError
    ? error
    : failed('the signature of the assertion could not be verified', describeError(error))
}
