// Which identity provider the settings mean.
import type { IdentityProviderSettings } from '../settings/providers.ts'
import { accessProvider } from './access.ts'
import { OidcProvider } from './oidc.ts'
import type { IdentityProvider } from './provider.ts'

/** Call it once per isolate: the provider remembers metadata and keys. */
export function identityProviderFor(settings: IdentityProviderSettings): IdentityProvider {
  return settings.kind === 'access' ? accessProvider(settings) : new OidcProvider(settings)
}
