// Streamable HTTP, both eras: what stands before an MCP request, and how a refusal is worded.
import type { Context, ErrorHandler } from 'hono'
import { Hono } from 'hono/tiny'
import { EraMemory } from '../mcp/bridge/era-verdict.ts'
import { ToldTogether } from '../mcp/recording/told-together.ts'
import { withRoom } from '../mcp/message/read-body.ts'
import { McpRefusal } from '../mcp/message/refusal.ts'
import { LeaseMemory } from '../mcp/router/lease.ts'
import { McpRequest, type McpPost } from '../mcp/router/mcp-request.ts'
import { RecordedCallers } from '../mcp/router/recorder.ts'
import { downstreamAt } from '../mcp/router/target.ts'
import { ToolMemory } from '../mcp/tools/memory.ts'
import type { HeldBytes } from '../platform/held-bytes.ts'
import { measures } from '../platform/measures.ts'
import { describeError, log } from '../platform/telemetry.ts'
import { docsOf } from './error-docs.ts'
import {
  bearer,
  challenge,
  forAnyPage,
  hostIsOurs,
  nameRequest,
  onlyMethods,
  originIsAllowed,
  preflight,
  refusalBy,
  REQUEST_ID,
  stepUp,
  type BearerServices,
  type Authenticated,
  type Check,
} from './guards.ts'

type McpContext = Context<Authenticated>

export interface McpServices extends BearerServices {
  readonly session: (sub: string) => McpPost
  readonly keepAliveMs?: number
  /** Called with the first request of this isolate whose token was verified. */
  readonly begun?: () => Promise<unknown>
  /** Bodies of requests. */
  readonly held: HeldBytes
  /** The answer for what nobody meant to throw. */
  readonly failed: ErrorHandler
}

const METHODS: readonly string[] = ['GET', 'POST', 'DELETE', 'OPTIONS']

/**
 * Mounted at the path of every downstream, before any middleware: what that does for other paths is done here in one handler, because
 * each middleware of its own costs every message a few promises more.
 */
export function mcpRoutes(services: McpServices): Hono<Authenticated> {
  const { settings, keepAliveMs, now, failed } = services
  const leases = new LeaseMemory()
  measures.leases = () => leases.held(Date.now())
  const remembered = {
    recorded: new RecordedCallers(),
    together: new ToldTogether(),
    memory: new ToolMemory(now),
    leases,
    eras: new EraMemory(Date.now),
    keepAliveMs,
    now,
  }
  const isCaller = bearer(services, (pathname) => downstreamAt(pathname, settings.downstreams))
  const checks = [onlyMethods(METHODS), originIsAllowed(settings), isCaller, first(services)]
  const answer = async (c: McpContext): Promise<Response> => {
    const refusal = await refusalBy(c, checks)
    if (refusal) return refusal
    return await answerOrRefusal(c, services, async () => {
      const caller = c.get('caller')
      const context = { ...remembered, post: () => services.session(caller.sub), limits: settings.limits }
      return await withRoom(services.held, caller.sub, async (hold) => {
        const request = { client: c.req.raw, caller, hold, url: c.get('url'), requestId: c.get('requestId') }
        const waitUntil = (work: Promise<unknown>): void => c.executionCtx.waitUntil(work)
        return await new McpRequest({ ...request, downstream: c.get('downstream'), waitUntil }, context).answer()
      })
    })
  }
  const isMisdirected = hostIsOurs(settings)
  return new Hono<Authenticated>().all('*', async (c) => {
    const id = nameRequest(c, settings)
    const refusal = await isMisdirected(c)
    const said =
      refusal ?? (c.req.method === 'OPTIONS' ? preflight(c, METHODS) : await answer(c).catch((error) => failed(error, c)))
    if (!refusal) forAnyPage(said)
    said.headers.set(REQUEST_ID, id)
    return said
  })
}

function first({ begun }: McpServices): Check<McpContext> {
  let isFirst = true
  return (c) => {
    if (!isFirst || !begun) return undefined
    isFirst = false
    const beginning = begun().catch((error: unknown) => log('warn', 'directory.not_asked', { reason: describeError(error) }))
    c.executionCtx.waitUntil(beginning)
    return undefined
  }
}

/** Words what a handler refuses; what it did not mean to throw is thrown on. */
export async function answerOrRefusal(c: McpContext, services: McpServices, answer: () => Promise<Response>): Promise<Response> {
  try {
    return await answer()
  } catch (error) {
    if (error instanceof McpRefusal) return refused(c, services, error)
    throw error
  }
}

function refused(c: McpContext, { settings }: McpServices, refusal: McpRefusal): Response {
  const { code, status, reason, scopes, isTold } = refusal
  const request_id = c.get('requestId')
  log(status >= 500 ? 'error' : 'info', 'mcp.refused', { code, status, reason, request_id })
  const headers = new Headers(refusal.headers)
  headers.set('cache-control', 'no-store')
  if (isTold) return new Response(null, { status: 202, headers })
  if (code === 'broker_busy') headers.set('retry-after', '2')
  headers.set('content-type', 'application/json')
  if (scopes) headers.set('www-authenticate', stepUp(settings, c.get('downstream'), scopes))
  if (status === 401) headers.set('www-authenticate', challenge(settings, c.get('downstream'), 'invalid_token'))
  return new Response(refusal.toJson(request_id, docsOf(c, code)), { status, headers })
}
