// The MCP client of OpenAI's Agents SDK.
import { MCPServerStreamableHttp } from '@openai/agents-core'
import { run, task, textOf } from './client.mjs'

await run(async () => {
  const client = new MCPServerStreamableHttp({ url: task.url, name: 'compat', requestInit: { headers: task.headers } })
  await client.connect()
  return {
    list: async () => (await client.listTools()).map(({ name }) => name),
    call: async (name, args) => textOf({ content: await client.callTool(name, args) }),
    close: async () => await client.close(),
  }
})
