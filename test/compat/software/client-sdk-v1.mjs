// SDK v1.
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { run, task, textOf } from './client.mjs'

await run(async () => {
  const client = new Client({ name: 'compat', version: '1.0.0' })
  const transport = new StreamableHTTPClientTransport(new URL(task.url), { requestInit: { headers: task.headers } })
  await client.connect(transport)
  return {
    list: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args) => textOf(await client.callTool({ name, arguments: args })),
    close: async () => {
      await transport.terminateSession()
      await client.close()
    },
  }
})
