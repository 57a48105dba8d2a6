// The variables of a deployment, each with its shape: one zod schema, read by `settings.ts` alone.
import { base64url } from 'jose'
import * as z from 'zod'
import { fromHex } from '../platform/crypto.ts'
import { passHeaders } from './pass-headers.ts'
import { authorizationParametersText, clientAuth } from './authorization-parameters.ts'
import { redirectSchemes } from './redirect-schemes.ts'
import { signalSettingsText } from './signals.ts'
import { otlpHeaders, share } from './telemetry.ts'
import { webUrl } from './web-url.ts'

export const NEW_KEY = 'create one with: openssl rand -hex 32'
export const NEW_PEM = 'create one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256'

const list = z
  .string()
  .default('')
  .transform((text) => text.split(/[\s,]+/).filter((word) => word !== ''))

/** Where nothing is said, more people are let in: a list that was meant to say something must not end up saying nothing. */
const narrowing = z
  .string()
  .refine((text) => /[^\s,]/.test(text), {
    error: 'is set, and names nothing',
    params: { cure: 'say what it is to name, or remove it' },
  })
  .optional()
  .transform((text = '') => text.split(/[\s,]+/).filter((word) => word !== ''))

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

function positive(fallback: number): z.ZodType<number, string | undefined> {
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
  // Section: The broker and the MCP server
  /**
   * Public origin of the broker, no path; also the OAuth issuer. https, except on this computer, where it is
   * `http://localhost:8788` when nothing is said.
   * @default required, but on this computer
   */
  BASE_URL: origin.default('http://localhost:8788'),
  /**
   * The MCP server behind the broker. Also accepted as MCP_SERVER_URL, where an address without a path means its /mcp.
   * @default required, unless `DOWNSTREAMS` is set
   */
  DOWNSTREAM_MCP_URL: webUrl.optional(),
  /** A JSON array of MCP servers, each at an address of its own: see [Several servers](docs/servers/several.md). */
  DOWNSTREAMS: z.string().optional(),
  /** What the MCP server gets as `Authorization`: [What the MCP server gets](docs/servers/index.md). */
  DOWNSTREAM_AUTH: z
    .enum(['identity-jwt', 'idp-token', 'static', 'oauth', 'access-service-token', 'none'])
    .default('identity-jwt'),
  /** Secret; for static: a JSON object of headers, such as `{"X-Api-Key":"…"}`; `$NAME` takes the value of another secret. */
  DOWNSTREAM_HEADERS: z.string().optional(),
  /** For access-service-token. Also accepted as CF_ACCESS_SERVICE_CLIENT_ID. */
  DOWNSTREAM_ACCESS_CLIENT_ID: z.string().optional(),
  /** Secret; for access-service-token. Also accepted as CF_ACCESS_SERVICE_CLIENT_SECRET. */
  DOWNSTREAM_ACCESS_CLIENT_SECRET: z.string().optional(),
  /**
   * For oauth: the client at the server's authorization server.
   * @default registered by itself
   */
  DOWNSTREAM_OAUTH_CLIENT_ID: z.string().optional(),
  /** Secret; for oauth, where that client has one. */
  DOWNSTREAM_OAUTH_CLIENT_SECRET: z.string().optional(),
  /**
   * For oauth, with a client id: the scopes to ask for.
   * @default what the server says
   */
  DOWNSTREAM_OAUTH_SCOPES: z.string().optional(),
  /**
   * For oauth: as `OAUTH_CLIENT_AUTH`, at the server's authorization server.
   * @default what the server says, else client_secret_basic
   */
  DOWNSTREAM_OAUTH_CLIENT_AUTH: z.string().optional(),
  /** JSON; for oauth: as `OAUTH_AUTHORIZE_PARAMETERS`, for one that ignores `resource`. */
  DOWNSTREAM_OAUTH_AUTHORIZE_PARAMETERS: z.string().optional(),
  /** Auto is found out with the first message that a server of HTTP+SSE refuses. */
  DOWNSTREAM_TRANSPORT: z.enum(['auto', 'streamable-http', 'http-sse']).default('auto'),
  /** The era the MCP server speaks: legacy for the revisions up to 2025-11-25, modern for 2026-07-28 alone. Auto is found out when it refuses a client of the other one. */
  DOWNSTREAM_ERA: z.enum(['auto', 'legacy', 'modern']).default('auto'),
  /** On: where the MCP server speaks the revisions up to 2025-11-25 alone, clients of 2026-07-28 are translated. */
  DOWNSTREAM_ERA_BRIDGE: z.enum(['off', 'on']).default('off'),
  /**
   * Headers of clients that pass to the server, by name: `X-MCP-Toolsets, X-Api-Key, Accept-Language`. Refused at start are
   * those that could say who somebody is (`X-User-*`, `X-Forwarded-*`, `Cf-*`, `Cookie`, `Authorization` …), that carry the
   * message, or that are the broker's. They go with what a client sends, and not with what the broker asks by itself to
   * resume a stream.
   * @default none
   */
  DOWNSTREAM_PASS_HEADERS: list.pipe(passHeaders),
  /**
   * Only tools whose annotations say that they change nothing can be seen and called: [Tool
   * policy](docs/servers/tool-policy.md).
   */
  DOWNSTREAM_TOOLS: z.literal('read-only', 'is not read-only, the only word there is').optional(),
  // Section: Keys
  /**
   * Secret; 32 random bytes in hex or base64, from which every key is derived. Also accepted as COOKIE_ENCRYPTION_KEY.
   * @default required
   */
  ENCRYPTION_KEY: secret,
  /** Secret; the key before, while it is being changed: [Change keys](docs/operations/keys.md). */
  ENCRYPTION_KEY_PREVIOUS: secret.optional(),
  /**
   * Secret; PKCS#8 PEM (P-256 or RSA) that signs identity JWTs instead of the derived key.
   * @default derived
   */
  OIDC_PROVIDER_KEY: pem.optional(),
  /** Secret; the PEM before, still published. */
  OIDC_PROVIDER_KEY_PREVIOUS: pem.optional(),
  // Section: Sign-in
  /** Cloudflare Access: the team, `your-team` or `your-team.cloudflareaccess.com`. */
  CF_ACCESS_TEAM_DOMAIN: accessTeam.optional(),
  /** Of the SaaS application; all three are needed. */
  CF_ACCESS_CLIENT_ID: z.string().optional(),
  /** Secret, of the SaaS application. */
  CF_ACCESS_CLIENT_SECRET: z.string().optional(),
  /** Any other issuer: its URL, from which discovery starts. Google, Microsoft Entra and GitHub are known by it. */
  OAUTH_AUTHORIZE_URL: webUrl.optional(),
  /** Of the broker at that issuer. */
  OAUTH_CLIENT_ID: z.string().optional(),
  /** Secret, of the broker at that issuer; may be missing for a public client. */
  OAUTH_CLIENT_SECRET: z.string().optional(),
  /**
   * How the broker shows its secret there: client_secret_basic, client_secret_post, or client_secret_basic_raw for one that
   * decodes nothing.
   * @default what it says, else client_secret_basic
   */
  OAUTH_CLIENT_AUTH: clientAuth.optional(),
  /**
   * JSON; what is added to the authorization request, such as `{"audience":"https://api.example.com"}` for Auth0; nothing
   * the broker says itself.
   */
  OAUTH_AUTHORIZE_PARAMETERS: authorizationParametersText.optional(),
  /**
   * Who of its people may sign in: domains at Google, tenant ids at Microsoft Entra, organisations at GitHub. Refused at any
   * other issuer, which has to decide that itself.
   */
  OAUTH_RESTRICT_TO: narrowing,
  /**
   * Where its groups are: a claim by its name (`cognito:groups`, `https://app.example/groups`), or a path
   * (`realm_access.roles`): [Groups](docs/identity-providers/index.md#groups).
   * @default groups
   */
  OAUTH_GROUPS_CLAIM: claimPath.optional(),
  /**
   * JSON; what it may say by itself about people's access, such as `{"revocation_issuer":"https://example.okta.com"}`:
   * [Signals](docs/signals.md).
   * @default sign-outs (back-channel logout) alone
   */
  OAUTH_SIGNALS: signalSettingsText.optional(),
  /**
   * Scopes the broker asks the identity provider of `OAUTH_*` for, or of `CF_ACCESS_*` where that stands alone, separated by
   * spaces or commas.
   * @default by provider
   */
  SCOPES_SUPPORTED: list,
  /**
   * People sign in by the Access application of `ACCESS_AUD`, which stands in front of `/callback/access`: [Access in front
   * of the broker](docs/identity-providers/access-in-front.md).
   */
  IDENTITY_PROVIDER: z.literal('access', 'is not access, the only word there is').optional(),
  /** A JSON array of identity providers: see [Several identity providers](docs/identity-providers/several.md). */
  IDENTITY_PROVIDERS: z.string().optional(),
  // Section: Clients
  /**
   * Browser origins that may call MCP and token paths, besides the broker's own and those on the person's computer. `null`
   * allows pages without an origin (sandboxed frames, some desktop apps), and so any page that puts itself into such a
   * frame: it gets what its token opens, as from curl, and no cookie counts there.
   */
  ALLOWED_ORIGINS: origins,
  /**
   * Where your documentation site is (`npm run docs:deploy`): refusals then carry a link to the explanation of their code.
   * @default none
   */
  DOCS_URL: webUrl.transform((url) => url.href.replace(/\/$/, '')).optional(),
  /** JSON; clients entered by hand: [Clients you enter yourself](docs/clients/pre-registered.md). */
  CLIENTS: z.string().optional(),
  /**
   * More schemes of native applications that clients may register, such as `acme-agent`, each exactly as its redirect URIs
   * begin. Any with a dot and those of well-known MCP clients need no entry. Refused at start are those that can never be a
   * client's: of the web, scripts, files, browsers, messages and the system. A client that has registered one keeps it when
   * it is taken away here: block it in the portal.
   */
  REDIRECT_SCHEMES: list.pipe(redirectSchemes),
  // Section: Administrators
  /**
   * Who is an administrator, by verified e-mail address, separated by spaces or commas; with several providers
   * `NAME:carol@example.com`: [Several identity providers](docs/identity-providers/several.md).
   */
  ADMIN_EMAILS: narrowing,
  /** And by group, `NAME:admins`. */
  ADMIN_GROUPS: narrowing,
  // Section: Export
  /** JSON; where security events and receipts are exported to: webhooks, OTLP, S3 or R2: [Export](docs/operations/export.md). */
  EXPORTS: z.string().optional(),
  // Section: Token exchange
  /** Token exchange: the issuer whose tokens are taken, found by discovery. */
  AUTH_ISSUER: webUrl.optional(),
  /** And whom they have to be for, separated by spaces or commas; without it nothing is exchanged. */
  AUTH_AUDIENCE: list,
  /**
   * And which subjects: patterns separated by spaces or commas, such as `repo:acme/*`, or JSON with claims: [Programs with a
   * token of their own](docs/token-exchange.md).
   * @default all; required at issuers that sign for everybody
   */
  AUTH_SUBJECTS: z.string().optional(),
  /**
   * Enterprise-managed authorization: identity providers whose assertions for a client are taken, separated by spaces or
   * commas.
   */
  ID_JAG_ISSUERS: list,
  /** How long an exchanged token may live, 900 to 43200. Also accepted as STS_MAX_SESSION_DURATION_SECS. */
  STS_MAX_SESSION_DURATION: positive(3600).refine((length) => length >= 900 && length <= 43_200, {
    message: 'is not between 900 and 43200',
    params: { cure: 'give the longest temporary credentials in seconds, from 15 minutes to 12 hours' },
  }),
  // Section: Access in front of the portal
  /**
   * Cloudflare Access in front of `/admin`: the team whose assertions the portal and the admin API accept. Needs
   * `ACCESS_AUD`.
   */
  ACCESS_TEAM_DOMAIN: accessTeam.optional(),
  /**
   * The AUD tag of that Access application; where `ADMIN_EMAILS` is set, only who is in it gets in; where `ADMIN_GROUPS` is,
   * everybody else signs in as well.
   */
  ACCESS_AUD: z.string().optional(),
  // Section: Demo
  /** 1 permits the example secrets, on localhost only; `npm start` sets it. */
  DEMO: z.enum(['0', '1']).default('0'),
  // Section: Lifetimes
  /** Authorization codes. */
  AUTHORIZATION_CODE_TTL: positive(300),
  /** How long consent, and after it the sign-in, may take. */
  LOGIN_TTL: positive(600),
  /** Access tokens of clients; the identity provider is asked again when they are refreshed. */
  ACCESS_TOKEN_TTL: positive(3600),
  /** How long a refresh token may lie unused. */
  REFRESH_TOKEN_TTL: positive(30 * 86_400),
  /** After this long a person signs in again, whatever happened. */
  SESSION_TTL: positive(90 * 86_400),
  /**
   * After this long without use a client's access ends; an open stream is use.
   * @default `REFRESH_TOKEN_TTL`
   */
  SESSION_IDLE_TTL: wholeNumber.transform(Number).optional(),
  /** Identity JWTs; each is used for half of it. */
  IDENTITY_JWT_TTL: positive(60),
  /** How long everything goes on after the identity provider last confirmed a person, while it does not answer. */
  IDP_OUTAGE_GRACE: positive(4 * 3600),
  /** How often the identity provider is asked whether it still knows a connected person. */
  IDP_RECHECK_TTL: positive(3600),
  // Section: Limits
  /** MCP requests a person may have in hand. */
  RATE_LIMIT_REQUESTS: positive(600),
  /** In how many seconds that allowance fills up again. */
  RATE_LIMIT_WINDOW: positive(60),
  /**
   * Clients that may register per minute from one address (IPv6: one /64), and documents of clients that are fetched for it;
   * twice as many from a /56, four times from a /48 or an IPv4 /24; ten times as many from all, the last quarter of them
   * only for networks that have not come in that minute.
   */
  RATE_LIMIT_REGISTRATIONS: positive(60),
  /** Largest MCP message from a client; an `initialize` message, which is kept, may have 256 KiB. */
  MAX_BODY_BYTES: positive(4 * 1024 * 1024),
  /**
   * Largest event of a server's stream; each is held in memory whole until it is complete. All that are not complete share
   * 40 MiB, 20 MiB of them for one server or person; beyond that a request is answered with `broker_busy`.
   */
  MAX_EVENT_BYTES: positive(8 * 1024 * 1024),
  /** Connected clients of one person; the oldest makes room. */
  MAX_GRANTS: positive(100),
  /** Streams of one person that are open at a time, of each kind. */
  MAX_STREAMS: positive(200),
  /** MCP sessions of one person; the least recently used makes room. */
  MAX_MCP_SESSIONS: positive(50),
  /** After this long without use an MCP session is ended. */
  MCP_SESSION_IDLE_TTL: positive(86_400),
  /** Events of one person kept for resumption. */
  EVENT_LOG_EVENTS: positive(5_000),
  /** And their size. */
  EVENT_LOG_BYTES: positive(16 * 1024 * 1024),
  /** And their age. */
  EVENT_LOG_TTL: positive(3_600),
  /** How long what the flight recorder has of a person is kept. */
  RECORDING_TTL: positive(86_400),
  /** And its size, messages included; the oldest make room. */
  RECORDING_BYTES: positive(64 * 1024 * 1024),
  /**
   * How long the MCP server may take until the headers of its answer, and how long a call that was resumed there may stay
   * without a message.
   */
  DOWNSTREAM_TIMEOUT: positive(300),
  /** How long a person stays signed in to pages of the broker. */
  PAGES_TTL: positive(8 * 3600),
  // Section: Telemetry
  /** Where spans go, by OTLP over HTTP in JSON; `/v1/traces` is added: [Metrics and traces](docs/operations/observability.md). */
  OTEL_EXPORTER_OTLP_ENDPOINT: webUrl.transform(({ href }) => href).optional(),
  /** Secret; headers for it: `name=value,name=value`, values percent-encoded. */
  OTEL_EXPORTER_OTLP_HEADERS: otlpHeaders.default({}),
  /** Which share of requests is recorded, from 0 to 1. What a client says is not sampled never is. */
  OTEL_TRACES_SAMPLER_ARG: share,
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
