// Whose tokens the broker exchanges for its own: token exchange and /.sts, and enterprise-managed authorization.
import type { Environment } from './environment.ts'
import { isOpenHttp, type SettingsProblem, type WrittenVariables } from './problem.ts'
import { problemsOfSubjects, subjectRules, type SubjectRule } from './subjects.ts'

export interface ExchangeSettings {
  /** Undefined: closed. Tokens of the issuer that are for one of the audiences are taken. */
  readonly subjects:
    | {
        readonly issuer: string
        readonly audiences: readonly string[]
        /** Only tokens that fit one of them; absent: every token of that issuer and audience. */
        readonly allowed?: readonly SubjectRule[]
      }
    | undefined
  /** Identity providers whose assertions for a client (ID-JAG) are taken; none: closed. */
  readonly assertionIssuers: readonly string[]
  /** Seconds. */
  readonly longestSession: number
}

/** Without an audience nothing is exchanged: a token of the issuer that is for anybody at all proves nothing to the broker. */
export function exchangeOf(env: Environment): ExchangeSettings {
  const { AUTH_ISSUER: issuer, AUTH_AUDIENCE: audiences } = env
  const allowed = subjectRules(env.AUTH_SUBJECTS)
  return {
    subjects: issuer && audiences.length > 0 ? { issuer: issuer.href, audiences, ...(allowed && { allowed }) } : undefined,
    assertionIssuers: env.ID_JAG_ISSUERS,
    longestSession: env.STS_MAX_SESSION_DURATION,
  }
}

export function problemsOfExchange(given: WrittenVariables): SettingsProblem[] {
  const { AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience, ID_JAG_ISSUERS: asserting = '', BASE_URL: broker } = given
  const named = [['AUTH_ISSUER', issuer], ...words(asserting).map((one) => ['ID_JAG_ISSUERS', one] as const)] as const
  const ofIssuers = named.flatMap(([variable, one]) => (one === undefined ? [] : problemsOf(variable, one, broker)))
  const problems = [...ofIssuers, ...problemsOfSubjects(given)]
  if (audience === undefined || issuer !== undefined) return problems
  const cure = 'set it to the issuer whose tokens for AUTH_AUDIENCE are to be exchanged, or remove AUTH_AUDIENCE'
  return [...problems, { variable: 'AUTH_ISSUER', problem: 'not configured', cure }]
}

function problemsOf(variable: string, issuer: string, broker: string | undefined): SettingsProblem[] {
  const url = URL.parse(issuer)
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    // Of the other variable the schema says so.
    if (variable === 'AUTH_ISSUER') return []
    const problem = `holds “${issuer.slice(0, 100)}”, which is no issuer`
    return [{ variable, problem, cure: 'give a URL such as https://idp.example.com' }]
  }
  if (isOpenHttp(issuer)) {
    const problem = 'would believe keys that came over plain http'
    return [{ variable, problem, cure: 'use https; plain http is for localhost alone' }]
  }
  // What the broker signs is for the servers behind it: one of them could come back with it as any of its callers.
  if (url.origin !== URL.parse(broker ?? '')?.origin) return []
  return [{ variable, problem: 'is this broker itself', cure: 'name the issuer that knows people' }]
}

function words(list: string): readonly string[] {
  return list.split(/[\s,]+/).filter((word) => word !== '')
}
