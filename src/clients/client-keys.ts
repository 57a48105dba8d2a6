// The public keys a client signs with: given with its metadata or published at an address, and never anything secret.
import * as z from 'zod'
import type { ClientKeys } from './client-record.ts'
import { OAuthError } from './oauth-error.ts'
import { faultOfAddress, type AddressPolicy } from './public-address.ts'

const MOST_KEYS = 20
const LONGEST_SET = 8_192

/** RFC 7518 sections 6.2.2, 6.3.2 and 6.4: the members that make a key private, or symmetric. */
const SECRET_MEMBERS: readonly string[] = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

const publicKey = z
  .looseObject({ kty: z.enum(['RSA', 'EC', 'OKP']) })
  .refine((key) => SECRET_MEMBERS.every((member) => !(member in key)))

export const publicKeySet = z.object({ keys: z.array(publicKey).min(1).max(MOST_KEYS) })

/** The two members of client metadata (RFC 7591 section 2) as they came. */
export interface StatedKeys {
  readonly jwks?: unknown
  readonly jwks_uri?: unknown
}

/** Undefined when the client names no keys; refuses what could never verify anything, or should never have been sent. */
export function statedKeys({ jwks, jwks_uri: address }: StatedKeys, policy: AddressPolicy): ClientKeys | undefined {
  const hasSet = jwks !== undefined && jwks !== null
  const hasAddress = address !== undefined && address !== null
  if (hasSet && hasAddress) throw invalid('jwks and jwks_uri are both given: one of them is enough')
  if (hasSet) return { jwks: keySetText(jwks) }
  if (!hasAddress) return undefined
  if (typeof address !== 'string') throw invalid('jwks_uri has the wrong type')
  const fault = faultOfAddress(address, policy)
  if (fault !== undefined) throw invalid(`jwks_uri can not be used: the address ${fault}`)
  return { jwksUri: address }
}

function keySetText(jwks: unknown): string {
  const parsed = publicKeySet.safeParse(jwks)
  if (!parsed.success)
    throw invalid(`jwks is not a set of 1 to ${MOST_KEYS} public keys of the kinds RSA, EC and OKP, without private members`)
  const text = JSON.stringify(parsed.data)
  if (text.length > LONGEST_SET) throw invalid(`jwks is larger than ${LONGEST_SET} bytes`)
  return text
}

function invalid(message: string): OAuthError {
  return new OAuthError('invalid_client_metadata', message)
}
