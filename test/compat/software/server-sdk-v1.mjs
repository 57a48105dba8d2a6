// SDK v1 over streamable HTTP as its own examples do it: with sessions, with an event store, with JSON answers, or with no session at all.
import { randomUUID } from 'node:crypto'
import { InMemoryEventStore } from '@modelcontextprotocol/sdk/examples/shared/inMemoryEventStore.js'
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { countingServer, port } from './tools.mjs'

const mode = process.argv[2]
const app = createMcpExpressApp()
const transports = new Map()

if (mode === 'stateless') {
  // Without routes for GET and DELETE, as in the SDK's own example: Express answers them 404.
  app.post('/mcp', async (req, res) => {
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined })
    await countingServer().connect(transport)
    await transport.handleRequest(req, res, req.body)
  })
} else {
  app.all('/mcp', async (req, res) => {
    const known = transports.get(req.headers['mcp-session-id'])
    if (known) return await known.handleRequest(req, res, req.body)
    if (req.headers['mcp-session-id'] !== undefined || req.body?.method !== 'initialize') {
      const error = { code: -32000, message: 'Bad Request: No valid session ID provided' }
      return res.status(400).json({ jsonrpc: '2.0', error, id: null })
    }
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => transports.set(id, transport),
      enableJsonResponse: mode === 'json',
      ...(mode === 'events' && { eventStore: new InMemoryEventStore() }),
    })
    await countingServer().connect(transport)
    return await transport.handleRequest(req, res, req.body)
  })
}
app.listen(port, '127.0.0.1')
