// Who may open the portal: people named here, and whoever Cloudflare Access has let through to it.
import type { Environment } from './environment.ts'
import type { SettingsProblem } from './problem.ts'
import { accessHost, type IdentityProviderSettings } from './providers.ts'

export interface AdministratorSettings {
  readonly emails: readonly string[]
  readonly groups: readonly string[]
  /** Cloudflare Access in front of the portal: whose assertions count, and for which application. */
  readonly access: { readonly issuer: string; readonly audience: string } | undefined
}

export function administratorsOf(env: Environment, providers: readonly IdentityProviderSettings[]): AdministratorSettings {
  const { ADMIN_EMAILS: emails, ADMIN_GROUPS: groups, ACCESS_TEAM_DOMAIN: team, ACCESS_AUD: audience } = env
  // The application everybody signs in through says nothing about who is an administrator; then only a list does.
  const isForEverybody = providers.some(({ kind, clientId }) => kind === 'access-application' && clientId === audience)
  const isOpen = team !== undefined && audience !== undefined && (emails.length > 0 || !isForEverybody)
  return { emails, groups, access: isOpen ? { issuer: `https://${accessHost(team)}`, audience } : undefined }
}

export function problemsOfAdministrators(given: Readonly<Record<string, string>>): SettingsProblem[] {
  const missing = ['ACCESS_TEAM_DOMAIN', 'ACCESS_AUD'].filter((variable) => given[variable] === undefined)
  // Where people sign in through the application, both are asked for already.
  if (missing.length !== 1 || given['IDENTITY_PROVIDER'] !== undefined) return []
  const cure = 'set both to accept administrators that Cloudflare Access has let through to /admin, or neither'
  return missing.map((variable) => ({ variable, problem: 'not configured', cure }))
}
