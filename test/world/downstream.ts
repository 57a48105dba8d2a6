// An example MCP server of both eras at one address: 2026-07-28 without sessions, and the 2025 revisions with sessions, GET stream and DELETE.
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { toNodeHandler } from '@modelcontextprotocol/node'
import {
  createMcpHandler,
  isLegacyRequest,
  WebStandardStreamableHTTPServerTransport,
  type McpServer,
} from '@modelcontextprotocol/server'
import { createTools, type Trust } from './downstream-tools.ts'
import { EventMemory } from './event-memory.ts'
import { close, listen } from './listening.ts'
import { Recording } from './recording.ts'

export interface DownstreamOptions extends Trust {
  readonly port?: number
  /** A server from before 2026-07-28, which takes a request of that revision for one of its own. */
  readonly isLegacyOnly?: boolean
  /** A server of 2026-07-28 that refuses whoever begins with `initialize`. */
  readonly isModernOnly?: boolean
}

export interface Downstream {
  readonly url: string
  readonly port: number
  readonly requests: Recording
  /** From the next token on: for a broker whose address was not known yet. */
  trust(trust: Trust): void
  /** How many sessions of the 2025 revisions are open. */
  sessionCount(): number
  /** Sends `notifications/tools/list_changed` to every standing stream of both eras. */
  announce(): void
  /** As after a restart of this server: the next request of every open session gets 404. */
  forgetSessions(): Promise<void>
  close(): Promise<void>
}

interface Session {
  readonly server: McpServer
  readonly transport: WebStandardStreamableHTTPServerTransport
}

export async function startDownstream({
  port = 0,
  isLegacyOnly = false,
  isModernOnly = false,
  ...given
}: DownstreamOptions = {}): Promise<Downstream> {
  const requests = new Recording()
  const sessions = new Map<string, Session>()
  let newServer = createTools(given)
  const modern = createMcpHandler(() => newServer(), { legacy: 'reject' })

  async function legacy(request: Request): Promise<Response> {
    const id = request.headers.get('mcp-session-id')
    const session = id === null ? undefined : sessions.get(id)
    if (session) return await session.transport.handleRequest(request)
    if (id !== null)
      return Response.json({ jsonrpc: '2.0', error: { code: -32_001, message: 'Session not found' }, id: null }, { status: 404 })
    // Without a session id only `initialize` is accepted, and the transport is what checks that.
    const server = newServer()
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: new EventMemory(),
      onsessioninitialized: (opened) => void sessions.set(opened, { server, transport }),
      onsessionclosed: (closed) => void sessions.delete(closed),
    })
    await server.connect(transport)
    return await transport.handleRequest(request)
  }

  const answer = toNodeHandler(
    {
      fetch: async (request) =>
        endedWith(
          request.signal,
          isLegacyOnly || (!isModernOnly && (await isLegacyRequest(request)))
            ? await legacy(request)
            : await modern.fetch(request),
        ),
    },
    { onerror: (error) => console.error('the example MCP server failed:', error) },
  )
  const server = createServer((req, res) => {
    if (req.url?.split('?')[0] === '/mcp') record(req, res).catch(() => res.destroy())
    else res.writeHead(404).end('The MCP server is at /mcp.\n')
  })
  server.requestTimeout = 0

  // The bytes are taken off the wire for the recording and handed on as if they were still there.
  async function record(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { body } = await requests.add(req, res)
    const replayed = {
      method: req.method ?? 'GET',
      url: '/mcp',
      headers: req.headers,
      [Symbol.asyncIterator]: async function* once() {
        yield body
      },
    }
    await answer(replayed, res)
  }

  const bound = await listen(server, port)
  return {
    url: `http://127.0.0.1:${bound}/mcp`,
    port: bound,
    requests,
    trust: (trust) => {
      newServer = createTools(trust)
    },
    sessionCount: () => sessions.size,
    announce: () => {
      modern.notify.toolsChanged()
      for (const { server: open } of sessions.values()) open.sendToolListChanged()
    },
    forgetSessions: async () => {
      const open = [...sessions.values()]
      sessions.clear()
      await Promise.all(open.map(async ({ transport }) => await transport.close()))
    },
    close: async () => {
      await modern.close()
      await close(server)
    },
  }
}

/** The adapter notices a reader that left only at the next event; until then the SDK answers 409 to a reader that comes back. */
function endedWith(signal: AbortSignal, response: Response): Response {
  return response.body ? new Response(response.body.pipeThrough(new TransformStream(), { signal }), response) : response
}
