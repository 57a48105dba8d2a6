// The MCP servers behind the broker: where each is, how it is spoken to, and who may use what of it.
import { CREDENTIAL_VARIABLES, readCredentials, type ServerCredentials } from './credentials.ts'
import { readServerList, SECRET_MODES, type ListedServer } from './downstream-list.ts'
import type { Environment } from './environment.ts'
import type { PeopleNames } from './people-names.ts'
import type { PeopleRule, PersonName } from './people.ts'
import type { SecretMethod } from './authorization-parameters.ts'
import { isOpenHttp, type SettingsProblem, type WrittenVariables } from './problem.ts'

/**
 * How the broker proves itself, or the person, to a downstream: a JWT of its own, the person's token of the identity provider, a
 * fixed secret, the person's own OAuth token of the downstream, a service token of Cloudflare Access, or not at all.
 */
type DownstreamAuth = 'identity-jwt' | 'idp-token' | 'static' | 'oauth' | 'access-service-token' | 'none'

/** How an MCP server of the legacy eras is spoken to: at one address (2025-03-26 on), or over a stream and an address (2024-11-05). */
export type Transport = 'streamable-http' | 'http-sse'

/** Of the revisions with sessions, or of 2026-07-28 alone. */
type DownstreamEra = 'legacy' | 'modern'

/** One MCP server behind the broker. */
export interface Downstream {
  readonly name: string
  /** What people call it; absent: see `titleOf`. */
  readonly title?: string
  /** Where clients reach it here, e.g. `/mcp`. */
  readonly path: string
  /** Canonical public URL (RFC 8707 resource, audience of access tokens), no trailing slash. */
  readonly resource: string
  /** Where the MCP server really is; also the audience of identity JWTs. */
  readonly url: string
  readonly auth: DownstreamAuth
  /** `auto`: found out with the first message. */
  readonly transport: Transport | 'auto'
  /** The era it speaks, where an operator knows; absent: found out when a client of the other one is refused. */
  readonly era?: DownstreamEra
  /** Where it speaks the legacy eras, clients of 2026-07-28 are translated. */
  readonly eraBridge?: boolean
  readonly scopes: readonly string[]
  /** Tools that need a scope besides the first: scope by tool name, `*` stands for any characters. */
  readonly toolScopes?: readonly { readonly tool: string; readonly scope: string }[]
  /** Who may use it; absent: everybody who can sign in. */
  readonly allow?: PeopleRule
  /** What a person may call; absent: everything. Rules that name the person's groups, or none, count together; no such rule: nothing. */
  readonly tools?: readonly ToolRule[]
  /** Secret headers of `static` and `access-service-token`, lower-case names. */
  readonly headers?: Readonly<Record<string, string>>
  /** Headers of clients that pass to it besides the usual ones, lower-case names. What the broker says itself wins. */
  readonly passHeaders?: readonly string[]
  /** Pre-registered client at the downstream's authorization server, only in mode `oauth`; absent: registered by the broker. */
  readonly oauthClient?: { readonly id: string; readonly secret: string | undefined; readonly scopes: readonly string[] }
  /** How the broker speaks to that authorization server, where an operator knows better than its metadata; only in mode `oauth`. */
  readonly authorization?: { readonly clientAuth?: SecretMethod; readonly parameters?: Readonly<Record<string, string>> }
  /** Where it hears that a session is over; absent: it keeps nothing of sessions. */
  readonly signals?: {
    readonly url: string
    /** The `Authorization` it is shown. */
    readonly authorization?: string | undefined
    /** Absent: the URL of the server. */
    readonly audience?: string | undefined
  }
  /** Requests a person may send it within a window of seconds, and streams they may have open there; absent: the person's own limits alone. */
  readonly limits?: { readonly requests?: number; readonly window?: number; readonly streams?: number }
}

/** Where clients of HTTP+SSE reach a downstream: beside where the others do. */
export function ssePaths({ path }: Pick<Downstream, 'path'>): { readonly stream: string; readonly messages: string } {
  const beside = path.replace(/\/mcp$/, '')
  return { stream: `${beside}/sse`, messages: `${beside}/messages` }
}

/** The one a token, a grant or a session is for; undefined where it is not brokered any more. */
export function downstreamFor(
  { downstreams }: { readonly downstreams: readonly Downstream[] },
  resource: string | undefined,
): Downstream | undefined {
  return downstreams.find((downstream) => downstream.resource === resource)
}

/** The name people read: the one they were given, or else the host for the one at `/mcp`, which may be all there is. */
export function titleOf({ title, name, path, resource }: Downstream): string {
  return title ?? (path === '/mcp' ? new URL(resource).host : name)
}

export interface ToolRule {
  /** Absent: everybody. */
  readonly groups: readonly PersonName[] | undefined
  /** Tool names, `*` stands for any characters. */
  readonly allow: readonly string[]
  /** Wins over every `allow`. */
  readonly deny: readonly string[]
  /** Only tools whose annotations say `readOnlyHint: true`. */
  readonly readOnly: boolean
}

export interface DownstreamSettings {
  /** To be called with the settings as a whole, when nothing is wrong with them. */
  readonly downstreams: (env: Environment, names: PeopleNames) => readonly Downstream[]
  readonly problems: readonly SettingsProblem[]
}

export function readDownstreams(given: WrittenVariables): DownstreamSettings {
  const { servers, problems } = readServerList(given)
  const { credentials, problems: ofCredentials } = readCredentials(given)
  return {
    downstreams: (env, names) => [...single(env, credentials), ...servers.map((server) => listed(server, env, names))],
    problems: [...problems, ...problemsOfSingle(given), ...ofCredentials],
  }
}

/** Settings of the one at `/mcp`, which mean nothing without it. */
const OF_SINGLE: readonly string[] = [
  'DOWNSTREAM_AUTH',
  'DOWNSTREAM_TRANSPORT',
  'DOWNSTREAM_ERA',
  'DOWNSTREAM_ERA_BRIDGE',
  'DOWNSTREAM_TOOLS',
  'DOWNSTREAM_PASS_HEADERS',
  ...CREDENTIAL_VARIABLES,
]

function problemsOfSingle(given: WrittenVariables): SettingsProblem[] {
  const { DOWNSTREAM_MCP_URL: url, DOWNSTREAM_AUTH: auth = '' } = given
  if (url === undefined && given['DOWNSTREAMS'] === undefined) {
    const cure = 'set it to the URL of the MCP server behind the broker, e.g. https://tools.example.com/mcp, or set DOWNSTREAMS'
    return [{ variable: 'DOWNSTREAM_MCP_URL', problem: 'not configured', cure }]
  }
  if (url === undefined) {
    const cure = 'say it in DOWNSTREAMS for each server, or set DOWNSTREAM_MCP_URL'
    return OF_SINGLE.filter((variable) => given[variable] !== undefined).map((variable) => ({
      variable,
      problem: 'is for the server at DOWNSTREAM_MCP_URL, which is not set',
      cure,
    }))
  }
  if (!SECRET_MODES.includes(auth) || !isOpenHttp(url)) return []
  const what = auth === 'idp-token' ? "people's tokens" : 'a secret'
  return [
    {
      variable: 'DOWNSTREAM_AUTH',
      problem: `${auth} would send ${what} over plain http`,
      cure: 'give DOWNSTREAM_MCP_URL as https, or set DOWNSTREAM_AUTH=identity-jwt',
    },
  ]
}

const READ_ONLY: readonly ToolRule[] = [{ groups: undefined, allow: ['*'], deny: [], readOnly: true }]

function single(env: Environment, credentials: ServerCredentials): readonly Downstream[] {
  if (env.DOWNSTREAM_MCP_URL === undefined) return []
  return [
    {
      ...at('mcp', env),
      url: env.DOWNSTREAM_MCP_URL.href,
      auth: env.DOWNSTREAM_AUTH,
      transport: env.DOWNSTREAM_TRANSPORT,
      ...eraOf(env.DOWNSTREAM_ERA),
      ...(env.DOWNSTREAM_ERA_BRIDGE === 'on' && { eraBridge: true }),
      scopes: ['mcp'],
      ...shown(credentials),
      ...(env.DOWNSTREAM_PASS_HEADERS.length > 0 && { passHeaders: env.DOWNSTREAM_PASS_HEADERS }),
      ...(env.DOWNSTREAM_TOOLS && { tools: READ_ONLY }),
    },
  ]
}

/** The one called `mcp` is at `/mcp`, wherever it was set. */
function at(name: string, { BASE_URL }: Environment): Pick<Downstream, 'name' | 'path' | 'resource'> {
  const path = name === 'mcp' ? '/mcp' : `/servers/${name}/mcp`
  return { name, path, resource: BASE_URL + path }
}

function eraOf(era: DownstreamEra | 'auto'): Pick<Downstream, 'era'> {
  return era === 'auto' ? {} : { era }
}

/** Seconds in which a bucket fills whose window is not given. */
const WINDOW = 60

function listed(server: ListedServer, env: Environment, names: PeopleNames): Downstream {
  const { name, title, url, auth, transport, era, era_bridge: eraBridge, allow, limits, tools, pass_headers: passed } = server
  const toolScopes = Object.entries(server.tool_scopes ?? {}).map(([tool, scope]) => ({ tool, scope }))
  const read = (written: readonly string[], field: string): readonly PersonName[] =>
    names.read(written, { variable: 'DOWNSTREAMS', where: `server “${name}”, field ${field}: ` })
  const scopes = server.scopes ?? ['mcp', ...toolScopes.map(({ scope }) => scope)]
  return {
    ...at(name, env),
    ...(title !== undefined && { title }),
    url: url.href,
    auth,
    transport,
    ...eraOf(era),
    ...(eraBridge === true && { eraBridge }),
    scopes: [...new Set(scopes)],
    ...(toolScopes.length > 0 && { toolScopes }),
    ...(passed && { passHeaders: passed }),
    ...(allow && { allow: { groups: read(allow.groups, 'allow.groups'), emails: read(allow.emails, 'allow.emails') } }),
    ...(tools && {
      tools:
        tools === 'read-only' ? READ_ONLY : tools.map((rule) => toolRule(rule, rule.groups && read(rule.groups, 'tools.groups'))),
    }),
    ...shown(server),
    ...(server.signals && { signals: { ...server.signals, url: server.signals.url.href } }),
    ...(limits && { limits: limitsFor(limits) }),
  }
}

/** What the broker shows the server, wherever that was set. */
function shown({
  headers: named,
  access,
  oauth,
}: ServerCredentials): Pick<Downstream, 'headers' | 'oauthClient' | 'authorization'> {
  const headers = access
    ? { 'cf-access-client-id': access.client_id, 'cf-access-client-secret': access.client_secret }
    : lowerCase(named)
  return {
    ...(headers && { headers }),
    ...(oauth?.client_id !== undefined && {
      oauthClient: { id: oauth.client_id, secret: oauth.client_secret, scopes: oauth.scopes },
    }),
    ...(oauth && authorization(oauth)),
  }
}

function authorization({
  client_auth: clientAuth,
  authorize_parameters: parameters,
}: NonNullable<ServerCredentials['oauth']>): Pick<Downstream, 'authorization'> {
  if (clientAuth === undefined && parameters === undefined) return {}
  return { authorization: { ...(clientAuth && { clientAuth }), ...(parameters && { parameters }) } }
}

function lowerCase(headers: ListedServer['headers']): Downstream['headers'] {
  return headers && Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

function toolRule(
  { allow, deny, mode }: Exclude<ListedServer['tools'], 'read-only' | undefined>[number],
  groups: ToolRule['groups'],
): ToolRule {
  return { groups, allow, deny, readOnly: mode === 'read-only' }
}

function limitsFor({
  requests,
  window = WINDOW,
  streams,
}: NonNullable<ListedServer['limits']>): NonNullable<Downstream['limits']> {
  return { ...(requests !== undefined && { requests, window }), ...(streams !== undefined && { streams }) }
}
