// @hono/mcp, with a session for each client.
import { randomUUID } from 'node:crypto'
import { StreamableHTTPTransport } from '@hono/mcp'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { countingServer, port } from './tools.mjs'

const transports = new Map()
const app = new Hono()
app.all('/mcp', async (c) => {
  const id = c.req.header('mcp-session-id')
  const known = transports.get(id)
  if (known) return await known.handleRequest(c)
  if (id !== undefined) return c.json({ jsonrpc: '2.0', error: { code: -32001, message: 'Session not found' }, id: null }, 404)
  const transport = new StreamableHTTPTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (session) => transports.set(session, transport),
  })
  await countingServer().connect(transport)
  return await transport.handleRequest(c)
})
serve({ fetch: app.fetch, port, hostname: '127.0.0.1' })
