// Which subjects of AUTH_ISSUER are meant: an issuer signs for everybody it knows, and at some that is everybody.
import { fitsWildcard } from '../platform/wildcard.ts'
import type { SubjectRule } from '../settings/subjects.ts'
import { claimAt } from './claim-path.ts'
import type { Claims } from './claims.ts'

/** No claim that says who somebody is is longer. */
const LONGEST = 2_048

/** One rule is enough, and of a rule every claim has to fit, letter by letter. */
export function meansSubject(rules: readonly SubjectRule[], claims: Claims): boolean {
  return rules.some((rule) =>
    rule.every(({ claim, pattern }) => textsOf(claimAt(claims, claim)).some((text) => fits(text, pattern))),
  )
}

function fits(text: string, pattern: string): boolean {
  return text.length <= LONGEST && fitsWildcard(text, pattern)
}

/** Of a list one of its members has to fit. Objects say nothing. */
function textsOf(value: unknown): readonly string[] {
  return [value].flat().flatMap((one) => {
    if (typeof one === 'string') return [one]
    return typeof one === 'number' || typeof one === 'boolean' ? [String(one)] : []
  })
}
