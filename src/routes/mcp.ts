// Streamable HTTP, both eras: what stands before an MCP request, and how a refusal is worded.
//
// Every message pays for what is done here, so none of it is middleware: a context of the router and each of its layers cost as much as
// verifying the token.
import type { Context } from 'hono'
import { EraMemory } from '../mcp/bridge/era-verdict.ts'
import { ToldTogether } from '../mcp/recording/told-together.ts'
import { bodyRoom } from '../mcp/message/read-body.ts'
import { McpRefusal } from '../mcp/message/refusal.ts'
import { LeaseMemory } from '../mcp/router/lease.ts'
import { McpRequest, type McpPost } from '../mcp/router/mcp-request.ts'
import { RecordedCallers } from '../mcp/router/recorder.ts'
import { downstreamAt, pathAsSent, targetOf } from '../mcp/router/target.ts'
import { ToolMemory } from '../mcp/tools/memory.ts'
import { BoundedMap } from '../platform/bounded-map.ts'
import type { HeldBytes, Holding } from '../platform/held-bytes.ts'
import { measures } from '../platform/measures.ts'
import { describeError, log } from '../platform/telemetry.ts'
import type { Downstream } from '../settings/downstreams.ts'
import type { Settings } from '../settings/settings.ts'
import { docsOf } from './error-docs.ts'
import {
  callerOf,
  challenge,
  forAnyPage,
  hasTokenIn,
  hostIsOurs,
  namedIn,
  onlyMethods,
  originIsAllowed,
  preflight,
  REQUEST_ID,
  stepUp,
  type Authenticated,
  type BearerServices,
  type CheckedContext,
  type Variables,
} from './guards.ts'
import type { RequestHead } from './request-source.ts'

export interface McpServices extends BearerServices {
  readonly session: (sub: string) => McpPost
  readonly keepAliveMs?: number
  /** Called with the first request of this isolate whose token was verified. */
  readonly begun?: () => Promise<unknown>
  /** Bodies of requests. */
  readonly held: HeldBytes
  /** The answer for what nobody meant to throw. */
  readonly failed: (error: unknown, request: Request, named: Variables) => Response | Promise<Response>
}

type WaitUntil = (work: Promise<unknown>) => void

/** The answer to what is asked at the path of a downstream; undefined for every other path. */
export type McpHandler = (request: Request, waitUntil: WaitUntil) => Promise<Response> | undefined

const METHODS: readonly string[] = ['GET', 'POST', 'DELETE', 'OPTIONS']

export function mcpHandler(services: McpServices): McpHandler {
  const { settings, keepAliveMs, now, failed } = services
  const leases = new LeaseMemory()
  measures.leases = () => leases.held(Date.now())
  const context = {
    limits: settings.limits,
    session: services.session,
    recorded: new RecordedCallers(),
    together: new ToldTogether(),
    memory: new ToolMemory(now),
    leases,
    eras: new EraMemory(Date.now),
    keepAliveMs,
    now,
  }
  const [isOurHost, isOurMethod, isOurOrigin] = [hostIsOurs(settings), onlyMethods(METHODS), originIsAllowed(settings)]
  const begin = beginning(services)

  const answer = async (client: Request, asked: Asked, waitUntil: WaitUntil): Promise<Response> => {
    const { downstream, target } = asked
    const c = { req: new HeadOf(client), var: namedIn(settings) }
    const misdirected = isOurHost(c)
    if (misdirected) return named(misdirected, c)
    let room: Holding | undefined
    try {
      const refusal = c.req.method === 'OPTIONS' ? preflight(c, METHODS) : (isOurMethod(c) ?? isOurOrigin(c))
      if (refusal) return named(forAnyPage(refusal), c)
      const verified = callerOf(c, asked, services)
      const caller = verified instanceof Promise ? await verified : verified
      if (caller instanceof Response) return named(forAnyPage(caller), c)
      begin(waitUntil)
      room = bodyRoom(services.held, caller.sub)
      const { requestId } = c.var
      const request = { client, method: c.req.method, target, downstream, caller, requestId, hold: room.hold, waitUntil }
      return named(forAnyPage(await new McpRequest(request, context).answer()), c)
    } catch (error) {
      const said = error instanceof McpRefusal ? refused(error, c.var, downstream, settings) : await failed(error, client, c.var)
      return named(forAnyPage(said), c)
    } finally {
      room?.release()
    }
  }
  const askedAt = reader(settings)
  return (client, waitUntil) => {
    const asked = askedAt(client.url)
    return asked && answer(client, asked, waitUntil)
  }
}

function named(answer: Response, { var: { requestId } }: CheckedContext): Response {
  answer.headers.set(REQUEST_ID, requestId)
  return answer
}

interface Asked {
  readonly downstream: Downstream
  /** Undefined where the rest of the path, or the query, can't be carried over. */
  readonly target: string | undefined
  readonly hasTokenInUrl: boolean
}

/** Clients ask at the same few addresses all the time, and each that is read anew costs as much as a header does ten times. */
const MOST_ADDRESSES = 100

function reader({ downstreams }: Settings): (text: string) => Asked | undefined {
  const known = new BoundedMap<string, Asked>(MOST_ADDRESSES)
  return (text) => {
    const before = known.get(text)
    if (before) return before
    // Null where the host a client names is none; every other path refuses that, too.
    const url = URL.parse(text)
    const downstream = url && downstreamAt(url.pathname, downstreams)
    if (!downstream || downstreamAt(pathAsSent(text), downstreams) !== downstream) return undefined
    // A query may hold a secret that a client did not mean to send there.
    const asked = { downstream, target: targetOf(downstream, url), hasTokenInUrl: hasTokenIn(url) }
    if (url.pathname === downstream.path && url.search === '') known.set(text, asked)
    return asked
  }
}

class HeadOf implements RequestHead {
  readonly #client: Request
  readonly #headers: Headers
  readonly method: string

  constructor(client: Request) {
    this.#client = client
    this.#headers = client.headers
    this.method = client.method
  }

  get url(): string {
    return this.#client.url
  }

  header(name: string): string | undefined {
    return this.#headers.get(name) ?? undefined
  }
}

function beginning({ begun }: McpServices): (waitUntil: WaitUntil) => void {
  let isFirst = true
  return (waitUntil) => {
    if (!isFirst || !begun) return
    isFirst = false
    waitUntil(begun().catch((error: unknown) => log('warn', 'directory.not_asked', { reason: describeError(error) })))
  }
}

/** Words what a handler refuses; what it did not mean to throw is thrown on. */
export async function answerOrRefusal(
  c: Context<Authenticated>,
  { settings }: McpServices,
  answer: () => Promise<Response>,
): Promise<Response> {
  try {
    return await answer()
  } catch (error) {
    if (error instanceof McpRefusal) return refused(error, c.var, c.get('downstream'), settings)
    throw error
  }
}

function refused(refusal: McpRefusal, facts: Variables, downstream: Downstream, settings: Settings): Response {
  const { code, status, reason, scopes, isTold } = refusal
  const { requestId: request_id } = facts
  log(status >= 500 ? 'error' : 'info', 'mcp.refused', { code, status, reason, request_id })
  const headers = new Headers(refusal.headers)
  headers.set('cache-control', 'no-store')
  if (isTold) return new Response(null, { status: 202, headers })
  if (code === 'broker_busy') headers.set('retry-after', '2')
  headers.set('content-type', 'application/json')
  if (scopes) headers.set('www-authenticate', stepUp(settings, downstream, scopes))
  if (status === 401) headers.set('www-authenticate', challenge(settings, downstream, 'invalid_token'))
  return new Response(refusal.toJson(request_id, docsOf({ var: facts }, code)), { status, headers })
}
