// The MCP servers behind the broker: where each is, how it is spoken to, and who may use what of it.
import type { Environment } from './environment.ts'

/**
 * How the broker proves itself, or the person, to a downstream: a JWT of its own, the person's token of the identity provider, a
 * fixed secret, the person's own OAuth token of the downstream, a service token of Cloudflare Access, or not at all.
 */
export type DownstreamAuth = 'identity-jwt' | 'idp-token' | 'static' | 'oauth' | 'access-service-token' | 'none'

/** How an MCP server of the legacy eras is spoken to: at one address (2025-03-26 on), or over a stream and an address (2024-11-05). */
export type Transport = 'streamable-http' | 'http-sse'

/** Where clients of HTTP+SSE reach the only downstream there is. */
export const SSE_PATH = '/sse'
export const MESSAGES_PATH = '/messages'

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
  /** `auto`: found out with the first message. */
  readonly transport: Transport | 'auto'
  readonly scopes: readonly string[]
  /** Tools that need a scope besides the first: scope by tool name, `*` stands for any characters. */
  readonly toolScopes?: readonly { readonly tool: string; readonly scope: string }[]
  /** Who may use it; absent: everybody who can sign in. */
  readonly allow?: { readonly emails: readonly string[]; readonly groups: readonly string[] }
  /** What a person may call; absent: everything. Rules that name the person's groups, or none, count together; no such rule: nothing. */
  readonly tools?: readonly ToolRule[]
  /** Secret headers of `static` and `access-service-token`, lower-case names. */
  readonly headers?: Readonly<Record<string, string>>
  /** Pre-registered client at the downstream's authorization server, only in mode `oauth`; absent: registered by the broker. */
  readonly oauthClient?: { readonly id: string; readonly secret: string | undefined; readonly scopes: readonly string[] }
  /** Requests a person may send it within a window of seconds, and streams they may have open there; absent: the person's own limits alone. */
  readonly limits?: { readonly requests?: number; readonly window?: number; readonly streams?: number }
}

export interface ToolRule {
  /** Absent: everybody. */
  readonly groups: readonly string[] | undefined
  /** Tool names, `*` stands for any characters. */
  readonly allow: readonly string[]
  /** Wins over every `allow`. */
  readonly deny: readonly string[]
  /** Only tools whose annotations say `readOnlyHint: true`. */
  readonly readOnly: boolean
}

export function downstreams(env: Environment): readonly Downstream[] {
  return [
    {
      name: 'mcp',
      path: '/mcp',
      resource: `${env.BASE_URL}/mcp`,
      url: env.DOWNSTREAM_MCP_URL.href,
      auth: env.DOWNSTREAM_AUTH,
      transport: env.DOWNSTREAM_TRANSPORT,
      scopes: ['mcp'],
    },
  ]
}
