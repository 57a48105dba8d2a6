// A Security Event Token (RFC 8417) as the Shared Signals Framework profiles it: proved to be said, for this stream, one event, once.
import { decodeJwt, decodeProtectedHeader } from 'jose'
import * as z from 'zod'
import type { StreamError } from '../session/contract/signal-stream.ts'
import { ASYMMETRIC } from '../oauth-client/key-set.ts'
import { unbelieved, type SignalRefusal, type Signer } from './signer.ts'
import { CLOCK_TOLERANCE } from '../platform/clock-tolerance.ts'

const TYPES: readonly (string | undefined)[] = ['secevent+jwt', 'application/secevent+jwt']
const LONGEST_TOKEN = 64 * 1024
/** Seconds: one that waited longer at its transmitter is refused, and until then its id is remembered. */
const OLDEST = 30 * 86_400

const event = z.record(z.string(), z.unknown())
const claimsSchema = z.looseObject({
  iss: z.string().min(1),
  aud: z.union([z.string().transform((one) => [one]), z.array(z.string()).min(1)]),
  iat: z.number(),
  jti: z.string().min(1).max(512),
  txn: z.string().min(1).max(512).optional().catch(undefined),
  // What expires or has a `sub` is a token of another kind, whatever its type says (section 4.6 of the RFC).
  exp: z.undefined().optional(),
  sub: z.undefined().optional(),
  sub_id: z.unknown().optional(),
  events: z.record(z.string(), event).refine((events) => Object.keys(events).length === 1),
})

export interface SecurityEventToken {
  readonly issuer: string
  readonly jti: string
  readonly txn: string | undefined
  readonly until: number
  /** URI of its type, and what stands below it. */
  readonly type: string
  readonly members: Readonly<Record<string, unknown>>
  /** In the one place where it stands. */
  readonly subject: unknown
}

export interface EventTerms {
  readonly signer: Signer
  readonly issuer: string
  readonly audience: readonly string[]
  /** Unix seconds. */
  readonly now: number
}

/** Why an event is not taken, in a code for its transmitter. */
export class EventRefusal extends Error {
  override readonly name = 'EventRefusal'
  readonly err: StreamError

  constructor(err: StreamError, message: string) {
    super(message)
    this.err = err
  }
}

/** Rejects with an `EventRefusal`, and with a `SignalRefusal` that is `unknowable` while the keys can not be had. */
export async function readSecurityEvent(
  token: string,
  { signer, issuer, audience, now }: EventTerms,
): Promise<SecurityEventToken> {
  // First what costs no key: a flood of other tokens asks nobody for anything.
  check(token.length <= LONGEST_TOKEN, 'invalid_request', 'the token is too long')
  const { header, claims } = decoded(token)
  check(TYPES.includes(header.typ?.toLowerCase()), 'invalid_request', 'the type of the token is not secevent+jwt')
  check(ASYMMETRIC.includes(header.alg ?? ''), 'invalid_key', 'the token is not signed with a key pair')
  check(claims.iss === issuer, 'invalid_issuer', 'the issuer is not that of the stream')
  const isForUs = claims.aud.some((one) => audience.includes(one))
  check(isForUs, 'invalid_audience', 'the audience is not that of the stream')
  check(
    claims.iat <= now + CLOCK_TOLERANCE && claims.iat > now - OLDEST,
    'invalid_request',
    'iat is in the future, or too long ago',
  )
  try {
    await signer.signed(token, {
      algorithms: [...ASYMMETRIC],
      currentDate: new Date(now * 1000),
      clockTolerance: CLOCK_TOLERANCE,
    })
  } catch (error) {
    throw refusedKey(unbelieved(error))
  }
  const [type = '', members = {}] = Object.entries(claims.events)[0] ?? []
  const within = members['subject']
  check(within === undefined || claims.sub_id === undefined, 'invalid_request', 'the subject is in two places')
  const { jti, txn, iat } = claims
  return { issuer, jti, txn, until: iat + OLDEST + CLOCK_TOLERANCE, type, members, subject: claims.sub_id ?? within }
}

function decoded(token: string): {
  readonly header: ReturnType<typeof decodeProtectedHeader>
  readonly claims: z.output<typeof claimsSchema>
} {
  try {
    return { header: decodeProtectedHeader(token), claims: claimsSchema.parse(decodeJwt(token)) }
  } catch {
    throw new EventRefusal('invalid_request', 'it is no security event token with one event, and without exp and sub')
  }
}

function refusedKey(refusal: SignalRefusal): Error {
  return refusal.fault === 'unknowable'
    ? refusal
    : new EventRefusal('invalid_key', `the signature is not valid: ${refusal.detail ?? ''}`)
}

function check(holds: boolean, err: StreamError, otherwise: string): void {
  if (!holds) throw new EventRefusal(err, otherwise)
}
