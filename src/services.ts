// The wiring: what one isolate is made of, built once from the environment and handed to every layer.
import { base64url } from 'jose'
import { addressPolicy, type AddressPolicy } from './clients/public-address.ts'
import { IdentityProviders } from './identity/identity-providers.ts'
import { Issuer } from './identity/issuer.ts'
import { IdentityError } from './identity/provider.ts'
import { statementReaders } from './identity/subject-tokens.ts'
import type { EvidenceSigner } from './evidence/statements.ts'
import { evidenceSigner } from './issuer/evidence-signer.ts'
import { keyRing, type KeyRing, type Keys } from './issuer/keys.ts'
import { ClientFinder } from './oauth/client-auth/client-finder.ts'
import { SignedTokens } from './oauth/tokens/signed-tokens.ts'
import { MachineTokens } from './oauth/tokens/machine-tokens.ts'
import { hmac } from './platform/crypto.ts'
import { useOperatorNetwork } from './platform/outbound.ts'
import { useTelemetry } from './platform/span-exporter.ts'
import type { StreamSender } from './session/contract/signal-stream.ts'
import type { StatementReaders } from './session/contract/subject-token.ts'
import { NEW_PEM } from './settings/environment.ts'
import type { SignalSource } from './signals/signer.ts'
import { Transmitter } from './signals/transmitter.ts'
import { NO_SIGNALS } from './settings/signals.ts'
import { namedGroups } from './settings/named-groups.ts'
import type { IdentityProviderSettings } from './settings/providers.ts'
import { readSettings, SettingsError, type Settings } from './settings/settings.ts'

/** What an isolate knows by itself, in the router and inside a Durable Object alike. */
export interface Foundation {
  readonly settings: Settings
  readonly keys: KeyRing
  readonly providers: IdentityProviders
  readonly statements: StatementReaders
  /** The same providers, as far as they may say something by themselves. */
  readonly signalSources: readonly SignalSource[]
  /** Transmitters of security events, by the names of the providers. */
  readonly senders: ReadonlyMap<string, StreamSender>
  readonly evidenceSigner: EvidenceSigner
}

/** The objects, the files of pages, and what time it is. */
export interface Outside {
  readonly session: (sub: string) => ReturnType<Env['USER_SESSION']['getByName']>
  readonly directory: () => ReturnType<Env['DIRECTORY']['getByName']>
  readonly assets: Pick<Env['PAGE_ASSETS'], 'fetch'>
  /** Unix seconds. */
  readonly now: () => number
}

export interface Services extends Foundation, Outside {
  readonly signedTokens: SignedTokens
  readonly machines: MachineTokens
  /** One for all who look for clients: it counts the documents it fetches. */
  readonly finder: ClientFinder
}

// Results are remembered, never promises: in a Worker, awaiting a promise another request began hangs.
const foundations = new WeakMap<object, Foundation>()
const wirings = new WeakMap<object, Services>()

/** Throws `SettingsError` when this deployment was told something it can't work with. */
export async function foundation(env: object): Promise<Foundation> {
  const known = foundations.get(env)
  if (known) return known
  const settings = readSettings(env)
  const { downstreams, identityProviders, telemetry } = settings
  useTelemetry(telemetry)
  useOperatorNetwork('OPERATOR_NETWORK' in env ? env.OPERATOR_NETWORK : undefined, [
    ...downstreams.flatMap(({ url, signals }) => [url, signals?.url ?? url]),
    ...identityProviders.flatMap(({ url, signals }) => [url, signals?.revocationIssuer ?? url, signals?.transmitter ?? url]),
  ])
  const providers = new IdentityProviders(settings.identityProviders, (issuer) => namedGroups(settings, issuer).size > 0)
  const statements = statementReaders(settings.exchange, { broker: settings.baseUrl, providers: providers.all, now })
  const keys = await keysOf(settings)
  const signalSources = await Promise.all(identityProviders.map((one) => sourceOf(one, providers, keys)))
  const senders = sendersOf(signalSources, settings.baseUrl)
  const signer = evidenceSigner(keys, settings.baseUrl, now)
  const built = { settings, keys, providers, statements, signalSources, senders, evidenceSigner: signer }
  foundations.set(env, built)
  return built
}

export async function services(env: Env): Promise<Services> {
  const known = wirings.get(env)
  if (known) return known
  const built = wired(await foundation(env), {
    session: (sub) => env.USER_SESSION.getByName(sub),
    directory: () => env.DIRECTORY.getByName('directory'),
    assets: env.PAGE_ASSETS,
    now,
  })
  wirings.set(env, built)
  return built
}

export function wired(base: Foundation, outside: Outside): Services {
  const { keys, settings } = base
  const { directory, now: clock } = outside
  const { clients: entered, redirectSchemes, limits, baseUrl } = settings
  const fetchesPerMinute = limits.registrationsPerMinute
  return {
    ...base,
    ...outside,
    signedTokens: new SignedTokens(keys, baseUrl, clock),
    machines: new MachineTokens(keys, baseUrl),
    finder: new ClientFinder({
      keys,
      entered,
      redirectSchemes,
      directory,
      policy: policyOf(settings),
      fetchesPerMinute,
      now: clock,
    }),
  }
}

async function sourceOf(
  { name: key, url, clientId, signals = NO_SIGNALS }: IdentityProviderSettings,
  all: IdentityProviders,
  { current, previous }: KeyRing,
): Promise<SignalSource> {
  const provider = all.named(key)
  if (!provider) throw new Error(`there is no provider ${key}`)
  const secretBy = async (keys: Keys): Promise<string> => base64url.encode(await hmac(keys.streams, key))
  return {
    key,
    name: provider.name,
    clientId,
    settings: signals,
    revocation: new Issuer(signals.revocationIssuer ?? url, now),
    accessToken: async (scopes) => {
      if (!provider.ownToken) throw new Error(`${provider.name} gives the broker no token of its own`)
      try {
        return await provider.ownToken(scopes)
      } catch (error) {
        // Keycloak gives what the client has without being asked for it.
        if (error instanceof IdentityError && error.code === 'invalid_scope') return await provider.ownToken([])
        throw error
      }
    },
    pushSecrets: [await secretBy(current), ...(previous ? [await secretBy(previous)] : [])],
    issues: (issuer) => provider.issues(issuer),
    peopleIssuer: () => provider.ownIssuer(),
  }
}

function sendersOf(sources: readonly SignalSource[], baseUrl: string): ReadonlyMap<string, StreamSender> {
  return new Map(
    sources.flatMap((source) => {
      const { key, settings } = source
      if (settings.transmitter === undefined) return []
      const endpoint = `${baseUrl}/security-events/${key}`
      return [[key, new Transmitter({ source, issuer: settings.transmitter, endpoint, now })] as const]
    }),
  )
}

/** Which addresses that strangers name may be asked. */
export function policyOf({ baseUrl, downstreams }: Settings): AddressPolicy {
  return addressPolicy(
    baseUrl,
    downstreams.map(({ url }) => url),
  )
}

/** What tokens with the scope `admin` are for. */
export function adminResourceOf({ baseUrl }: Settings): string {
  return `${baseUrl}/admin/api`
}

/** What tokens with the scope `metrics` are for. */
export function metricsResourceOf({ baseUrl }: Settings): string {
  return `${baseUrl}/metrics`
}

/** Where the directory of an identity provider speaks SCIM, and what tokens with the scope `scim` are for; `key` names the provider. */
export function scimBase({ settings: { baseUrl }, providers }: Pick<Services, 'settings' | 'providers'>, key: string): string {
  return providers.only ? `${baseUrl}/scim/v2` : `${baseUrl}/scim/${key}/v2`
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
