// Logins as the broker's cookie would hold them, and one walk through a provider.
import type { IdentityProvider, Login, SignedIn } from '../../../src/identity/provider.ts'
import { randomId } from '../../../src/platform/crypto.ts'
import type { IdentityProviderSettings } from '../../../src/settings/providers.ts'

export const CALLBACK = 'http://localhost:8788/callback'

export function newLogin(): Login {
  return { state: randomId(16), nonce: randomId(16), codeVerifier: randomId(32), redirectUri: CALLBACK }
}

export function settingsFor(url: string, change: Partial<IdentityProviderSettings> = {}): IdentityProviderSettings {
  return {
    kind: 'oidc',
    name: 'oauth',
    url,
    clientId: 'broker',
    clientSecret: 'a secret of the tests',
    scopes: ['openid', 'profile', 'email', 'groups'],
    restrictedTo: [],
    callback: '/callback',
    ...change,
  }
}

export async function signedIn(
  provider: IdentityProvider,
  visit: (url: URL) => Promise<URL>,
  login: Login = newLogin(),
): Promise<SignedIn> {
  return await provider.signIn(await visit(await provider.authorizationUrl(login)), login)
}
