// An example MCP server that speaks only HTTP+SSE (2024-11-05), made with the SDK that still can; its connections can be cut.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import { z } from 'zod'
import { close, listen } from './listening.ts'
import { Recording } from './recording.ts'

export interface SseDownstream {
  /** Where GET opens the stream; POST gets 404, as from any server that has no such route. */
  readonly url: string
  readonly requests: Recording
  /** How many clients are connected. */
  connections(): number
  /** What the endpoint event names from now on; by default a path, with the session in its query. */
  nameEndpoint(address?: string): void
  /** Answers GET with this status from now on, or with streams again. */
  refuseWith(status: number | undefined): void
  /** Breaks off POSTs from now on before their status line, so many milliseconds after it has taken their message. */
  breakPosts(afterMs: number | undefined): void
  /** Sends `notifications/tools/list_changed` to everybody. */
  announce(): void
  /** Ends every stream; what was open over it is forgotten. */
  drop(): void
  close(): Promise<void>
}

const OWN_ENDPOINT = '/messages?from=sse'

const HEADERS_TOLD = ['x-user-email', 'x-user-sub', 'authorization', 'cookie']

interface Connection {
  readonly server: McpServer
  readonly transport: SSEServerTransport
  readonly res: ServerResponse
}

export async function startSseDownstream(): Promise<SseDownstream> {
  const requests = new Recording()
  const connections = new Map<string, Connection>()
  let endpoint: string = OWN_ENDPOINT
  let refusal: number | undefined
  let brokenAfterMs: number | undefined
  const server = createServer((req, res) => {
    answer(req, res).catch(() => res.destroy())
  })
  server.requestTimeout = 0
  const port = await listen(server, 0)

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { body } = await requests.add(req, res)
    const { pathname, searchParams } = new URL(req.url ?? '/', `http://127.0.0.1:${port}`)
    if (pathname === '/sse' && req.method === 'GET') {
      if (refusal === undefined) await connect(res)
      else res.writeHead(refusal).end('not now')
      return
    }
    const connection = pathname === '/messages' ? connections.get(searchParams.get('sessionId') ?? '') : undefined
    if (connection && req.method === 'POST' && brokenAfterMs !== undefined) {
      await connection.transport.handleMessage(JSON.parse(body.toString()))
      await sleep(brokenAfterMs)
      res.destroy()
    } else if (connection && req.method === 'POST')
      await connection.transport.handlePostMessage(req, res, JSON.parse(body.toString()))
    else res.writeHead(404).end('nothing here')
  }

  async function connect(res: ServerResponse): Promise<void> {
    const named = endpoint
    const transport = new SSEServerTransport(named, res)
    const mcp = tools()
    if (!/^\/(?!\/)/.test(named)) {
      // The SDK writes paths only.
      const write = res.write.bind(res)
      res.write = (chunk: string) => write(chunk.replace(/^(event: endpoint\ndata: )\/[^?]*\?/, `$1${named}?`))
    }
    res.once('close', () => void connections.delete(transport.sessionId))
    connections.set(transport.sessionId, { server: mcp, transport, res })
    await mcp.connect(transport)
  }

  return {
    url: `http://127.0.0.1:${port}/sse`,
    requests,
    connections: () => connections.size,
    nameEndpoint: (address = OWN_ENDPOINT) => {
      endpoint = address
    },
    refuseWith: (status) => {
      refusal = status
    },
    breakPosts: (afterMs) => {
      brokenAfterMs = afterMs
    },
    announce: () => {
      for (const { server: mcp } of connections.values()) mcp.sendToolListChanged()
    },
    drop: () => {
      for (const { res } of connections.values()) res.destroy()
      connections.clear()
    },
    close: async () => await close(server),
  }
}

function tools(): McpServer {
  const server = new McpServer(
    { name: 'example-sse-downstream', version: '1.0.0' },
    { capabilities: { logging: {}, tools: { listChanged: true } } },
  )
  server.registerTool('whoami', { description: 'Says which headers came with the call.' }, ({ requestInfo }) => {
    const headers = requestInfo?.headers ?? {}
    return text(JSON.stringify(Object.fromEntries(HEADERS_TOLD.map((name) => [name, headers[name]]))))
  })
  server.registerTool(
    'echo',
    { description: 'Says it again.', inputSchema: { message: z.string() }, annotations: { readOnlyHint: true } },
    ({ message }) => text(message),
  )
  server.registerTool(
    'count',
    { description: 'Counts, with progress.', inputSchema: { to: z.number(), interval_ms: z.number().default(50) } },
    async ({ to, interval_ms: interval }, { _meta, sendNotification, signal }) => {
      for (let progress = 1; progress <= to && !signal.aborted; progress += 1) {
        const { progressToken } = _meta ?? {}
        if (progressToken !== undefined)
          await sendNotification({ method: 'notifications/progress', params: { progressToken, progress, total: to } })
        await sleep(interval)
      }
      return text(`counted to ${to}`)
    },
  )
  server.registerTool('ask', { description: 'Asks the person first.' }, async () => {
    const requestedSchema = { type: 'object', properties: { name: { type: 'string' } } } as const
    const { action, content } = await server.server.elicitInput({ message: 'Who are you?', requestedSchema })
    return text(`${action}: ${JSON.stringify(content)}`)
  })
  return server
}

function text(said: string): { content: { type: 'text'; text: string }[] } {
  return { content: [{ type: 'text', text: said }] }
}
