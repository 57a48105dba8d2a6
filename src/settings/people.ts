// Rules about people: an address or a group in a setting, whose word about it counts, and the one place that decides whom it means.
//
// What one identity provider says about its people says nothing about another one's: the same address at two of them is two people, and
// whoever runs one of them calls groups there as they like.
import type { Identity } from '../caller.ts'

/** An e-mail address or a group, as the people of these issuers may have it. */
export interface PersonName {
  readonly issuers: readonly string[]
  readonly name: string
}

/** An e-mail address in a rule, with the name of a provider in front or without. */
export const ADDRESS = /^[^\s@]+@\S+$/

export interface PeopleRule {
  readonly emails: readonly PersonName[]
  readonly groups: readonly PersonName[]
}

/** Whether a rule means somebody. An identity has no other address than one that its provider has verified. */
export function meansPerson({ emails, groups }: PeopleRule, person: Identity): boolean {
  const { email } = person
  const isNamed = email !== undefined && emails.some((one) => folded(one.name) === folded(email) && isOf(one, person.issuer))
  return isNamed || isInOneOf(groups, person)
}

export function isInOneOf(groups: readonly PersonName[], person: Pick<Identity, 'issuer' | 'groups'>): boolean {
  return groups.some((group) => person.groups.includes(group.name) && isOf(group, person.issuer))
}

export function isOf({ issuers }: Pick<PersonName, 'issuers'>, issuer: string): boolean {
  const named = withoutSlash(issuer)
  return issuers.some((known) => known === named || (known.includes(TENANT) && fitsPattern(known, named)))
}

/** In ASCII alone: other letters become ones of another address in lower case (U+212A is a `k` then). */
function folded(email: string): string {
  return email.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
}

/** Stands for any tenant of Microsoft Entra, as in its metadata. */
export const TENANT = '{tenantid}'

function fitsPattern(pattern: string, issuer: string): boolean {
  const [before = '', after = ''] = pattern.split(TENANT)
  const tenant = issuer.slice(before.length, issuer.length - after.length)
  return /^[0-9a-f-]{36}$/.test(tenant) && issuer === before + tenant + after
}

export function withoutSlash(issuer: string): string {
  return issuer.replace(/\/$/, '')
}
