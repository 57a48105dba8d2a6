// OAuth Global Token Revocation (draft-parecki-oauth-global-token-revocation, as Okta Universal Logout sends it): who asks, and for whom.
import { decodeProtectedHeader, decodeJwt, type JWTPayload } from 'jose'
import * as z from 'zod'
import { ASYMMETRIC } from '../oauth-client/key-set.ts'
import { simpleSubject, type SimpleSubject } from './subject.ts'
import { SignalRefusal, unbelieved, untrue, type SignalSource } from './signer.ts'
import { CLOCK_TOLERANCE } from '../platform/clock-tolerance.ts'

export const REVOCATION_TYPE = 'global-token-revocation+jwt'
const TYPES: readonly (string | undefined)[] = [undefined, 'jwt', REVOCATION_TYPE, `application/${REVOCATION_TYPE}`]

/** Seconds between the making of a token and its end. */
const LONGEST_LIFE = 300
const LONGEST_TOKEN = 8 * 1024

const claimsSchema = z.looseObject({
  iss: z.string().min(1),
  sub: z.string().min(1),
  aud: z.union([z.string(), z.tuple([z.string()]).transform(([only]) => only)]),
  iat: z.number(),
  exp: z.number(),
  jti: z.string().min(1).max(512),
})

/** A token that was verified, which is not yet used up. */
export interface RevocationToken {
  readonly issuer: string
  readonly jti: string
  /** When nobody would take it any more, in unix seconds. */
  readonly until: number
}

export interface RevocationTerms {
  readonly source: SignalSource
  /** The address it was sent to, which it has to name. */
  readonly url: string
  /** Unix seconds. */
  readonly now: number
}

/** Rejects with `untrue` whatever is wrong with it, and with `unknowable` while the keys can not be had. */
export async function readRevocationToken(token: string, terms: RevocationTerms): Promise<RevocationToken> {
  // First what costs no key: a flood of other tokens asks nobody for anything.
  check(token.length <= LONGEST_TOKEN, 'it is too long')
  const { payload, header } = decoded(token)
  check(terms.source.revocation.isNamedBy(token), `it is of the issuer ${payload.iss}`)
  check(ASYMMETRIC.includes(header.alg ?? ''), `it is signed with ${header.alg}`)
  check(TYPES.includes(header.typ?.toLowerCase()), `it is of the type ${header.typ}`)
  const claims = judged(payload, terms)
  try {
    const options = { algorithms: [...ASYMMETRIC], clockTolerance: CLOCK_TOLERANCE, currentDate: new Date(terms.now * 1000) }
    await terms.source.revocation.signed(token, options)
  } catch (error) {
    throw unbelieved(error)
  }
  return { issuer: claims.iss, jti: claims.jti, until: claims.exp + CLOCK_TOLERANCE }
}

function judged(payload: JWTPayload, { source, url, now }: RevocationTerms): z.output<typeof claimsSchema> {
  const { data: claims } = claimsSchema.safeParse(payload)
  if (!claims) throw untrue('a claim is missing, or there are several audiences')
  const { aud, sub, iat, exp } = claims
  check(aud === url, `it is for ${aud}`)
  // Behind the client may stand which of its installations is meant.
  check(sub === source.clientId || sub.startsWith(`${source.clientId}/`), `it was made for the client ${sub}`)
  check(exp > iat && exp - iat <= LONGEST_LIFE, `it lives for ${exp - iat} seconds`)
  check(iat <= now + CLOCK_TOLERANCE, 'it was made in the future')
  check(exp > now - CLOCK_TOLERANCE, 'it has expired')
  return claims
}

/** The draft calls the member `sub_id`; Okta has documented `subject`. Both at once could mean two people. */
const bodySchema = z
  .looseObject({ sub_id: z.unknown().optional(), subject: z.unknown().optional() })
  .refine((body) => (body.sub_id === undefined) !== (body.subject === undefined))

export function subjectIn(body: unknown): SimpleSubject {
  const { data: members } = bodySchema.safeParse(body)
  if (!members) throw new SignalRefusal('malformed', 'the body is a JSON object with one subject, as sub_id')
  const subject = simpleSubject(members.sub_id ?? members.subject)
  if (!subject) throw new SignalRefusal('malformed', 'the subject is of the format iss_sub or email')
  return subject
}

function decoded(token: string): { readonly payload: JWTPayload; readonly header: ReturnType<typeof decodeProtectedHeader> } {
  try {
    return { payload: decodeJwt(token), header: decodeProtectedHeader(token) }
  } catch {
    throw untrue('it is no JWT')
  }
}

function check(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw untrue(otherwise)
}
