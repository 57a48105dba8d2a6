// What a server in mode idp-token is handed, and whether it could come back with it as the person: the broker refuses to start then.
import type { Downstream } from './downstreams.ts'
import type { ExchangeSettings } from './exchange.ts'
import type { Authority } from './people-names.ts'
import { isOf } from './people.ts'
import type { SettingsProblem } from './problem.ts'
import type { IdentityProviderSettings } from './providers.ts'

/** What Access shows the broker is a key to the broker: with it, a server could sign in here as the person. */
export function assertionsPassedOn(
  servers: readonly Downstream[],
  providers: readonly IdentityProviderSettings[],
): readonly SettingsProblem[] {
  if (!providers.some(({ kind }) => kind === 'access-application')) return []
  const cure = 'set it to identity-jwt; or let people sign in with a SaaS application of Access, whose tokens are made for this'
  return servers
    .filter(({ auth }) => auth === 'idp-token')
    .map(({ name }) => ({
      variable: name === 'mcp' ? 'DOWNSTREAM_AUTH' : 'DOWNSTREAMS',
      problem: `idp-token would give ${name} what Cloudflare Access says to the broker alone`,
      cure,
    }))
}

/** The person's token is then one that is exchanged for the broker's own, also for the other servers. */
export function exchangeablePassedOn(
  servers: readonly Downstream[],
  { subjects }: ExchangeSettings,
  authorities: readonly Authority[],
): readonly SettingsProblem[] {
  const isOfPeople = subjects && authorities.some((authority) => authority.signsIn && isOf(authority, subjects.issuer))
  if (!isOfPeople) return []
  const cure = 'set it to identity-jwt; or exchange tokens of another issuer than the one people sign in with (AUTH_ISSUER)'
  return servers
    .filter(({ auth }) => auth === 'idp-token')
    .map(({ name }) => ({
      variable: name === 'mcp' ? 'DOWNSTREAM_AUTH' : 'DOWNSTREAMS',
      problem: `idp-token would give ${name} what AUTH_ISSUER says about people, which is exchanged here for access to every server`,
      cure,
    }))
}
