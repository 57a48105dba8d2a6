// Cloudflare Access as OpenID provider (a SaaS application): ordinary OpenID Connect with three habits of its own.
import type { IdentityProviderSettings } from '../settings/providers.ts'
import type { Claims } from './claims.ts'
import type { Delta } from './delta.ts'
import { OidcProvider, type NeedsGroups } from './oidc.ts'
import type { IdentityProvider } from './provider.ts'

/**
 * The issuer is `https://TEAM.cloudflareaccess.com/cdn-cgi/access/sso/oidc/CLIENT_ID`; `settings/settings.ts` builds it. Access
 * publishes its metadata below it and sends no `email_verified`, the address being the one it let in. Refresh tokens are a
 * switch of the application, not a scope.
 */
export function accessProvider(settings: IdentityProviderSettings, needsGroups?: NeedsGroups): IdentityProvider {
  const delta: Delta = {
    name: 'Cloudflare Access',
    clientAuthentication: 'client_secret_post',
    claims: settings.groupsClaim === undefined ? spelledOut : vouched,
    stated: settings.groupsClaim === undefined ? spelledOut : vouched,
  }
  return new OidcProvider(settings, delta, needsGroups)
}

/** Access vouches for addresses without saying so: its policies decide by them. */
function vouched(claims: Claims): Claims {
  const { email_verified = true } = claims
  return { ...claims, email_verified }
}

/** Groups are a claim of their own with the scope `groups`; claims mapped from the provider behind Access sit in `custom`. */
function spelledOut(claims: Claims): Claims {
  const { groups, custom } = claims
  const isMapped = groups === undefined && typeof custom === 'object' && custom !== null && 'groups' in custom
  return { ...vouched(claims), ...(isMapped && { groups: custom.groups }) }
}
