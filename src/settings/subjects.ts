// AUTH_SUBJECTS: which subjects of the issuer of exchanged tokens are meant, and for which issuers that has to be said.
import * as z from 'zod'
import { claimPath } from './environment.ts'
import { jsonOf } from './json-list.ts'
import type { SettingsProblem, WrittenVariables } from './problem.ts'

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
  /^(?:token\.actions\.githubusercontent\.com|gitlab\.com|accounts\.google\.com|oidc\.circleci\.com|agent\.buildkite\.com|api\.bitbucket\.org|app\.terraform\.io|oidc\.vercel\.com|api\.pulumi\.com|oidc\.fly\.io|app\.harness\.io|oidc\.codefresh\.io|vstoken\.dev\.azure\.com|issuer\.enforce\.dev|oauth2\.sigstore\.dev|oidc\.modal\.com|app\.gitpod\.io|securetoken\.google\.com|appleid\.apple\.com|slack\.com|huggingface\.co|oidc\.deno\.com|login\.app\.env0\.com|discord\.com|id\.twitch\.tv|api\.login\.yahoo\.com|access\.line\.me|kauth\.kakao\.com|(?:www|limited)\.facebook\.com|www\.linkedin\.com|www\.paypal\.com|login\.salesforce\.com|auth\.atlassian\.com|identity\.xero\.com|login\.live\.com|.+\.ghe\.com)$/

function hostOf(issuer: string): string {
  return (URL.parse(issuer)?.hostname ?? '').replace(/\.$/, '')
}

function isShared(issuer: string): boolean {
  const hostname = hostOf(issuer)
  const pathname = URL.parse(issuer)?.pathname ?? ''
  // Everybody with an account of Microsoft's.
  const isEverybody = /^\/(?:common|organizations|consumers|9188040d-6c67-4c5b-b112-36a304b66dad)(?:\/|$)/.test(pathname)
  return (
    SHARED.test(hostname) ||
    (/^(?:login\.microsoftonline\..+|login\.partner\.microsoftonline\.cn|sts\.windows\.net)$/.test(hostname) && isEverybody)
  )
}

/** Whoever has an account at a shared issuer has these as they like, or has them in a project of their own: who started a run, say. */
const OF_ANYBODY: ReadonlySet<string> = new Set(
  (
    'aud azp iss iat nbf exp jti at_hash actor actor_id base_ref head_ref branch branch_name name given_name family_name picture locale ' +
    'email_verified environment environment_protected deployment_tier deployment_action event_name check_run_id job_workflow_ref ' +
    'job_workflow_sha workflow workflow_sha pipeline_source pipeline_slug pipeline_id job_id job_source ref ref_path ref_protected ref_type ' +
    'sha run_id run_number run_attempt repository_visibility project_visibility runner_environment runner_id ci_config_ref_uri ' +
    'ci_config_sha user_id user_login user_email user_access_level build_branch build_tag build_commit build_number build_source ' +
    'step_key project plan terraform_run_phase terraform_project_name terraform_workspace_name'
  ).split(' '),
)

/**
 * How a subject begins that names its owner, where the format is known; behind it stands what follows or, of a whole subject, a colon. What
 * else a subject holds, its project decides (“environment:production”), also with a format of its own.
 */
const OWNER_FIRST: readonly (readonly [host: RegExp, beginning: RegExp])[] = [
  [
    /^token\.actions\.githubusercontent\.com$|\.ghe\.com$/,
    /^(?:(?:repo|repository):[^:/]+\/|(?:repository_owner|repository_owner_id|repository_id|enterprise|enterprise_id):[^:]+:)/,
  ],
  // Of a person who signed in there the number alone.
  [/^gitlab\.com$/, /^(?:project_path:[^:/]+\/|\d+:$)/],
  // Of people and service accounts alike.
  [/^accounts\.google\.com$/, /^\d+:$/],
  [/^oidc\.circleci\.com$/, /^org\/[^/]+\//],
  [/^agent\.buildkite\.com$/, /^(?:organization:[^:]+:|[\da-f-]{36}:$)/],
  [/^app\.terraform\.io$/, /^organization:[^:]+:/],
  [/^oidc\.vercel\.com$/, /^owner:[^:]+:/],
]

/** Somebody's name stands whole before the first `*`: what follows it there is theirs. */
function namesSomebody({ claim: name, pattern: written }: SubjectRule[number], host: string): boolean {
  const [before = '', ...others] = written.split('*')
  if (OF_ANYBODY.has(name)) return false
  const isWhole = others.length === 0
  const known = name === 'sub' && OWNER_FIRST.find(([of]) => of.test(host))
  if (known) return known[1].test(isWhole ? `${before}:` : before)
  if (isWhole) return true
  return name === 'sub' ? /[:/|=][^:/|=]+[:/|=]/.test(before) : /^[^:/|=]+[:/|=]/.test(before)
}

const HOW =
  'such as repo:acme/* or [{"repository_owner_id":"1234"}]: “Programs with a token of their own” in docs/token-exchange.md'

export function problemsOfSubjects(given: WrittenVariables): readonly SettingsProblem[] {
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
  const wide = isShared(issuer) ? rules.find((rule) => !rule.some((one) => namesSomebody(one, hostOf(issuer)))) : undefined
  if (!wide) return []
  const shown = wide.map(({ claim: name, pattern: value }) => `${name} ${value}`.slice(0, 100)).join(', ')
  return wrong(
    `fits strangers: anybody at ${issuer} could have “${shown}”`,
    `name the owner first and whole (what comes after it may be *), ${HOW}`,
  )
}

function wrong(problem: string, cure: string): readonly SettingsProblem[] {
  return [{ variable: VARIABLE, problem, cure }]
}
