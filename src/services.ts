// The wiring: what one isolate is made of, built once from the environment and handed to every layer.
import { IdentityProviders } from './identity/identity-providers.ts'
import { statementReaders } from './identity/subject-tokens.ts'
import { keyRing, type KeyRing } from './issuer/keys.ts'
import { SignedTokens } from './oauth/tokens/signed-tokens.ts'
import { MachineTokens } from './oauth/tokens/machine-tokens.ts'
import { useOperatorNetwork } from './platform/outbound.ts'
import type { StatementReaders } from './session/contract/subject-token.ts'
import { NEW_PEM } from './settings/environment.ts'
import { namedGroups } from './settings/named-groups.ts'
import { readSettings, SettingsError, type Settings } from './settings/settings.ts'

/** What an isolate knows by itself, in the router and inside a Durable Object alike. */
export interface Foundation {
  readonly settings: Settings
  readonly keys: KeyRing
  readonly providers: IdentityProviders
  readonly statements: StatementReaders
}

export interface Services extends Foundation {
  readonly signedTokens: SignedTokens
  readonly machines: MachineTokens
  readonly session: (sub: string) => ReturnType<Env['USER_SESSION']['getByName']>
  readonly directory: () => ReturnType<Env['DIRECTORY']['getByName']>
  /** Unix seconds. */
  readonly now: () => number
}

// Results are remembered, never promises: in a Worker, awaiting a promise another request began hangs.
const foundations = new WeakMap<object, Foundation>()
const wirings = new WeakMap<object, Services>()

/** Throws `SettingsError` when this deployment was told something it can't work with. */
export async function foundation(env: object): Promise<Foundation> {
  const known = foundations.get(env)
  if (known) return known
  const settings = readSettings(env)
  const { downstreams, identityProviders } = settings
  useOperatorNetwork('OPERATOR_NETWORK' in env ? env.OPERATOR_NETWORK : undefined, [
    ...downstreams.map(({ url }) => url),
    ...identityProviders.map(({ url }) => url),
  ])
  const providers = new IdentityProviders(settings.identityProviders, (issuer) => namedGroups(settings, issuer).size > 0)
  const statements = statementReaders(settings.exchange, { broker: settings.baseUrl, providers: providers.all, now })
  const built = { settings, keys: await keysOf(settings), providers, statements }
  foundations.set(env, built)
  return built
}

export async function services(env: Env): Promise<Services> {
  const known = wirings.get(env)
  if (known) return known
  const base = await foundation(env)
  const built: Services = {
    ...base,
    signedTokens: new SignedTokens(base.keys, base.settings.baseUrl, now),
    machines: new MachineTokens(base.keys, base.settings.baseUrl),
    session: (sub) => env.USER_SESSION.getByName(sub),
    directory: () => env.DIRECTORY.getByName('directory'),
    now,
  }
  wirings.set(env, built)
  return built
}

/** What tokens with the scope `admin` are for. */
export function adminResourceOf({ baseUrl }: Settings): string {
  return `${baseUrl}/admin/api`
}

/** Derived keys can't fail; what stands in a PEM is known only when it is imported. */
async function keysOf({ secret, previousSecret, identityPem, previousIdentityPem }: Settings): Promise<KeyRing> {
  try {
    return await keyRing({ secret, previousSecret, identityPem, previousIdentityPem })
  } catch {
    const ownIsFine = await keyRing({ secret, identityPem }).then(
      () => true,
      () => false,
    )
    const variable = ownIsFine ? 'OIDC_PROVIDER_KEY_PREVIOUS' : 'OIDC_PROVIDER_KEY'
    throw new SettingsError([{ variable, problem: 'is not a P-256 or RSA private key', cure: NEW_PEM }])
  }
}

function now(): number {
  return Math.floor(Date.now() / 1000)
}
