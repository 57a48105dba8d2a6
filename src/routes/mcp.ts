// Streamable HTTP, both eras: reads one MCP request, has it admitted, forwards it, and words every refusal.
import { Hono, type Context } from 'hono'
import type { Caller } from '../caller.ts'
import { passageOf, type Passage } from '../mcp/era.ts'
import { forward } from '../mcp/forward.ts'
import { identityHeaders } from '../mcp/identity-headers.ts'
import { openEnvelope } from '../mcp/json-door.ts'
import { KEEP_ALIVE_MS } from '../mcp/keep-alive.ts'
import { readBody } from '../mcp/read-body.ts'
import { McpRefusal } from '../mcp/refusal.ts'
import { downstreamAt, targetOf } from '../mcp/target.ts'
import { log } from '../platform/telemetry.ts'
import type { Admission, Rate, Refused } from '../session/admission.ts'
import {
  bearer,
  challenge,
  crossOrigin,
  onlyMethods,
  originIsAllowed,
  type BearerServices,
  type Authenticated,
} from './guards.ts'

type Asked = Context<Authenticated>

export interface McpServices extends BearerServices {
  /** The one call to the person's `UserSession` that a request costs. */
  readonly admit: (caller: Caller) => Promise<Admission>
  readonly keepAliveMs?: number
}

const METHODS: readonly string[] = ['GET', 'POST', 'DELETE', 'OPTIONS']

/** Mounted at the path of every downstream. */
export function mcpRoutes(services: McpServices): Hono<Authenticated> {
  const { settings } = services
  return new Hono<Authenticated>()
    .use(crossOrigin(METHODS))
    .use(onlyMethods(METHODS))
    .use(originIsAllowed(settings))
    .use(bearer(services, (pathname) => downstreamAt(pathname, settings.downstreams)))
    .all('*', async (c) => {
      try {
        return await carry(c, services)
      } catch (error) {
        if (error instanceof McpRefusal) return refused(c, services, error)
        throw error
      }
    })
}

// The order is the argument: the bearer guard has verified the token before a byte of the body is read, and the body has been
// judged before the person's object is asked. A request that costs the object a call is one that would be forwarded.
async function carry(c: Asked, services: McpServices): Promise<Response> {
  const { raw: client } = c.req
  const { limits } = services.settings
  const target = targetOf(c.get('downstream'), new URL(client.url))
  if (!target) throw new McpRefusal('not_found', 'this path could mean another one to the downstream')
  const body = client.method === 'POST' ? await readBody(client, limits.maxBodyBytes) : undefined
  const passage = passageOf(client.method, client.headers, body && openEnvelope(body))
  const admission = await services.admit(c.get('caller'))
  if (!admission.admitted) return notAdmitted(c, services, admission, passage)
  const answer = await forward(
    { passage, target, client, body, identity: identityHeaders(admission), requestId: c.get('requestId') },
    {
      headersWithinMs: limits.downstreamTimeout * 1000,
      keepAliveMs: services.keepAliveMs ?? KEEP_ALIVE_MS[passage.era],
      waitUntil: (work) => c.executionCtx.waitUntil(work),
    },
  )
  setRate(answer.headers, admission.rate)
  return answer
}

function setRate(headers: Headers, { limit, remaining, resetSeconds }: Rate): void {
  headers.set('ratelimit-limit', String(limit))
  headers.set('ratelimit-remaining', String(remaining))
  headers.set('ratelimit-reset', String(resetSeconds))
}

const NOT_ADMITTED: Readonly<Record<Refused['reason'], string>> = {
  credential_revoked: 'Unauthorized: access was taken back, sign in again',
  session_expired: 'Unauthorized: the session is over, sign in again',
  limit_exceeded: 'too many requests: wait as long as Retry-After says',
  auth_unavailable: 'the identity provider does not answer: try again after a moment',
}

/** Seconds, where the object names none. */
const RETRY_AFTER = 5

function notAdmitted(c: Asked, services: McpServices, { reason, retryAfter, rate }: Refused, { id }: Passage): Response {
  const answer = refused(c, services, new McpRefusal(reason, NOT_ADMITTED[reason], { id }))
  if (reason === 'limit_exceeded' || reason === 'auth_unavailable')
    answer.headers.set('retry-after', String(retryAfter ?? RETRY_AFTER))
  if (rate) setRate(answer.headers, rate)
  return answer
}

function refused(c: Asked, { settings }: McpServices, refusal: McpRefusal): Response {
  const { code, status, reason } = refusal
  const request_id = c.get('requestId')
  log(status >= 500 ? 'error' : 'info', 'mcp.refused', { code, status, reason, request_id })
  const headers = new Headers({ 'content-type': 'application/json', 'cache-control': 'no-store' })
  if (status === 401) headers.set('www-authenticate', challenge(settings, c.get('downstream'), 'invalid_token'))
  return new Response(refusal.toJson(request_id), { status, headers })
}
