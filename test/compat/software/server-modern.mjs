// SDK v2 for 2026-07-28 alone: it refuses whoever begins with initialize.
import { serve } from '@hono/node-server'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { port, said } from './tools.mjs'

const handler = createMcpHandler(
  () => {
    const server = new McpServer({ name: 'compat', version: '1.0.0' }, { capabilities: { logging: {} } })
    server.registerTool('echo', { description: 'Says it again', inputSchema: z.object({ message: z.string() }) }, ({ message }) =>
      said(message),
    )
    return server
  },
  { legacy: 'reject' },
)
serve({ fetch: (request) => handler.fetch(request), port, hostname: '127.0.0.1' })
