// The variables of a deployment, each with its shape: one zod schema, read by `../settings.ts` alone.
import { base64url } from 'jose'
import * as z from 'zod'
import { fromHex } from '../platform/crypto.ts'
import { passHeaders } from './pass-headers.ts'
import { authorizationParametersText, clientAuth } from './authorization-parameters.ts'
import { redirectSchemes } from './redirect-schemes.ts'

export const NEW_KEY = 'create one with: openssl rand -hex 32'
export const NEW_PEM = 'create one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256'

const list = z
  .string()
  .default('')
  .transform((text) => text.split(/[\s,]+/).filter((word) => word !== ''))

// Compared as browsers send them: a slash at the end would make an origin that never matches. Extensions have schemes of their own, and
// `null` is what a page without an origin sends: a sandboxed frame, a file, a desktop app.
const origins = list.transform((words, context) => {
  const clean = words.map((word) => word.replace(/\/$/, ''))
  const wrong = clean.find((word) => word !== 'null' && !/^[a-z][a-z0-9+.-]*:\/\/[^/?#@]+$/i.test(word))
  if (wrong === undefined) return clean
  const message = `holds “${wrong.slice(0, 100)}”, which is no origin`
  context.addIssue({
    code: 'custom',
    message,
    params: { cure: 'give origins such as https://app.example.com, separated by commas' },
  })
  return z.NEVER
})

const wholeNumber = z.string().regex(/^[1-9]\d{0,8}$/, 'is not a whole number above zero')

function seconds(fallback: number): z.ZodType<number, string | undefined> {
  return wholeNumber.default(String(fallback)).transform(Number)
}

/** Random bytes repeat themselves a little; a key somebody typed repeats itself a lot. */
const FEWEST_DIFFERENT_BYTES = 8

const secret = z.string().transform((text, context) => {
  const bytes = keyBytes(text)
  if (bytes && new Set(bytes).size >= FEWEST_DIFFERENT_BYTES) return bytes
  const message = bytes ? 'is not random' : 'is not 32 bytes in hex or base64'
  context.addIssue({ code: 'custom', message, params: { cure: NEW_KEY } })
  return z.NEVER
})

/** Files of variables hold one line each, so the line breaks of a PEM often come spelled out. */
const pem = z
  .string()
  .transform((text) => text.replaceAll('\\n', '\n'))
  .refine((text) => text.startsWith('-----BEGIN PRIVATE KEY-----'), {
    message: 'is not a PKCS#8 PEM',
    params: { cure: NEW_PEM },
  })

/** `team`, `team.cloudflareaccess.com` or its URL. */
const accessTeam = z
  .string()
  .transform((text) => text.replace(/^https?:\/\//, '').replace(/^([^/]+)\/+$/, '$1'))
  .refine((team) => /^[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(team), {
    message: 'is not a team name',
    params: { cure: 'give the name alone, or <name>.cloudflareaccess.com' },
  })

export const webUrl = z.string().transform((text, context) => {
  const url = URL.parse(text)
  if (url && (url.protocol === 'https:' || url.protocol === 'http:') && !url.username && !url.password && !url.hash) return url
  context.addIssue({ code: 'custom', message: 'is not an http(s) URL', params: { cure: 'give it as https://host/path' } })
  return z.NEVER
})

const origin = webUrl.transform((url, context) => {
  if (url.pathname === '/' && !url.search) return url.origin
  context.addIssue({ code: 'custom', message: 'has a path', params: { cure: `give the origin alone: ${url.origin}` } })
  return z.NEVER
})

/** A claim by its name, or by a path of a few parts. */
export const claimPath = z
  .string()
  .regex(/^(?=.{1,200}$)(?:[^.]*\.){0,8}[^.]*$/s, 'is no claim: a name, or a path with dots, of 200 characters at most')

export const environment = z.object({
  // Where `npm run dev` listens.
  BASE_URL: origin.default('http://localhost:8788'),
  DOWNSTREAM_MCP_URL: webUrl.optional(),
  DOWNSTREAMS: z.string().optional(),
  DOWNSTREAM_AUTH: z
    .enum(['identity-jwt', 'idp-token', 'static', 'oauth', 'access-service-token', 'none'])
    .default('identity-jwt'),
  DOWNSTREAM_HEADERS: z.string().optional(),
  DOWNSTREAM_ACCESS_CLIENT_ID: z.string().optional(),
  DOWNSTREAM_ACCESS_CLIENT_SECRET: z.string().optional(),
  DOWNSTREAM_OAUTH_CLIENT_ID: z.string().optional(),
  DOWNSTREAM_OAUTH_CLIENT_SECRET: z.string().optional(),
  DOWNSTREAM_OAUTH_SCOPES: z.string().optional(),
  DOWNSTREAM_OAUTH_CLIENT_AUTH: z.string().optional(),
  DOWNSTREAM_OAUTH_AUTHORIZE_PARAMETERS: z.string().optional(),
  DOWNSTREAM_TRANSPORT: z.enum(['auto', 'streamable-http', 'http-sse']).default('auto'),
  DOWNSTREAM_PASS_HEADERS: list.pipe(passHeaders),
  DOWNSTREAM_TOOLS: z.literal('read-only', 'is not read-only, the only word there is').optional(),
  ENCRYPTION_KEY: secret,
  ENCRYPTION_KEY_PREVIOUS: secret.optional(),
  OIDC_PROVIDER_KEY: pem.optional(),
  OIDC_PROVIDER_KEY_PREVIOUS: pem.optional(),
  CF_ACCESS_TEAM_DOMAIN: accessTeam.optional(),
  CF_ACCESS_CLIENT_ID: z.string().optional(),
  CF_ACCESS_CLIENT_SECRET: z.string().optional(),
  OAUTH_AUTHORIZE_URL: webUrl.optional(),
  OAUTH_CLIENT_ID: z.string().optional(),
  OAUTH_CLIENT_SECRET: z.string().optional(),
  OAUTH_CLIENT_AUTH: clientAuth.optional(),
  OAUTH_AUTHORIZE_PARAMETERS: authorizationParametersText.optional(),
  OAUTH_RESTRICT_TO: list,
  OAUTH_GROUPS_CLAIM: claimPath.optional(),
  SCOPES_SUPPORTED: list,
  IDENTITY_PROVIDER: z.literal('access', 'is not access, the only word there is').optional(),
  IDENTITY_PROVIDERS: z.string().optional(),
  ALLOWED_ORIGINS: origins,
  CLIENTS: z.string().optional(),
  REDIRECT_SCHEMES: list.pipe(redirectSchemes),
  ADMIN_EMAILS: list,
  ADMIN_GROUPS: list,
  AUTH_ISSUER: webUrl.optional(),
  AUTH_AUDIENCE: list,
  AUTH_SUBJECTS: z.string().optional(),
  ID_JAG_ISSUERS: list,
  STS_MAX_SESSION_DURATION: seconds(3600).refine((length) => length >= 900 && length <= 43_200, {
    message: 'is not between 900 and 43200',
    params: { cure: 'give the longest temporary credentials in seconds, from 15 minutes to 12 hours' },
  }),
  ACCESS_TEAM_DOMAIN: accessTeam.optional(),
  ACCESS_AUD: z.string().optional(),
  DEMO: z.enum(['0', '1']).default('0'),
  AUTHORIZATION_CODE_TTL: seconds(300),
  LOGIN_TTL: seconds(600),
  ACCESS_TOKEN_TTL: seconds(3600),
  REFRESH_TOKEN_TTL: seconds(30 * 86_400),
  SESSION_TTL: seconds(90 * 86_400),
  SESSION_IDLE_TTL: wholeNumber.transform(Number).optional(),
  IDENTITY_JWT_TTL: seconds(60),
  IDP_OUTAGE_GRACE: seconds(4 * 3600),
  IDP_RECHECK_TTL: seconds(3600),
  RATE_LIMIT_REQUESTS: seconds(600),
  RATE_LIMIT_WINDOW: seconds(60),
  RATE_LIMIT_REGISTRATIONS: seconds(60),
  MAX_BODY_BYTES: seconds(4 * 1024 * 1024),
  MAX_EVENT_BYTES: seconds(8 * 1024 * 1024),
  MAX_GRANTS: seconds(100),
  MAX_STREAMS: seconds(200),
  MAX_MCP_SESSIONS: seconds(50),
  MCP_SESSION_IDLE_TTL: seconds(86_400),
  EVENT_LOG_EVENTS: seconds(5_000),
  EVENT_LOG_BYTES: seconds(16 * 1024 * 1024),
  EVENT_LOG_TTL: seconds(3_600),
  DOWNSTREAM_TIMEOUT: seconds(300),
  PAGES_TTL: seconds(8 * 3600),
})
export type Environment = z.output<typeof environment>

/** The 32 bytes of a key, in whichever way they are written. */
export function keyBytes(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return fromHex(text)
  try {
    const bytes = base64url.decode(text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''))
    return bytes.length === 32 ? new Uint8Array(bytes) : undefined
  } catch {
    return undefined
  }
}
