// What stands before a handler: who may ask at all, from where, and with what in hand. Nothing here touches a Durable Object.
import type { Context, MiddlewareHandler } from 'hono'
import type { Caller } from '../caller.ts'
import { isLoopback } from '../platform/loopback.ts'
import { bearerToken } from './bearer-token.ts'
import { isAllowedOrigin, type RequestHead } from './request-source.ts'
import { log } from '../platform/telemetry.ts'
import { SettingsError, type Settings } from '../settings/settings.ts'
import type { Downstream } from '../settings/downstreams.ts'
import { defaultScopes } from '../oauth/resource.ts'
import { docsOf, type Documented } from './error-docs.ts'

/** What every handler finds in its context. */
export interface Variables extends Documented {
  readonly requestId: string
}

export interface Guarded {
  readonly Variables: Variables
}

/** The context of handlers behind `bearer`. */
export interface Authenticated {
  readonly Variables: Variables & { readonly url: URL; readonly downstream: Downstream; readonly caller: Caller }
}

/** What stands in the way of a request: an answer where it goes no further. */
export type Check<C = CheckedContext> = (c: C) => Response | undefined | Promise<Response | undefined>

/** What any check may look at: of Hono's context, or of a request that is answered without one. */
export interface CheckedContext {
  readonly req: RequestHead
  readonly var: Variables
}

/** All of these in their order, in one middleware: each of its own would cost every request a few promises more. */
export function guard<E extends Guarded>(...checks: readonly Check<Context<E>>[]): MiddlewareHandler<E> {
  return async function guarding(c, next) {
    for (const check of checks) {
      const answer = check(c)
      const refusal = answer instanceof Promise ? await answer : answer
      if (refusal) return refusal
    }
    return await next()
  }
}

/** What any refusal names of a request. */
export function namedIn({ docsUrl }: Pick<Settings, 'docsUrl'>): Variables {
  return { requestId: crypto.randomUUID(), docs: docsUrl }
}

/**
 * Where any refusal finds what it names: our own id of the request, in the answer and in every log line, and where its code is explained.
 * An id that the client sends is a stranger's and ignored.
 */
export function refusalContext(settings: Pick<Settings, 'docsUrl'>): MiddlewareHandler<Guarded> {
  return async function inContext(c, next) {
    const { requestId, docs } = namedIn(settings)
    c.set('requestId', requestId)
    c.set('docs', docs)
    await next()
    c.res.headers.set(REQUEST_ID, requestId)
  }
}

export const REQUEST_ID = 'x-request-id'

/** Only the host people were told to use: another name that leads here is DNS rebinding or a mistake in the set-up. */
export function hostIsOurs({ baseUrl, baseUrlIsAssumed }: Settings): (c: CheckedContext) => Response | undefined {
  const base = new URL(baseUrl)
  const { host: ours } = base
  return (c) => {
    const host = c.req.header('host') ?? new URL(c.req.url).host
    if (host === ours) return undefined
    const named = URL.parse(`${base.protocol}//${host}`)
    const isOurs = named?.host === ours || (isLoopback(base) && isLoopback(named) && named?.port === base.port)
    if (!isOurs && baseUrlIsAssumed) {
      const cure = `set it to the public origin of this broker${named ? `, perhaps https://${named.host}` : ''}`
      throw new SettingsError([{ variable: 'BASE_URL', problem: 'not configured', cure }])
    }
    return isOurs ? undefined : refuse(c, 403, 'forbidden_host', `this is ${ours}: the request names another host`)
  }
}

/** For paths where no cookie is read. */
export function originIsAllowed({ baseUrl, allowedOrigins }: Settings): (c: CheckedContext) => Response | undefined {
  const allowed = new Set([baseUrl, ...allowedOrigins])
  return (c) =>
    isAllowedOrigin(c, allowed)
      ? undefined
      : refuse(c, 403, 'forbidden_origin', 'this origin is not in ALLOWED_ORIGINS of the broker')
}

const REQUEST_HEADERS = `Authorization, Content-Type, Accept, Mcp-Session-Id, MCP-Protocol-Version, Last-Event-ID, Mcp-Method, Mcp-Name, traceparent, tracestate, baggage`
const EXPOSED_HEADERS = `WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, Last-Event-ID, Retry-After, Allow, X-Request-Id, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset`
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~-]+(?:\s*,\s*[\w!#$%&'*+.^`|~-]+)*$/

/**
 * Cross-origin use by browsers. Any page may read any answer, because no cookie ever authenticates here and so a page can't
 * read more than it could with curl; a page that is not allowed to ask must still be able to read why.
 */
export function crossOrigin(methods: readonly string[]): MiddlewareHandler<Guarded> {
  return async function crossOriginGuard(c, next) {
    if (c.req.method === 'OPTIONS') c.res = preflight(c, methods)
    else await next()
    forAnyPage(c.res)
  }
}

/** An answer of our own making, which any page may read. */
export function forAnyPage(answer: Response): Response {
  const { headers } = answer
  headers.set('access-control-allow-origin', '*')
  headers.set('access-control-expose-headers', EXPOSED_HEADERS)
  return answer
}

/** Asked headers are reflected: Mcp-Param-* can't be listed, and `*` would not cover Authorization. */
export function preflight(c: CheckedContext, methods: readonly string[]): Response {
  const asked = c.req.header('access-control-request-headers') ?? ''
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-methods': methods.join(', '),
      'access-control-allow-headers': HEADER_NAMES.test(asked) ? asked : REQUEST_HEADERS,
      'access-control-max-age': '86400',
      vary: 'Access-Control-Request-Headers',
    },
  })
}

/** Also stops HEAD where it is not named: Hono would answer it as a GET, which opens a stream or redeems a code. */
export function onlyMethods(methods: readonly string[]): (c: CheckedContext) => Response | undefined {
  const allow = methods.join(', ')
  return (c) =>
    methods.includes(c.req.method) ? undefined : refuse(c, 405, 'method_not_allowed', `this path answers ${allow}`, { allow })
}

export interface BearerServices {
  readonly settings: Settings
  /** By arithmetic alone: signature, expiry and audience, no I/O. */
  readonly verifyAccessToken: (token: string, resource: string) => Caller | undefined | Promise<Caller | undefined>
  /** Unix seconds. */
  readonly now: () => number
}

/** Lets verified callers through and answers everybody else with the challenge that starts an authorization. */
export function bearer(services: BearerServices, downstream: Downstream): Check<Context<Authenticated>> {
  return async (c) => {
    const url = new URL(c.req.url)
    const caller = await callerOf(c, { downstream, hasTokenInUrl: hasTokenIn(url) }, services)
    if (caller instanceof Response) return caller
    c.set('url', url)
    c.set('downstream', downstream)
    c.set('caller', caller)
    return undefined
  }
}

export function hasTokenIn({ search, searchParams }: URL): boolean {
  return search !== '' && searchParams.has('access_token')
}

/** Who asks, by their token; or the answer to whoever shows none that is valid here. */
export function callerOf(
  c: CheckedContext,
  { downstream, hasTokenInUrl }: { readonly downstream: Downstream; readonly hasTokenInUrl: boolean },
  { settings, verifyAccessToken, now }: BearerServices,
): Caller | Response | Promise<Caller | Response> {
  if (hasTokenInUrl) {
    return refuse(c, 400, 'invalid_request', 'an access token goes into the Authorization header, never into the URL')
  }
  const credentials = c.req.header('authorization')
  // No error code when no token was presented (RFC 6750 section 3.1).
  if (credentials === undefined) {
    const headers = { 'www-authenticate': challenge(settings, downstream) }
    return refuse(c, 401, 'unauthorized', 'Unauthorized: sign in to use this MCP server', headers)
  }
  const callerOrRefusal = (caller: Caller | undefined): Caller | Response => {
    if (caller && caller.expiresAt > now()) return caller
    const headers = { 'www-authenticate': challenge(settings, downstream, 'invalid_token') }
    return refuse(c, 401, 'invalid_token', 'Unauthorized: the access token is not valid here, or not any more', headers)
  }
  const token = bearerToken(credentials)
  const verified = token === undefined ? undefined : verifyAccessToken(token, downstream.resource)
  return verified instanceof Promise ? verified.then(callerOrRefusal) : callerOrRefusal(verified)
}

/**
 * The challenge of RFC 9728 section 5.1, the same on every try: clients compare it to break out of loops, and read its fields
 * with expressions that take the first match, so nothing may stand before them.
 */
export function challenge(settings: Settings, downstream: Downstream, error?: 'invalid_token'): string {
  const fields = [metadataOf(settings, downstream)]
  const scopes = defaultScopes(downstream)
  if (scopes.length > 0) fields.push(`scope="${scopes.join(' ')}"`)
  if (error) fields.push(`error="${error}"`)
  return `Bearer ${fields.join(', ')}`
}

/** RFC 6750 section 3.1 in the order of MCP 2025-11-25, "Scope Challenge Handling": all scopes of a token that gets through. */
export function stepUp(settings: Settings, downstream: Downstream, scopes: readonly string[]): string {
  return `Bearer error="insufficient_scope", scope="${scopes.join(' ')}", ${metadataOf(settings, downstream)}`
}

function metadataOf({ baseUrl }: Settings, { path }: Downstream): string {
  return `resource_metadata="${baseUrl}/.well-known/oauth-protected-resource${path}"`
}

export function refuse(
  c: CheckedContext,
  status: number,
  error: string,
  description: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const { requestId: request_id } = c.var
  log('info', 'request.refused', { code: error, status, method: c.req.method, request_id })
  return Response.json(
    { error, error_description: description, error_uri: docsOf(c, error), request_id },
    { status, headers: { 'cache-control': 'no-store', ...headers } },
  )
}
