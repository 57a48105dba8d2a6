// Where people sign in: the identity provider of this deployment.
import type { Environment } from './environment.ts'
import type { SettingsProblem } from './problem.ts'

export interface IdentityProviderSettings {
  readonly kind: 'access' | 'oidc'
  /** Issuer or authorize base URL the operator gave; discovery starts here. */
  readonly url: string
  readonly clientId: string
  readonly clientSecret: string | undefined
  readonly scopes: readonly string[]
}

export function problemsOfProvider(given: Readonly<Record<string, string>>): SettingsProblem[] {
  const access = ['CF_ACCESS_TEAM_DOMAIN', 'CF_ACCESS_CLIENT_ID', 'CF_ACCESS_CLIENT_SECRET']
  const oauth = ['OAUTH_AUTHORIZE_URL', 'OAUTH_CLIENT_ID']
  const chosen = access.some((name) => given[name] !== undefined) ? access : oauth
  return chosen
    .filter((variable) => given[variable] === undefined)
    .map((variable) => ({
      variable,
      problem: 'not configured',
      cure: 'people sign in with CF_ACCESS_* (Cloudflare Access) or OAUTH_* (any OIDC issuer)',
    }))
}

export function accessHost(team: string): string {
  return team.includes('.') ? team : `${team}.cloudflareaccess.com`
}

export function identityProvider(env: Environment): IdentityProviderSettings {
  const scopes = env.SCOPES_SUPPORTED.length > 0 ? env.SCOPES_SUPPORTED : undefined
  if (env.CF_ACCESS_TEAM_DOMAIN !== undefined) {
    const host = accessHost(env.CF_ACCESS_TEAM_DOMAIN)
    const clientId = env.CF_ACCESS_CLIENT_ID ?? ''
    return {
      kind: 'access',
      url: `https://${host}/cdn-cgi/access/sso/oidc/${encodeURIComponent(clientId)}`,
      clientId,
      clientSecret: env.CF_ACCESS_CLIENT_SECRET,
      scopes: scopes ?? ['openid', 'email', 'profile', 'groups'],
    }
  }
  return {
    kind: 'oidc',
    url: env.OAUTH_AUTHORIZE_URL?.href ?? '',
    clientId: env.OAUTH_CLIENT_ID ?? '',
    clientSecret: env.OAUTH_CLIENT_SECRET,
    scopes: scopes ?? ['openid', 'profile', 'email', 'offline_access'],
  }
}
