// tmcp with its HTTP transport, for both eras.
import { serve } from '@hono/node-server'
import { ZodJsonSchemaAdapter } from '@tmcp/adapter-zod'
import { HttpTransport } from '@tmcp/transport-http'
import { McpServer } from 'tmcp'
import { z } from 'zod'
import { port, said } from './tools.mjs'

const server = new McpServer(
  { name: 'compat', version: '1.0.0', description: 'An echo' },
  { adapter: new ZodJsonSchemaAdapter(), capabilities: { tools: { listChanged: true } } },
)
server.tool({ name: 'echo', description: 'Says it again', schema: z.object({ message: z.string() }) }, async ({ message }) =>
  said(message),
)
const transport = new HttpTransport(server, { path: '/mcp' })
const fetch = async (request) => (await transport.respond(request)) ?? new Response(null, { status: 404 })
serve({ fetch, port, hostname: '127.0.0.1' })
