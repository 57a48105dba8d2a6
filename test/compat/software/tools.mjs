// The tools of the servers that are written here on top of somebody else's library: an echo, and a counter of the session.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { z } from 'zod'

/** A server for one session, whose counter says whether the session is still the same. */
export function countingServer() {
  let calls = 0
  const server = new McpServer({ name: 'compat', version: '1.0.0' }, { capabilities: { logging: {} } })
  server.registerTool('echo', { description: 'Says it again', inputSchema: { message: z.string() } }, ({ message }) =>
    said(message),
  )
  server.registerTool('counter', { description: 'How often it was asked in this session' }, () => said(String((calls += 1))))
  return server
}

export function said(text) {
  return { content: [{ type: 'text', text }] }
}

/** Where the parent process wants the server. */
export const port = Number(process.env.PORT)
