// HTTP+SSE (MCP 2024-11-05): one address that streams and one that takes messages, in front of every downstream.
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import type { Passage } from '../mcp/message/era.ts'
import { openEnvelope, type Envelope } from '../mcp/message/json-rpc-body.ts'
import { handOver } from '../mcp/router/dispatch.ts'
import { labelOf, requestIdsOf } from '../mcp/message/label.ts'
import { readBody, bodyRoom } from '../mcp/message/read-body.ts'
import { McpRefusal, namingRequests } from '../mcp/message/refusal.ts'
import { beginOperation } from '../mcp/telemetry/operation.ts'
import { ssePaths, type Downstream } from '../settings/downstreams.ts'
import { bearer, crossOrigin, guard, onlyMethods, originIsAllowed, type Authenticated } from './guards.ts'
import { answerOrRefusal, type McpServices } from './mcp.ts'

type SseContext = Context<Authenticated>

const STREAM: Passage = { era: 'legacy', kind: 'stream', id: undefined }

export function sseRoutes(services: McpServices): Hono<Authenticated> {
  const routes = new Hono<Authenticated>()
  for (const downstream of services.settings.downstreams) mount(routes, services, downstream)
  return routes
}

function mount(routes: Hono<Authenticated>, services: McpServices, downstream: Downstream): void {
  const { settings } = services
  const { stream, messages } = ssePaths(downstream)
  // Both addresses are one resource, and the metadata of that are found at the address people configure.
  const here = { ...downstream, path: stream }
  // A client that tries streamable HTTP first takes the 405 for its answer, and goes on with GET; before, it has to be told to sign in, since
  // some do that with their first request only.
  const methods = [
    [stream, ['GET', 'OPTIONS']],
    [messages, ['POST', 'OPTIONS']],
  ] as const
  for (const [path, allowed] of methods) {
    const isCaller = bearer(services, here)
    routes.use(path, crossOrigin(allowed), guard(originIsAllowed(settings), isCaller, onlyMethods(allowed)))
  }
  const handedOver = (c: SseContext, asked: HandedOver): Promise<Response> =>
    handOver(asked, services.session(c.get('caller').sub))
  routes.get(stream, (c) => answerOrRefusal(c, services, () => handedOver(c, opening(c, downstream))))
  routes.post(messages, (c) =>
    answerOrRefusal(c, services, async () => {
      const room = bodyRoom(services.held, c.get('caller').sub)
      try {
        const asked = await message(c, services, downstream, room.hold)
        return await handedOver(c, asked).catch((error: unknown) => {
          asked.operation?.failed(error)
          throw namingRequests(error, { id: asked.passage.id, ids: asked.requestIds })
        })
      } finally {
        room.release()
      }
    }),
  )
}

type HandedOver = Parameters<typeof handOver>[0]

function commonTo(c: SseContext, { url: target, passHeaders }: Downstream) {
  return { caller: c.get('caller'), requestId: c.get('requestId'), target, passHeaders, transport: 'http-sse' } as const
}

function opening(c: SseContext, downstream: Downstream): HandedOver {
  const common = commonTo(c, downstream)
  return {
    ...common,
    passage: STREAM,
    client: inSession(c.req.raw, undefined),
    body: undefined,
    requestIds: [],
    label: 'SSE stream',
  }
}

/** Whatever its era looks like: this transport has none but its own, and a downstream refuses what it does not know. */
async function message(
  c: SseContext,
  { settings }: McpServices,
  downstream: Downstream,
  hold: (bytes: number) => void,
): Promise<HandedOver> {
  const startedAt = Date.now()
  const handle = c.get('url').searchParams.get('session')
  if (handle === null || handle === '') throw new McpRefusal('session_not_found', 'Session not found: open a stream first')
  const body = await readBody(c.req.raw, settings.limits.maxBodyBytes, hold)
  const envelope = openEnvelope(body)
  const common = commonTo(c, downstream)
  // Without the handle: whoever knows it may post into the session.
  const { headers } = inSession(c.req.raw, undefined)
  const waitUntil = (work: Promise<unknown>): void => c.executionCtx.waitUntil(work)
  const { sent, operation, traceHeaders } = beginOperation({ envelope, body, headers, downstream, startedAt, waitUntil })
  return {
    ...common,
    passage: passageIn(envelope),
    client: inSession(c.req.raw, handle),
    body: sent,
    operation,
    traceHeaders,
    requestIds: requestIdsOf(envelope),
    count: envelope?.messages.length,
    label: labelOf(envelope),
  }
}

function passageIn({ isBatch, messages: [first] }: Envelope): Passage {
  if (isBatch || !first) return { era: 'legacy', kind: 'batch', id: undefined }
  return { era: 'legacy', kind: first.method === 'initialize' ? 'initialize' : first.kind, id: first.id }
}

/** The session is named by the address, never by a header. */
function inSession(client: Request, handle: string | undefined): HandedOver['client'] {
  const headers = new Headers(client.headers)
  headers.delete('mcp-session-id')
  if (handle !== undefined) headers.set('mcp-session-id', handle)
  return new Request(client.url, { method: client.method, headers, signal: client.signal })
}
