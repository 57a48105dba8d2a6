// Turns the claims a provider vouches for into an Identity; issuer and subject name the person, everything else may change.
import * as z from 'zod'
import type { Identity } from '../caller.ts'

export type Claims = Readonly<Record<string, unknown>>

const text = z.string().min(1).optional().catch(undefined)
const claimsSchema = z.object({
  sub: z.string().min(1),
  email: text,
  // A few providers send the boolean as text.
  email_verified: z
    .unknown()
    .optional()
    .transform((verified) => verified !== false && verified !== 'false'),
  name: text,
  groups: z
    .unknown()
    .optional()
    .transform((groups) => [groups].flat().filter((group): group is string => typeof group === 'string' && group !== '')),
})

/** True when another document of the provider may know more about the person. */
export function isIncomplete(claims: Claims): boolean {
  return ['email', 'name', 'groups'].some((claim) => claims[claim] === undefined)
}

/**
 * No groups claim means no groups: providers leave it out for a person who is in none. An address the provider says it
 * did not verify is as good as none.
 */
export function identityFrom(issuer: string, claims: Claims): Identity {
  const { sub, email, email_verified, name, groups } = claimsSchema.parse(claims)
  return { issuer, subject: sub, email: email_verified ? email : undefined, name, groups }
}
