// AUTH_SUBJECTS: which subjects of the issuer of exchanged tokens are meant, and for which issuers that has to be said.
import * as z from 'zod'
import { claimPath } from './environment.ts'
import { jsonOf } from './json-list.ts'
import type { SettingsProblem } from './problem.ts'

/** Claims that a token must have, each with a pattern: `*` is any characters. */
export type SubjectRule = readonly { readonly claim: string; readonly pattern: string }[]

const VARIABLE = 'AUTH_SUBJECTS'
const MOST_RULES = 100
const pattern = z.string().min(1, 'is empty').max(512, 'is too long')
const schema = z
  .array(z.union([pattern, z.record(claimPath, pattern).refine((claims) => Object.keys(claims).length > 0)]))
  .min(1)
  .max(MOST_RULES)

/** Words, or where one has a space or a comma, or is about other claims than the subject, a list in JSON. */
export function subjectRules(written: string | undefined): readonly SubjectRule[] | undefined {
  if (written === undefined) return undefined
  const listed = written.startsWith('[') ? jsonOf(written) : written.split(/[\s,]+/).filter((word) => word !== '')
  return schema
    .safeParse(listed)
    .data?.map((rule) =>
      typeof rule === 'string'
        ? [{ claim: 'sub', pattern: rule }]
        : Object.entries(rule).map(([name, value]) => ({ claim: name, pattern: value })),
    )
}

/**
 * Issuers that sign for whoever has an account there, and mostly for whichever audience is asked for: what of their tokens says that they
 * are of your people is the subject alone.
 */
const SHARED =
  /^(?:token\.actions\.githubusercontent\.com|gitlab\.com|accounts\.google\.com|oidc\.circleci\.com|agent\.buildkite\.com|api\.bitbucket\.org|app\.terraform\.io|oidc\.vercel\.com|api\.pulumi\.com|oidc\.fly\.io|app\.harness\.io|oidc\.codefresh\.io|vstoken\.dev\.azure\.com|issuer\.enforce\.dev|oauth2\.sigstore\.dev|oidc\.modal\.com|app\.gitpod\.io|securetoken\.google\.com|appleid\.apple\.com|slack\.com|.+\.ghe\.com)$/

function isShared(issuer: string): boolean {
  const { hostname = '', pathname = '' } = URL.parse(issuer) ?? {}
  // Everybody with an account of Microsoft's.
  const isEverybody = /^\/(?:common|organizations|consumers|9188040d-6c67-4c5b-b112-36a304b66dad)(?:\/|$)/.test(pathname)
  return SHARED.test(hostname.replace(/\.$/, '')) || (hostname.startsWith('login.microsoftonline.') && isEverybody)
}

/** Whoever has an account at a shared issuer has these as they like. */
const OF_ANYBODY: ReadonlySet<string> = new Set(
  (
    'aud iss actor base_ref head_ref branch email_verified environment event_name job_workflow_ref pipeline_source ref ref_path ' +
    'ref_protected ref_type repository_visibility runner_environment workflow'
  ).split(' '),
)

/** Somebody's name stands whole before the first `*`: what follows it there is theirs. */
function namesSomebody({ claim: name, pattern: written }: SubjectRule[number]): boolean {
  const [before = '', ...others] = written.split('*')
  if (OF_ANYBODY.has(name)) return false
  if (others.length === 0) return true
  return name === 'sub' ? /[:/|=][^:/|=]+[:/|=]/.test(before) : /^[^:/|=]+[:/|=]/.test(before)
}

const HOW = 'such as repo:acme/* or [{"repository_owner_id":"1234"}]: “Programs with a token of their own” in README.md'

export function problemsOfSubjects(given: Readonly<Record<string, string>>): readonly SettingsProblem[] {
  const { AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience, AUTH_SUBJECTS: written } = given
  if (written === undefined && (issuer === undefined || audience === undefined || !isShared(issuer))) return []
  if (written === undefined)
    return wrong(
      `not configured, and ${issuer} signs tokens for everybody who has an account there`,
      `say which subjects are meant, ${HOW}`,
    )
  if (issuer === undefined) return wrong('is about tokens of AUTH_ISSUER, which is not set', 'set AUTH_ISSUER, or remove it')
  const rules = subjectRules(written)
  if (!rules) return wrong('is neither a list of patterns nor JSON with claims', `give it ${HOW}`)
  const wide = isShared(issuer) ? rules.find((rule) => !rule.some(namesSomebody)) : undefined
  if (!wide) return []
  const shown = wide.map(({ claim: name, pattern: value }) => `${name} ${value}`.slice(0, 100)).join(', ')
  return wrong(`fits strangers: anybody at ${issuer} could have “${shown}”`, `name the owner whole, and put * behind it, ${HOW}`)
}

function wrong(problem: string, cure: string): readonly SettingsProblem[] {
  return [{ variable: VARIABLE, problem, cure }]
}
