// A server of the TypeScript SDK 1.x as its examples build it: a server and a transport for each session, nothing of 2026-07-28.
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport, type EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js'
import { close, listen } from './listening.ts'

export interface SdkV1Server {
  readonly url: string
  /** How many sessions were opened. */
  readonly sessions: number
  close(): Promise<void>
}

export interface SdkV1Options {
  readonly newServer: () => Pick<McpServer, 'connect'>
  readonly newEventStore?: () => EventStore
  readonly port?: number
}

export async function startSdkV1Server({ newServer, newEventStore, port = 0 }: SdkV1Options): Promise<SdkV1Server> {
  const transports = new Map<string, StreamableHTTPServerTransport>()
  let sessions = 0

  const opened = async (): Promise<StreamableHTTPServerTransport> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        sessions += 1
        transports.set(id, transport)
      },
      onsessionclosed: (id) => void transports.delete(id),
      ...(newEventStore && { eventStore: newEventStore() }),
    })
    await newServer().connect(transport)
    return transport
  }

  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(Buffer.from(chunk))
    const text = Buffer.concat(chunks).toString()
    const body: unknown = text === '' ? undefined : JSON.parse(text)
    const id = req.headers['mcp-session-id']
    const known = typeof id === 'string' ? transports.get(id) : undefined
    if (known) return await known.handleRequest(req, res, body)
    if (id === undefined && isInitializeRequest(body)) return await (await opened()).handleRequest(req, res, body)
    const error = { code: -32_000, message: 'Bad Request: No valid session ID provided' }
    res.writeHead(id === undefined ? 400 : 404, { 'content-type': 'application/json' })
    res.end(JSON.stringify({ jsonrpc: '2.0', error, id: null }))
  }

  const http = createServer((req, res) => void answer(req, res).catch(() => res.destroy()))
  const bound = await listen(http, port)
  return {
    url: `http://127.0.0.1:${bound}/mcp`,
    get sessions() {
      return sessions
    },
    close: async () => {
      await Promise.all([...transports.values()].map(async (transport) => await transport.close()))
      await close(http)
    },
  }
}
