// SDK v2, which speaks 2026-07-28 and nothing else.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { run, task, textOf } from './client.mjs'

await run(async () => {
  const client = new Client({ name: 'compat', version: '1.0.0' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
  await client.connect(new StreamableHTTPClientTransport(new URL(task.url), { requestInit: { headers: task.headers } }))
  return {
    list: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args) => textOf(await client.callTool({ name, arguments: args })),
    close: async () => await client.close(),
  }
})
