// Who may open the portal: people named here, and whoever Cloudflare Access has let through to it.
import type { Environment } from './environment.ts'
import type { PeopleNames } from './people-names.ts'
import { ADDRESS, type PeopleRule } from './people.ts'
import type { SettingsProblem, WrittenVariables } from './problem.ts'
import { accessHost, type IdentityProviderSettings } from './providers.ts'

export interface AdministratorSettings {
  readonly named: PeopleRule
  /** Cloudflare Access in front of the portal: whose assertions count, and for which application. */
  readonly access: { readonly issuer: string; readonly audience: string } | undefined
}

export function administratorsOf(
  env: Environment,
  providers: readonly IdentityProviderSettings[],
  names: PeopleNames,
): AdministratorSettings {
  const { ADMIN_EMAILS: emails, ADMIN_GROUPS: groups, ACCESS_TEAM_DOMAIN: team, ACCESS_AUD: audience } = env
  // The application everybody signs in through says nothing about who is an administrator; then only a list does.
  const isForEverybody = providers.some(({ kind, clientId }) => kind === 'access-application' && clientId === audience)
  const isOpen = team !== undefined && audience !== undefined && (emails.length > 0 || !isForEverybody)
  const access = isOpen ? { issuer: `https://${accessHost(team)}`, audience } : undefined
  // In front of /admin it vouches for administrators, whoever else people sign in with.
  const besides = access && { name: 'access', issuers: [access.issuer] }
  names.problems.push(...emails.filter((text) => !ADDRESS.test(text)).map(noAddress))
  const named = {
    emails: names.read(emails, { variable: 'ADMIN_EMAILS', besides }),
    groups: names.read(groups, { variable: 'ADMIN_GROUPS', besides }),
  }
  return { named, access }
}

function noAddress(text: string): SettingsProblem {
  const cure = 'write whole addresses, as in carol@example.com; groups are named by ADMIN_GROUPS'
  return { variable: 'ADMIN_EMAILS', problem: `“${text.slice(0, 100)}” is not an e-mail address`, cure }
}

export function problemsOfAdministrators(given: WrittenVariables): SettingsProblem[] {
  const missing = ['ACCESS_TEAM_DOMAIN', 'ACCESS_AUD'].filter((variable) => given[variable] === undefined)
  // Where people sign in through the application, both are asked for already.
  if (missing.length !== 1 || given['IDENTITY_PROVIDER'] !== undefined) return []
  const cure = 'set both to accept administrators that Cloudflare Access has let through to /admin, or neither'
  return missing.map((variable) => ({ variable, problem: 'not configured', cure }))
}
