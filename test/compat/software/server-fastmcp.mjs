// fastmcp over its HTTP stream.
import { FastMCP } from 'fastmcp'
import { z } from 'zod'
import { port } from './tools.mjs'

const server = new FastMCP({ name: 'compat', version: '1.0.0' })
server.addTool({
  name: 'echo',
  description: 'Says it again',
  parameters: z.object({ message: z.string() }),
  execute: async ({ message }) => message,
})
await server.start({ transportType: 'httpStream', httpStream: { port, host: '127.0.0.1' } })
