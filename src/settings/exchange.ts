// Whose tokens the broker exchanges for its own: token exchange and /.sts, and enterprise-managed authorization.
import type { Environment } from './environment.ts'
import { isOpenHttp, type SettingsProblem } from './problem.ts'

export interface ExchangeSettings {
  /** Undefined: closed. Tokens of the issuer that are for one of the audiences are taken. */
  readonly subjects: { readonly issuer: string; readonly audiences: readonly string[] } | undefined
  /** Identity providers whose assertions for a client (ID-JAG) are taken; none: closed. */
  readonly assertionIssuers: readonly string[]
  /** Seconds. */
  readonly longestSession: number
}

/** Without an audience nothing is exchanged: a token of the issuer that is for anybody at all proves nothing to the broker. */
export function exchangeOf(env: Environment): ExchangeSettings {
  const { AUTH_ISSUER: issuer, AUTH_AUDIENCE: audiences } = env
  return {
    subjects: issuer && audiences.length > 0 ? { issuer: issuer.href, audiences } : undefined,
    assertionIssuers: env.ID_JAG_ISSUERS,
    longestSession: env.STS_MAX_SESSION_DURATION,
  }
}

export function problemsOfExchange(given: Readonly<Record<string, string>>): SettingsProblem[] {
  const problems: SettingsProblem[] = []
  const { AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience, ID_JAG_ISSUERS: asserting = '' } = given
  if (audience !== undefined && issuer === undefined) {
    const cure = 'set it to the issuer whose tokens for AUTH_AUDIENCE are to be exchanged, or remove AUTH_AUDIENCE'
    problems.push({ variable: 'AUTH_ISSUER', problem: 'not configured', cure })
  }
  const insecure = 'would believe keys that came over plain http'
  const cure = 'use https; plain http is for localhost alone'
  if (isOpenHttp(issuer)) problems.push({ variable: 'AUTH_ISSUER', problem: insecure, cure })
  for (const one of asserting.split(/[\s,]+/).filter((word) => word !== '')) {
    if (isOpenHttp(one)) problems.push({ variable: 'ID_JAG_ISSUERS', problem: insecure, cure })
    else if (!/^https?:$/.test(URL.parse(one)?.protocol ?? '')) {
      const named = `holds “${one.slice(0, 100)}”, which is no issuer`
      problems.push({ variable: 'ID_JAG_ISSUERS', problem: named, cure: 'give URLs such as https://idp.example.com' })
    }
  }
  return problems
}
