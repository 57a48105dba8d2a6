// What this deployment was told: environment in, frozen Settings out, every mistake reported at once.
import type { z } from 'zod'
import { toHex } from '../platform/crypto.ts'
import { administratorsOf, problemsOfAdministrators, type AdministratorSettings } from './administrators.ts'
import { readClients, type EnteredClient } from './clients.ts'
import { readDownstreams, type Downstream } from './downstreams.ts'
import { environment, keyBytes, NEW_KEY, type Environment } from './environment.ts'
import { exchangeOf, problemsOfExchange, type ExchangeSettings } from './exchange.ts'
import { readExports, type ExportSink } from './exports.ts'
import { limitsOf, type Limits } from './limits.ts'
import { assertionsPassedOn, exchangeablePassedOn } from './passed-on-tokens.ts'
import { authoritiesOf, PeopleNames } from './people-names.ts'
import { isOpenHttp, type SettingsProblem, type WrittenVariables } from './problem.ts'
import type { TelemetrySettings } from '../platform/span-exporter.ts'
import { problemsOfTelemetry, telemetryOf } from './telemetry.ts'
import { readProviders, type IdentityProviderSettings } from './providers.ts'

export interface Settings {
  /** Public origin and OAuth issuer, no trailing slash. */
  readonly baseUrl: string
  /** Nobody has said it: good for this computer, and for nowhere else. */
  readonly baseUrlIsAssumed: boolean
  readonly downstreams: readonly Downstream[]
  readonly identityProviders: readonly IdentityProviderSettings[]
  readonly secret: Uint8Array<ArrayBuffer>
  readonly previousSecret: Uint8Array<ArrayBuffer> | undefined
  readonly identityPem: string | undefined
  readonly previousIdentityPem: string | undefined
  readonly allowedOrigins: readonly string[]
  /** Where the pages of `docs/` are published; no slash at its end. */
  readonly docsUrl: string | undefined
  /** Who may open /admin. */
  readonly administrators: AdministratorSettings
  /** More of them for native clients, as the operator names them. */
  readonly redirectSchemes: readonly string[]
  /** Entered by the operator. */
  readonly clients: readonly EnteredClient[]
  readonly exchange: ExchangeSettings
  readonly limits: Limits
  /** Where the evidence goes. */
  readonly exports: readonly ExportSink[]
  /** Absent: no spans are made. */
  readonly telemetry: TelemetrySettings | undefined
}

export class SettingsError extends Error {
  override readonly name = 'SettingsError'
  readonly problems: readonly SettingsProblem[]

  constructor(problems: readonly SettingsProblem[]) {
    super(problems.map(({ variable, problem }) => `${variable} ${problem}`).join('; '))
    this.problems = problems
  }
}

/** The demo key `npm start` uses; everybody knows it, so it must never guard anything real. */
export const EXAMPLE_ENCRYPTION_KEY = '6d63702d73657373696f6e2d62726f6b65722d64656d6f2d6b65792d30303031'
const EXAMPLE_SECRETS: readonly string[] = [EXAMPLE_ENCRYPTION_KEY, 'change-me', 'changeme', 'your-client-secret', 'demo-secret']

/** Names that users of comparable proxies already have in their files. */
export const ALIASES: readonly (readonly [alias: string, name: keyof Environment])[] = [
  ['MCP_SERVER_URL', 'DOWNSTREAM_MCP_URL'],
  ['COOKIE_ENCRYPTION_KEY', 'ENCRYPTION_KEY'],
  ['CF_ACCESS_SERVICE_CLIENT_ID', 'DOWNSTREAM_ACCESS_CLIENT_ID'],
  ['CF_ACCESS_SERVICE_CLIENT_SECRET', 'DOWNSTREAM_ACCESS_CLIENT_SECRET'],
  ['STS_MAX_SESSION_DURATION_SECS', 'STS_MAX_SESSION_DURATION'],
]

const MISSING: Readonly<Record<string, string>> = {
  ENCRYPTION_KEY: NEW_KEY,
}

/** Reads every setting. Throws one `SettingsError` that lists all mistakes, each with its cure. */
export function readSettings(env: object): Settings {
  const { given, nameOf } = read(env)
  const parsed = environment.safeParse(given)
  const { downstreams, problems: ofDownstreams } = readDownstreams(given)
  const { clients, problems: ofClients } = readClients(
    given,
    environment.shape.REDIRECT_SCHEMES.safeParse(given['REDIRECT_SCHEMES']).data,
  )
  const { identityProviders, problems: ofProviders } = readProviders(given)
  const { exports, problems: ofExports } = readExports(given)
  const problems = parsed.success ? [] : parsed.error.issues.map((issue) => asProblem(issue, given))
  problems.push(
    ...ofDownstreams,
    ...ofClients,
    ...ofProviders,
    ...ofExports,
    ...problemsOfExchange(given),
    ...problemsOfAdministrators(given),
    ...problemsOfTelemetry(given),
    ...exampleSecrets(given),
    ...openHttp(given),
  )
  if (!parsed.success || problems.length > 0)
    throw new SettingsError(problems.map((problem) => ({ ...problem, variable: nameOf(problem.variable) })).sort(byVariable))
  const providers = identityProviders(parsed.data)
  const exchange = exchangeOf(parsed.data)
  const authorities = authoritiesOf(providers, exchange)
  const names = new PeopleNames(authorities)
  const servers = downstreams(parsed.data, names)
  const administrators = administratorsOf(parsed.data, providers, names)
  const passedOn = [...assertionsPassedOn(servers, providers), ...exchangeablePassedOn(servers, exchange, authorities)]
  const together = [...names.problems, ...passedOn]
  if (together.length > 0) throw new SettingsError(together)
  const baseUrlIsAssumed = given['BASE_URL'] === undefined
  return Object.freeze({
    ...settings(parsed.data, servers, providers),
    administrators,
    exchange,
    clients,
    exports,
    baseUrlIsAssumed,
  })
}

function byVariable(a: SettingsProblem, b: SettingsProblem): number {
  return a.variable < b.variable ? -1 : 1
}

interface Read {
  readonly given: WrittenVariables
  /** The name the operator wrote: a mistake is looked for where it was made. */
  readonly nameOf: (variable: string) => string
}

/** Everything else that is blank is as if it were not there. This one blank, as a template leaves it, would let in everybody. */
const NOT_BLANK = 'OAUTH_RESTRICT_TO'

function read(env: object): Read {
  const given: Record<string, string> = {}
  const written = new Map<string, string>()
  const isOfOAuth = Object.entries(env).some(([name, value]) => name === 'OAUTH_AUTHORIZE_URL' && String(value).trim() !== '')
  for (const [name, value] of Object.entries(env))
    if (typeof value === 'string' && (value.trim() !== '' || (name === NOT_BLANK && isOfOAuth))) given[name] = value.trim()
  for (const [alias, name] of ALIASES) {
    const value = given[alias]
    delete given[alias]
    if (value === undefined || given[name] !== undefined) continue
    given[name] = alias === 'MCP_SERVER_URL' ? withPath(value) : value
    written.set(name, alias)
  }
  return { given, nameOf: (variable) => written.get(variable) ?? variable }
}

/** A server without a path was reached at the path clients asked for, and they ask for `/mcp`. */
function withPath(url: string): string {
  return /^https?:\/\/[^/?#]+\/?$/.test(url) ? `${url.replace(/\/$/, '')}/mcp` : url
}

function asProblem(issue: z.core.$ZodIssue, given: WrittenVariables): SettingsProblem {
  const variable = String(issue.path[0])
  if (given[variable] === undefined) return { variable, problem: 'not configured', cure: MISSING[variable] ?? 'set it' }
  const cure =
    issue.code === 'custom' && typeof issue.params?.['cure'] === 'string'
      ? issue.params['cure']
      : 'see docs/reference/settings.md'
  return { variable, problem: issue.message, cure }
}

function exampleSecrets(given: WrittenVariables): SettingsProblem[] {
  if (given['DEMO'] === '1' && URL.parse(given['BASE_URL'] ?? '')?.hostname === 'localhost') return []
  return Object.entries(given)
    .filter(([name, value]) => /KEY|SECRET/.test(name) && isExample(value))
    .map(([variable]) => ({
      variable,
      problem: 'is the example value from the documentation',
      cure: /CLIENT_SECRET/.test(variable) ? 'use the secret your identity provider shows for this client' : NEW_KEY,
    }))
}

function isExample(value: string): boolean {
  const key = keyBytes(value)
  return EXAMPLE_SECRETS.includes(key ? toHex(key) : value.toLowerCase())
}

/** Credentials travel over https, except where they never leave the machine. */
function openHttp(given: WrittenVariables): SettingsProblem[] {
  const problems: SettingsProblem[] = []
  const cure = 'use https; plain http is for localhost alone'
  if (isOpenHttp(given['BASE_URL'])) problems.push({ variable: 'BASE_URL', problem: 'would send tokens over plain http', cure })
  return problems
}

function settings(
  env: Environment,
  downstreams: readonly Downstream[],
  providers: readonly IdentityProviderSettings[],
): Omit<Settings, 'administrators' | 'exchange' | 'clients' | 'exports' | 'baseUrlIsAssumed'> {
  return {
    baseUrl: env.BASE_URL,
    downstreams,
    identityProviders: providers,
    secret: env.ENCRYPTION_KEY,
    previousSecret: env.ENCRYPTION_KEY_PREVIOUS,
    identityPem: env.OIDC_PROVIDER_KEY,
    previousIdentityPem: env.OIDC_PROVIDER_KEY_PREVIOUS,
    allowedOrigins: env.ALLOWED_ORIGINS,
    docsUrl: env.DOCS_URL,
    redirectSchemes: env.REDIRECT_SCHEMES,
    limits: limitsOf(env),
    telemetry: telemetryOf(env),
  }
}
