// Which identity providers the settings mean, and which of them an answer or a person belongs to.
import { decodeJwt } from 'jose'
import type { IdpTokens } from '../caller.ts'
import type { PersonAtProvider, RefreshOutcome, TokenRefresher } from '../session/contract/token-refresher.ts'
import type { IdentityProviderSettings } from '../settings/providers.ts'
import { AccessApplication } from './access-application.ts'
import { accessProvider } from './access.ts'
import { entraProvider } from './entra.ts'
import { githubProvider } from './github.ts'
import { googleProvider } from './google.ts'
import { OidcProvider, type NeedsGroups } from './oidc.ts'
import { IdentityError, type IdentityProvider, type LoggedOut } from './provider.ts'

type Make = (settings: IdentityProviderSettings, needsGroups?: NeedsGroups) => IdentityProvider

const MADE: Readonly<Record<IdentityProviderSettings['kind'], Make>> = {
  access: accessProvider,
  'access-application': (settings) => new AccessApplication(settings),
  google: googleProvider,
  entra: entraProvider,
  github: githubProvider,
  oidc: (settings, needsGroups) => new OidcProvider(settings, {}, needsGroups),
}

/** Call it once per isolate: the provider remembers metadata and keys. */
export function identityProviderFor(settings: IdentityProviderSettings, needsGroups?: NeedsGroups): IdentityProvider {
  return MADE[settings.kind](settings, needsGroups)
}

/** All of a deployment: a person belongs to the one that issued them, and no other is ever asked about them. */
export class IdentityProviders implements TokenRefresher {
  /** In the order people are shown them; there is at least one. */
  readonly all: readonly IdentityProvider[]

  constructor(settings: readonly IdentityProviderSettings[], needsGroups?: NeedsGroups) {
    this.all = settings.map((one) => identityProviderFor(one, needsGroups))
  }

  /** The one people sign in with where there is nothing to choose. */
  get only(): IdentityProvider | undefined {
    return this.all.length === 1 ? this.all[0] : undefined
  }

  /** As a sentence names them. */
  get names(): string {
    const names = this.all.map(({ name }) => name)
    return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
  }

  named(key: string): IdentityProvider | undefined {
    return this.all.find((provider) => provider.key === key)
  }

  refresh(tokens: IdpTokens, person: PersonAtProvider, keep: (fresh: IdpTokens) => Promise<void>): Promise<RefreshOutcome> {
    const provider = this.all.find((one) => one.issues(person.issuer))
    if (provider) return provider.refresh(tokens, person, keep)
    return Promise.resolve({
      outcome: 'ended',
      why: `the person signed in with ${person.issuer}, which is not configured any more`,
    })
  }

  /** Whose word a logout token would be says the token itself; that it is true is for that provider to verify. */
  async loggedOut(token: string): Promise<LoggedOut> {
    const provider = this.only ?? this.all.find((one) => one.issues(issuerOf(token)))
    if (!provider) throw new IdentityError('invalid', 'no provider of this deployment is named by the logout token')
    return await provider.loggedOut(token)
  }
}

function issuerOf(token: string): string {
  try {
    return decodeJwt(token).iss ?? ''
  } catch {
    return ''
  }
}
