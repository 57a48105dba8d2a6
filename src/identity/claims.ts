// Turns the claims a provider vouches for into an Identity; issuer and subject name the person, everything else may change.
import * as z from 'zod'
import type { Identity } from '../caller.ts'

export type Claims = Readonly<Record<string, unknown>>

/** In characters. What is longer names nobody; a name is only shown, and cut. */
const LONGEST = { subject: 512, email: 320, name: 200, group: 1_024 }
/** As many as Microsoft Graph is asked for. Leaving some out could lift a rule that denies them something. */
const MOST_GROUPS = 5_000

const text = z.string().min(1).optional().catch(undefined)
/** Groups are kept one to a line. */
const CONTROL = /\p{Cc}/u

function isGroup(group: unknown): group is string {
  return typeof group === 'string' && group !== '' && group.length <= LONGEST.group && !CONTROL.test(group)
}

const claimsSchema = z.object({
  sub: z.string().min(1).max(LONGEST.subject),
  email: z.string().min(1).max(LONGEST.email).optional().catch(undefined),
  // A few providers send the boolean as text. Absent is no: rules let people in by their address.
  email_verified: z
    .unknown()
    .optional()
    .transform((verified) => verified === true || verified === 'true'),
  name: text.transform((name) => name?.slice(0, LONGEST.name)),
  groups: z
    .unknown()
    .optional()
    .transform((groups) => [...new Set([groups].flat().filter(isGroup))])
    .refine((groups) => groups.length <= MOST_GROUPS, 'are too many'),
})

/** True when another document of the provider may know more about the person. */
export function isIncomplete(claims: Claims): boolean {
  const { email, email_verified: verified, name, groups } = claims
  return email === undefined || verified === undefined || name === undefined || groups === undefined
}

/**
 * True when what is missing decides nothing: a name is only shown, and groups count where a rule names one. An address is never left out:
 * a server may know the person by it.
 */
export function suffices({ email, email_verified: verified, groups }: Claims, needsGroups: boolean): boolean {
  return email !== undefined && verified !== undefined && (groups !== undefined || !needsGroups)
}

/** What a second document adds to the first. An address and the word about it stay together: one may speak of another address. */
export function completed(first: Claims, second: Claims): Claims {
  const isSettled = first['email'] !== undefined && first['email_verified'] !== undefined
  const { email, email_verified } = isSettled || second['email'] === undefined ? first : second
  return { ...second, ...first, groups: first['groups'] ?? second['groups'], email, email_verified }
}

/**
 * No groups claim means no groups: providers leave it out for a person who is in none. An address that the provider does not say it
 * has verified is as good as none; whoever vouches for addresses without that word says so in its delta.
 */
export function identityFrom(issuer: string, claims: Claims): Identity {
  const { sub, email, email_verified, name, groups } = claimsSchema.parse(claims)
  return { issuer, subject: sub, email: email_verified ? email : undefined, name, groups }
}

/** The provider names an address and does not say that it has verified it: the one it named before counts no longer either. */
export function losesEmail({ email }: Claims, identity: Identity): boolean {
  return email !== undefined && email !== null && email !== '' && identity.email === undefined
}
