// LangChain's adapter.
import { MultiServerMCPClient } from '@langchain/mcp-adapters'
import { run, task } from './client.mjs'

await run(async () => {
  const servers = { compat: { transport: 'http', url: task.url, headers: task.headers, automaticSSEFallback: false } }
  const client = new MultiServerMCPClient({ mcpServers: servers, throwOnLoadError: true })
  const tools = await client.getTools()
  return {
    list: async () => tools.map(({ name }) => name),
    call: async (name, args) => {
      const answer = await tools.find((tool) => tool.name === name).invoke(args)
      return typeof answer === 'string' ? answer : JSON.stringify(answer)
    },
    close: async () => await client.close(),
  }
})
