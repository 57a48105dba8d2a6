// Google: OpenID Connect with refresh tokens by parameter, no groups, and the person's Workspace domain as a claim of its own.
import type { IdentityProviderSettings } from '../settings/providers.ts'
import type { Claims } from './claims.ts'
import { OidcProvider } from './oidc.ts'
import { IdentityError, type IdentityProvider } from './provider.ts'

/** Its own mail, and service accounts. */
const OF_GOOGLE = /@(?:gmail\.com|googlemail\.com|[a-z0-9.-]+\.gserviceaccount\.com)$/i

export function googleProvider(settings: IdentityProviderSettings): IdentityProvider {
  const { restrictedTo: domains } = settings
  const [domain = '', ...others] = domains
  return new OidcProvider(settings, {
    name: 'Google',
    parameters: {
      access_type: 'offline',
      // Google hands out a refresh token with the consent and never again after it.
      prompt: 'consent',
      // A wish, so that the right account is offered; what counts is the claim.
      ...(domain !== '' && { hd: others.length > 0 ? '*' : domain }),
    },
    claims: (claims) => ({ ...ofDomain(claims, domains), groups: [] }),
    stated: (claims) => ofDomain(claims, domains),
  })
}

/** `hd` is of the organisation that owns the account; the end of an e-mail address is not. Groups are told by no token of Google's. */
function ofDomain(claims: Claims, domains: readonly string[]): Claims {
  const { hd } = claims
  const isLetIn = domains.length === 0 || (typeof hd === 'string' && domains.includes(hd.toLowerCase()))
  if (!isLetIn) throw new IdentityError('denied', `hd is ${JSON.stringify(hd)}, and only ${domains.join(', ')} may sign in`)
  return isGooglesOwn(claims) ? claims : { ...claims, email_verified: false }
}

/**
 * Of an address elsewhere Google knows that it was its owner's when the account was made, and not whose it is now: only an organisation's
 * accounts and its own mail are its to vouch for.
 */
function isGooglesOwn({ hd, email }: Claims): boolean {
  const isOrganizations = typeof hd === 'string' && hd !== ''
  return isOrganizations || (typeof email === 'string' && OF_GOOGLE.test(email))
}
