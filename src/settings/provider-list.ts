// What the JSON of `IDENTITY_PROVIDERS` may say about each provider, and every mistake in it, named by provider and field.
import * as z from 'zod'
import { authorizationParameters, clientAuth, type SecretMethod } from './authorization-parameters.ts'
import { claimPath } from './environment.ts'
import { webUrl } from './web-url.ts'
import { jsonOf, lower, MISSING_IS_SAID } from './json-list.ts'
import { isOpenHttp, type SettingsProblem, type WrittenVariables } from './problem.ts'
import { signalSettings, type SignalSettings } from './signals.ts'

export type ProviderKind = 'access' | 'access-application' | 'google' | 'entra' | 'github' | 'oidc'

export interface ListedProvider {
  readonly name: string
  readonly title: string | undefined
  readonly kind: ProviderKind
  readonly url: URL
  readonly clientId: string
  readonly clientSecret: string | undefined
  readonly scopes: readonly string[]
  readonly restrictedTo: readonly string[]
  readonly groupsClaim: string | undefined
  readonly clientAuth: SecretMethod | undefined
  readonly parameters: Readonly<Record<string, string>> | undefined
  readonly signals: SignalSettings | undefined
}

const VARIABLE = 'IDENTITY_PROVIDERS'
const SEE = 'see “Several identity providers” in docs/identity-providers/several.md'

/** By the address alone: operators copy it from the provider's documentation. */
export function kindOf({ hostname, pathname }: URL): ProviderKind {
  if (hostname === 'accounts.google.com') return 'google'
  if (/^login\.(?:microsoftonline\.com|microsoftonline\.us|partner\.microsoftonline\.cn)$/.test(hostname)) return 'entra'
  if (hostname === 'github.com' && pathname.startsWith('/login/oauth')) return 'github'
  if (hostname.endsWith('.cloudflareaccess.com'))
    return pathname.startsWith('/cdn-cgi/access/sso/oidc/') ? 'access' : 'access-application'
  return 'oidc'
}

/** The field that says who of a provider's people may sign in is called as the provider calls them. */
const RESTRICTION: Readonly<Partial<Record<ProviderKind, 'hd' | 'tenants' | 'organizations'>>> = {
  google: 'hd',
  entra: 'tenants',
  github: 'organizations',
}
const RESTRICTIONS = ['hd', 'tenants', 'organizations'] as const

/** Whose groups are in a claim at all. */
export function hasGroupsClaim(kind: ProviderKind): boolean {
  return kind === 'oidc' || kind === 'access' || kind === 'entra'
}

export function canBeRestricted(kind: ProviderKind): boolean {
  return RESTRICTION[kind] !== undefined
}

/** Which of them sign what they say about people's access. */
export function canSignal(kind: ProviderKind): boolean {
  return kind === 'oidc' || kind === 'access'
}

const text = z.string().min(1, 'is empty')
const names = z.union([text.transform((one) => [one]), z.array(text).min(1, 'is empty')], 'is no list of names').optional()

const entrySchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/, 'is not of lower-case letters, digits and -'),
  title: text.max(60, 'is longer than 60 characters').optional(),
  kind: z.enum(['access', 'access-application', 'google', 'entra', 'github', 'oidc']).optional(),
  url: webUrl,
  client_id: text.optional(),
  client_secret: text.optional(),
  scopes: z.array(text).min(1, 'is empty').optional(),
  hd: names,
  tenants: names,
  organizations: names,
  audience: text.optional(),
  groups_claim: claimPath.optional(),
  client_auth: clientAuth.optional(),
  authorize_parameters: authorizationParameters.optional(),
  signals: signalSettings.optional(),
})
type Entry = z.output<typeof entrySchema>

type Report = (problem: string, cure?: string) => void

/** Names the variables use, whose callbacks would be the same. */
const TAKEN: Readonly<Record<string, string>> = {
  'cf-access': 'CF_ACCESS_TEAM_DOMAIN',
  oauth: 'OAUTH_AUTHORIZE_URL',
  access: 'IDENTITY_PROVIDER',
}

export function readProviderList(given: WrittenVariables): {
  readonly providers: readonly ListedProvider[]
  readonly problems: readonly SettingsProblem[]
} {
  const written = given[VARIABLE]
  if (written === undefined) return { providers: [], problems: [] }
  const problems: SettingsProblem[] = []
  const report: Report = (problem, cure = SEE) => void problems.push({ variable: VARIABLE, problem, cure })
  const entries = jsonOf(written)
  if (!Array.isArray(entries) || entries.length === 0) {
    report('is not a JSON array of identity providers')
    return { providers: [], problems }
  }
  const providers = entries.flatMap((entry: unknown, index) => {
    const parsed = entrySchema.safeParse(entry, MISSING_IS_SAID)
    if (parsed.success) return provider(parsed.data, given, (problem, cure) => report(`${parsed.data.name}: ${problem}`, cure))
    for (const { path, message } of parsed.error.issues) report(`${[index, ...path].join('.')} ${lower(message)}`)
    return []
  })
  for (const [index, { name }] of providers.entries()) {
    if (providers.findIndex((other) => other.name === name) !== index) report(`${name}: is there twice`)
    const variable = TAKEN[name]
    if (variable !== undefined && given[variable] !== undefined) report(`${name}: is the name of the one in ${variable}`)
  }
  return { providers, problems }
}

function provider(entry: Entry, given: WrittenVariables, report: Report): readonly ListedProvider[] {
  const kind = entry.kind ?? kindOf(entry.url)
  const clientSecret = entry.client_secret?.replace(/^\$([A-Z][A-Z0-9_]*)$/, (_, name: string) => given[name] ?? '')
  if (clientSecret === '') report(`client_secret names ${entry.client_secret}, which is not set`, 'npx wrangler secret put')
  if (isOpenHttp(entry.url.href))
    report('url would sign people in over plain http', 'use https; plain http is for localhost alone')
  const clientId = kind === 'access-application' ? entry.audience : entry.client_id
  if (clientId === undefined) report(`${kind === 'access-application' ? 'audience' : 'client_id'} is missing`)
  if (kind === 'access-application' && (entry.client_auth ?? entry.authorize_parameters))
    report('client_auth and authorize_parameters mean nothing to a provider of the kind access-application')
  if (entry.url.search !== '') report('url has a query', 'put what it says into authorize_parameters')
  if (entry.signals && !canSignal(kind)) report(`signals means nothing to a provider of the kind ${kind}`)
  if (kind === 'github' && clientSecret === undefined) report('client_secret is missing: GitHub has no clients without one')
  if (entry.groups_claim !== undefined && !hasGroupsClaim(kind))
    report(`groups_claim means nothing to a provider of the kind ${kind}`)
  const own = RESTRICTION[kind]
  for (const field of RESTRICTIONS)
    if (field !== own && entry[field]) report(`${field} means nothing to a provider of the kind ${kind}`)
  const restrictedTo = (own && entry[own]) ?? []
  if (kind === 'entra' && restrictedTo.length === 0 && isForManyTenants(entry.url)) report('tenants is missing', NAME_THE_TENANTS)
  if (clientId === undefined) return []
  const { name, title, url, scopes = [], groups_claim: groupsClaim, authorize_parameters: parameters } = entry
  const said = { name, title, kind, url, clientId, clientSecret, scopes, restrictedTo, groupsClaim, parameters }
  return [{ ...said, clientAuth: entry.client_auth, signals: entry.signals }]
}

export const NAME_THE_TENANTS =
  'name the tenants that may sign in by their ids, or * for every tenant there is; this URL is open to all of them'

export function isForManyTenants({ pathname }: URL): boolean {
  return /^\/(?:common|organizations|consumers)(?:\/|$)/.test(pathname)
}
