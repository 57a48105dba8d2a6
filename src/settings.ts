// What this deployment was told: environment in, frozen Settings out, every mistake reported at once.
import { base64url } from 'jose'
import { z } from 'zod'
import { fromHex } from './platform/crypto.ts'

export type DownstreamAuth = 'identity-jwt' | 'idp-token' | 'none'

/** One MCP server behind the broker. */
export interface Downstream {
  readonly name: string
  /** Where clients reach it here, e.g. `/mcp`. */
  readonly path: string
  /** Canonical public URL (RFC 8707 resource, audience of access tokens), no trailing slash. */
  readonly resource: string
  /** Where the MCP server really is; also the audience of identity JWTs. */
  readonly url: string
  readonly auth: DownstreamAuth
  readonly scopes: readonly string[]
}

export interface IdentityProviderSettings {
  readonly kind: 'access' | 'oidc'
  /** Issuer or authorize base URL the operator gave; discovery starts here. */
  readonly url: string
  readonly clientId: string
  readonly clientSecret: string | undefined
  readonly scopes: readonly string[]
}

/** All durations in seconds, all sizes in bytes. */
export interface Limits {
  readonly codeTtl: number
  readonly loginTtl: number
  readonly accessTokenTtl: number
  readonly refreshTokenTtl: number
  readonly sessionTtl: number
  readonly identityJwtTtl: number
  readonly idpOutageGrace: number
  readonly rateLimitRequests: number
  readonly rateLimitWindow: number
  readonly maxBodyBytes: number
  readonly maxGrants: number
  readonly registrationsPerMinute: number
  readonly downstreamTimeout: number
}

export interface Settings {
  /** Public origin and OAuth issuer, no trailing slash. */
  readonly baseUrl: string
  readonly downstreams: readonly Downstream[]
  readonly identityProvider: IdentityProviderSettings
  readonly secret: Uint8Array<ArrayBuffer>
  readonly previousSecret: Uint8Array<ArrayBuffer> | undefined
  readonly identityPem: string | undefined
  readonly previousIdentityPem: string | undefined
  readonly allowedOrigins: readonly string[]
  readonly limits: Limits
}

export interface SettingsProblem {
  readonly variable: string
  readonly problem: string
  readonly cure: string
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

const NEW_KEY = 'create one with: openssl rand -hex 32'

const list = z
  .string()
  .default('')
  .transform((text) => text.split(/[\s,]+/).filter((word) => word !== ''))

function seconds(fallback: number): z.ZodType<number, string | undefined> {
  return z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'is not a whole number above zero')
    .default(String(fallback))
    .transform(Number)
}

const secret = z.string().transform((text, context) => {
  const bytes = /^[0-9a-f]{64}$/i.test(text) ? fromHex(text) : decodedBase64(text)
  if (bytes?.length === 32) return bytes
  context.addIssue({ code: 'custom', message: 'is not 32 bytes in hex or base64', params: { cure: NEW_KEY } })
  return z.NEVER
})

const webUrl = z.string().transform((text, context) => {
  const url = URL.parse(text)
  if (url && (url.protocol === 'https:' || url.protocol === 'http:') && !url.username && !url.hash) return url
  context.addIssue({ code: 'custom', message: 'is not an http(s) URL', params: { cure: 'give it as https://host/path' } })
  return z.NEVER
})

const origin = webUrl.transform((url, context) => {
  if (url.pathname === '/' && !url.search) return url.origin
  context.addIssue({ code: 'custom', message: 'has a path', params: { cure: `give the origin alone: ${url.origin}` } })
  return z.NEVER
})

const environment = z.object({
  BASE_URL: origin,
  DOWNSTREAM_MCP_URL: webUrl,
  DOWNSTREAM_AUTH: z.enum(['identity-jwt', 'idp-token', 'none']).default('identity-jwt'),
  ENCRYPTION_KEY: secret,
  ENCRYPTION_KEY_PREVIOUS: secret.optional(),
  OIDC_PROVIDER_KEY: z.string().startsWith('-----BEGIN PRIVATE KEY-----', 'is not a PKCS#8 PEM').optional(),
  OIDC_PROVIDER_KEY_PREVIOUS: z.string().startsWith('-----BEGIN PRIVATE KEY-----', 'is not a PKCS#8 PEM').optional(),
  CF_ACCESS_TEAM_DOMAIN: z.string().optional(),
  CF_ACCESS_CLIENT_ID: z.string().optional(),
  CF_ACCESS_CLIENT_SECRET: z.string().optional(),
  OAUTH_AUTHORIZE_URL: webUrl.optional(),
  OAUTH_CLIENT_ID: z.string().optional(),
  OAUTH_CLIENT_SECRET: z.string().optional(),
  SCOPES_SUPPORTED: list,
  ALLOWED_ORIGINS: list,
  DEMO: z.enum(['0', '1']).default('0'),
  AUTHORIZATION_CODE_TTL: seconds(300),
  LOGIN_TTL: seconds(600),
  ACCESS_TOKEN_TTL: seconds(3600),
  REFRESH_TOKEN_TTL: seconds(30 * 86_400),
  SESSION_TTL: seconds(90 * 86_400),
  IDENTITY_JWT_TTL: seconds(60),
  IDP_OUTAGE_GRACE: seconds(4 * 3600),
  RATE_LIMIT_REQUESTS: seconds(600),
  RATE_LIMIT_WINDOW: seconds(60),
  RATE_LIMIT_REGISTRATIONS: seconds(60),
  MAX_BODY_BYTES: seconds(4 * 1024 * 1024),
  MAX_GRANTS: seconds(100),
  DOWNSTREAM_TIMEOUT: seconds(300),
})
type Environment = z.output<typeof environment>

/** Names that users of comparable proxies already have in their files. */
const ALIASES: readonly (readonly [alias: string, name: keyof Environment])[] = [
  ['MCP_SERVER_URL', 'DOWNSTREAM_MCP_URL'],
  ['COOKIE_ENCRYPTION_KEY', 'ENCRYPTION_KEY'],
]

const MISSING: Readonly<Record<string, string>> = {
  DOWNSTREAM_MCP_URL: 'set it to the URL of the MCP server behind the broker, e.g. https://tools.example.com/mcp',
  BASE_URL: 'set it to the public origin of this broker, e.g. https://mcp.example.com',
  ENCRYPTION_KEY: NEW_KEY,
}

/** Reads every setting. Throws one `SettingsError` that lists all mistakes, each with its cure. */
export function readSettings(env: object): Settings {
  const given = strings(env)
  const parsed = environment.safeParse(given)
  const problems = parsed.success ? [] : parsed.error.issues.map((issue) => asProblem(issue, given))
  problems.push(...problemsOfProvider(given), ...exampleSecrets(given))
  if (!parsed.success || problems.length > 0) throw new SettingsError(problems)
  return Object.freeze(settings(parsed.data))
}

function strings(env: object): Record<string, string> {
  const given: Record<string, string> = {}
  for (const [name, value] of Object.entries(env))
    if (typeof value === 'string' && value.trim() !== '') given[name] = value.trim()
  for (const [alias, name] of ALIASES) if (given[alias] !== undefined) given[name] ??= given[alias]
  return given
}

function asProblem(issue: z.core.$ZodIssue, given: Readonly<Record<string, string>>): SettingsProblem {
  const variable = String(issue.path[0])
  if (given[variable] === undefined) return { variable, problem: 'not configured', cure: MISSING[variable] ?? 'set it' }
  const cure =
    issue.code === 'custom' && typeof issue.params?.['cure'] === 'string'
      ? issue.params['cure']
      : 'see the settings table in README.md'
  return { variable, problem: issue.message, cure }
}

function problemsOfProvider(given: Readonly<Record<string, string>>): SettingsProblem[] {
  const access = ['CF_ACCESS_TEAM_DOMAIN', 'CF_ACCESS_CLIENT_ID', 'CF_ACCESS_CLIENT_SECRET']
  const oauth = ['OAUTH_AUTHORIZE_URL', 'OAUTH_CLIENT_ID']
  const chosen = access.some((name) => given[name] !== undefined) ? access : oauth
  return chosen
    .filter((variable) => given[variable] === undefined)
    .map((variable) => ({
      variable,
      problem: 'not configured',
      cure: 'people sign in with CF_ACCESS_* (Cloudflare Access) or OAUTH_* (any OIDC issuer)',
    }))
}

function exampleSecrets(given: Readonly<Record<string, string>>): SettingsProblem[] {
  if (given['DEMO'] === '1' && URL.parse(given['BASE_URL'] ?? '')?.hostname === 'localhost') return []
  return Object.entries(given)
    .filter(([name, value]) => /KEY|SECRET/.test(name) && EXAMPLE_SECRETS.includes(value.toLowerCase()))
    .map(([variable]) => ({ variable, problem: 'is the example value from the documentation', cure: NEW_KEY }))
}

function settings(env: Environment): Settings {
  const resource = `${env.BASE_URL}/mcp`
  return {
    baseUrl: env.BASE_URL,
    downstreams: [
      { name: 'mcp', path: '/mcp', resource, url: env.DOWNSTREAM_MCP_URL.href, auth: env.DOWNSTREAM_AUTH, scopes: ['mcp'] },
    ],
    identityProvider: identityProvider(env),
    secret: env.ENCRYPTION_KEY,
    previousSecret: env.ENCRYPTION_KEY_PREVIOUS,
    identityPem: env.OIDC_PROVIDER_KEY,
    previousIdentityPem: env.OIDC_PROVIDER_KEY_PREVIOUS,
    allowedOrigins: env.ALLOWED_ORIGINS,
    limits: {
      codeTtl: env.AUTHORIZATION_CODE_TTL,
      loginTtl: env.LOGIN_TTL,
      accessTokenTtl: env.ACCESS_TOKEN_TTL,
      refreshTokenTtl: env.REFRESH_TOKEN_TTL,
      sessionTtl: env.SESSION_TTL,
      identityJwtTtl: env.IDENTITY_JWT_TTL,
      idpOutageGrace: env.IDP_OUTAGE_GRACE,
      rateLimitRequests: env.RATE_LIMIT_REQUESTS,
      rateLimitWindow: env.RATE_LIMIT_WINDOW,
      registrationsPerMinute: env.RATE_LIMIT_REGISTRATIONS,
      maxBodyBytes: env.MAX_BODY_BYTES,
      maxGrants: env.MAX_GRANTS,
      downstreamTimeout: env.DOWNSTREAM_TIMEOUT,
    },
  }
}

function identityProvider(env: Environment): IdentityProviderSettings {
  const scopes = env.SCOPES_SUPPORTED.length > 0 ? env.SCOPES_SUPPORTED : undefined
  if (env.CF_ACCESS_TEAM_DOMAIN !== undefined) {
    const team = env.CF_ACCESS_TEAM_DOMAIN.replace(/^https?:\/\//, '').replace(/\/+$/, '')
    const host = team.includes('.') ? team : `${team}.cloudflareaccess.com`
    const clientId = env.CF_ACCESS_CLIENT_ID ?? ''
    return {
      kind: 'access',
      url: `https://${host}/cdn-cgi/access/sso/oidc/${encodeURIComponent(clientId)}`,
      clientId,
      clientSecret: env.CF_ACCESS_CLIENT_SECRET,
      scopes: scopes ?? ['openid', 'email', 'profile', 'groups'],
    }
  }
  return {
    kind: 'oidc',
    url: env.OAUTH_AUTHORIZE_URL?.href ?? '',
    clientId: env.OAUTH_CLIENT_ID ?? '',
    clientSecret: env.OAUTH_CLIENT_SECRET,
    scopes: scopes ?? ['openid', 'profile', 'email', 'offline_access'],
  }
}

function decodedBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return new Uint8Array(base64url.decode(text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')))
  } catch {
    return undefined
  }
}
