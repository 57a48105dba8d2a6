// The MCP client of the Vercel AI SDK.
import { createMCPClient } from '@ai-sdk/mcp'
import { run, task, textOf } from './client.mjs'

await run(async () => {
  const client = await createMCPClient({ transport: { type: 'http', url: task.url, headers: task.headers } })
  let tools = await client.tools()
  return {
    list: async () => Object.keys((tools = await client.tools())),
    call: async (name, args) => textOf(await tools[name].execute(args, { toolCallId: 'call', messages: [] })),
    close: async () => await client.close(),
  }
})
