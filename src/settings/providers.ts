// Where people sign in: the identity providers of this deployment, from the variables of one and from the list of several.
import type { SecretMethod } from './authorization-parameters.ts'
import type { Environment } from './environment.ts'
import {
  canBeRestricted,
  canSignal,
  hasGroupsClaim,
  isForManyTenants,
  kindOf,
  NAME_THE_TENANTS,
  readProviderList,
  type ListedProvider,
  type ProviderKind,
} from './provider-list.ts'
import { isOpenHttp, type SettingsProblem, type WrittenVariables } from './problem.ts'
import type { SignalSettings } from './signals.ts'

export interface IdentityProviderSettings {
  readonly kind: ProviderKind
  /** Which of them it is; part of the address its answers come to. */
  readonly name: string
  /** What people call it; absent: the provider knows. */
  readonly title?: string
  /** Issuer or authorize base URL the operator gave; discovery starts here. */
  readonly url: string
  readonly clientId: string
  readonly clientSecret: string | undefined
  readonly scopes: readonly string[]
  /** Google: domains; Entra: tenants, `*` for every one; GitHub: organisations. None: whoever the provider lets in. */
  readonly restrictedTo: readonly string[]
  /** Where groups are, by name or path; absent: `groups`. */
  readonly groupsClaim?: string
  /** How the broker proves itself at the token endpoint; absent: as the provider says, or is known to want. */
  readonly clientAuth?: SecretMethod | undefined
  /** Added to the authorization request; none of the broker's own. */
  readonly parameters?: Readonly<Record<string, string>> | undefined
  /** What it may say by itself; absent: nothing but that somebody has signed out. */
  readonly signals?: SignalSettings | undefined
  /** The path its answers come to: one for each, so that no answer of one is taken for that of another (RFC 9700 section 4.4). */
  readonly callback: string
}

export interface ProviderSettings {
  /** To be called with the settings as a whole, when nothing is wrong with them. In the order people are shown them. */
  readonly identityProviders: (env: Environment) => readonly IdentityProviderSettings[]
  readonly problems: readonly SettingsProblem[]
}

const OF_ACCESS: readonly string[] = ['CF_ACCESS_TEAM_DOMAIN', 'CF_ACCESS_CLIENT_ID', 'CF_ACCESS_CLIENT_SECRET']
const OF_OAUTH: readonly string[] = ['OAUTH_AUTHORIZE_URL', 'OAUTH_CLIENT_ID']
const MORE_OF_OAUTH: readonly string[] = [
  'OAUTH_CLIENT_SECRET',
  'OAUTH_RESTRICT_TO',
  'OAUTH_GROUPS_CLAIM',
  'OAUTH_CLIENT_AUTH',
  'OAUTH_AUTHORIZE_PARAMETERS',
  'OAUTH_SIGNALS',
]
const OF_APPLICATION: readonly string[] = ['ACCESS_TEAM_DOMAIN', 'ACCESS_AUD']

export function readProviders(given: WrittenVariables): ProviderSettings {
  const { providers, problems } = readProviderList(given)
  return {
    identityProviders: (env) => [...fromVariables(env), ...providers.map(listed)],
    problems: [...problems, ...problemsOfVariables(given), ...problemsTogether(given, providers)],
  }
}

function problemsOfVariables(given: WrittenVariables): SettingsProblem[] {
  const isGiven = (variable: string): boolean => given[variable] !== undefined
  const begun = [
    ...(OF_ACCESS.some(isGiven) ? OF_ACCESS : []),
    ...([...OF_OAUTH, ...MORE_OF_OAUTH].some(isGiven) ? OF_OAUTH : []),
    ...(isGiven('IDENTITY_PROVIDER') ? OF_APPLICATION : []),
  ]
  const needed = begun.length > 0 || isGiven('IDENTITY_PROVIDERS') ? begun : OF_OAUTH
  const cure = 'people sign in with CF_ACCESS_* (Cloudflare Access), OAUTH_* (any other issuer), or what IDENTITY_PROVIDERS lists'
  return needed.filter((variable) => !isGiven(variable)).map((variable) => ({ variable, problem: 'not configured', cure }))
}

/** Issuers are unique across providers: overlapping tenants of Entra would be ambiguous. */
function problemsTogether(given: WrittenVariables, listedOnes: readonly ListedProvider[]): SettingsProblem[] {
  const own = given['OAUTH_AUTHORIZE_URL']
  const url = own === undefined ? undefined : URL.parse(own)
  const problems: SettingsProblem[] = []
  const all = [...(url ? [{ url, kind: kindOf(url) }] : []), ...listedOnes]
  const issuers = all.map((one) => one.url.href.replace(/\/$/, ''))
  const twice = issuers.find((issuer, index) => issuers.indexOf(issuer) !== index)
  if (twice !== undefined)
    problems.push({ variable: 'IDENTITY_PROVIDERS', problem: `holds ${twice} twice`, cure: 'give each issuer one entry' })
  if (
    all.filter(({ kind }) => kind === 'entra').length > 1 &&
    all.some((one) => one.kind === 'entra' && isForManyTenants(one.url))
  )
    problems.push({
      variable: 'IDENTITY_PROVIDERS',
      problem: 'holds an entry for many tenants of Microsoft Entra beside another one',
      cure: 'name every tenant in the one entry, or give each tenant an entry with its own URL',
    })
  if (url && kindOf(url) === 'entra' && isForManyTenants(url) && given['OAUTH_RESTRICT_TO'] === undefined)
    problems.push({ variable: 'OAUTH_RESTRICT_TO', problem: 'not configured', cure: NAME_THE_TENANTS })
  if (url && given['OAUTH_RESTRICT_TO'] !== undefined && !canBeRestricted(kindOf(url)))
    problems.push({
      variable: 'OAUTH_RESTRICT_TO',
      problem: `means nothing at ${url.host}: everybody who has an account there would get in`,
      cure: 'remove it, and let the issuer decide who may sign in; a GitHub Enterprise Server is an entry of IDENTITY_PROVIDERS with the kind github',
    })
  if (url && given['OAUTH_GROUPS_CLAIM'] !== undefined && !hasGroupsClaim(kindOf(url)))
    problems.push({
      variable: 'OAUTH_GROUPS_CLAIM',
      problem: `means nothing at ${url.host}, which has no claim of groups`,
      cure: 'remove it',
    })
  if (url && given['OAUTH_SIGNALS'] !== undefined && !canSignal(kindOf(url)))
    problems.push({
      variable: 'OAUTH_SIGNALS',
      problem: `means nothing at ${url.host}, which signs no signals`,
      cure: 'remove it',
    })
  if (url && url.search !== '')
    problems.push({ variable: 'OAUTH_AUTHORIZE_URL', problem: 'has a query', cure: asParameters(url) })
  if (isOpenHttp(own))
    problems.push({
      variable: 'OAUTH_AUTHORIZE_URL',
      problem: 'would sign people in over plain http',
      cure: 'use https; plain http is for localhost alone',
    })
  return problems
}

/** The values are not repeated: what they are nobody knows. */
function asParameters({ searchParams }: URL): string {
  const named = Object.fromEntries([...searchParams.keys()].map((name) => [name, '…']))
  return `leave it out, and set OAUTH_AUTHORIZE_PARAMETERS=${JSON.stringify(named)}`
}

export function accessHost(team: string): string {
  return team.includes('.') ? team : `${team}.cloudflareaccess.com`
}

function fromVariables(env: Environment): readonly IdentityProviderSettings[] {
  const isAccess = env.CF_ACCESS_TEAM_DOMAIN !== undefined
  return [...saasApplication(env), ...anyIssuer(env, isAccess ? '/callback/oauth' : '/callback'), ...applicationInFront(env)]
}

function saasApplication(env: Environment): readonly IdentityProviderSettings[] {
  const { CF_ACCESS_TEAM_DOMAIN: team, CF_ACCESS_CLIENT_ID: clientId = '', CF_ACCESS_CLIENT_SECRET: clientSecret } = env
  if (team === undefined) return []
  const url = `https://${accessHost(team)}/cdn-cgi/access/sso/oidc/${encodeURIComponent(clientId)}`
  // Beside another provider the scopes are that one's: each has its own.
  const given = env.OAUTH_AUTHORIZE_URL === undefined ? env.SCOPES_SUPPORTED : []
  const scopes = scopesOf('access', given)
  return [{ kind: 'access', name: 'cf-access', url, clientId, clientSecret, scopes, restrictedTo: [], callback: '/callback' }]
}

function anyIssuer(env: Environment, callback: string): readonly IdentityProviderSettings[] {
  const { OAUTH_AUTHORIZE_URL: url, OAUTH_CLIENT_ID: clientId = '', OAUTH_CLIENT_SECRET: clientSecret } = env
  if (url === undefined) return []
  const kind = kindOf(url)
  const scopes = scopesOf(kind, env.SCOPES_SUPPORTED)
  const restrictedTo = env.OAUTH_RESTRICT_TO.map((one) => one.toLowerCase())
  const { OAUTH_GROUPS_CLAIM: groupsClaim, OAUTH_CLIENT_AUTH: clientAuth, OAUTH_AUTHORIZE_PARAMETERS: parameters } = env
  const given = {
    kind,
    name: 'oauth',
    url: url.href,
    clientId,
    clientSecret,
    scopes,
    restrictedTo,
    clientAuth,
    parameters,
    signals: env.OAUTH_SIGNALS,
    callback,
  }
  return [{ ...given, ...(groupsClaim !== undefined && { groupsClaim }) }]
}

/** Never by the two variables alone: they also stand where Access guards nothing but /admin. */
function applicationInFront(env: Environment): readonly IdentityProviderSettings[] {
  const { IDENTITY_PROVIDER: chosen, ACCESS_TEAM_DOMAIN: team, ACCESS_AUD: audience } = env
  if (chosen === undefined || team === undefined || audience === undefined) return []
  return [application('access', `https://${accessHost(team)}`, audience)]
}

function application(name: string, url: string, audience: string): IdentityProviderSettings {
  const callback = `/callback/${name}`
  return {
    kind: 'access-application',
    name,
    url,
    clientId: audience,
    clientSecret: undefined,
    scopes: [],
    restrictedTo: [],
    callback,
  }
}

function listed({
  name,
  title,
  kind,
  url,
  clientId,
  clientSecret,
  scopes,
  restrictedTo,
  groupsClaim,
  clientAuth,
  parameters,
  signals,
}: ListedProvider): IdentityProviderSettings {
  const shown = title === undefined ? {} : { title }
  if (kind === 'access-application') return { ...application(name, url.origin, clientId), ...shown }
  const callback = `/callback/${name}`
  return {
    kind,
    name,
    ...shown,
    url: url.href,
    clientId,
    clientSecret,
    scopes: scopesOf(kind, scopes),
    restrictedTo: restrictedTo.map((one) => one.toLowerCase()),
    ...(groupsClaim !== undefined && { groupsClaim }),
    clientAuth,
    parameters,
    signals,
    callback,
  }
}

const DEFAULT_SCOPES: Readonly<Record<ProviderKind, readonly string[]>> = {
  access: ['openid', 'email', 'profile', 'groups'],
  'access-application': [],
  // `offline_access` means nothing to Google, which has a parameter for it.
  google: ['openid', 'email', 'profile'],
  // With User.Read, Microsoft Graph tells the groups of a person who is in too many for a token.
  entra: ['openid', 'profile', 'email', 'offline_access', 'User.Read'],
  github: ['read:user', 'user:email', 'read:org'],
  oidc: ['openid', 'profile', 'email', 'offline_access'],
}

function scopesOf(kind: ProviderKind, given: readonly string[]): readonly string[] {
  return given.length > 0 ? given : DEFAULT_SCOPES[kind]
}
