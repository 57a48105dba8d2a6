// mcp-remote with these options, and a client of SDK v1 at its standard input.
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { run, task, textOf } from './client.mjs'

export async function runBehindMcpRemote(...options) {
  await run(async () => {
    const headers = Object.entries(task.headers).flatMap(([name, value]) => ['--header', `${name}:${value}`])
    const given = ['--allow-http', '--transport', 'http-only', ...options, ...headers]
    const args = ['node_modules/mcp-remote/dist/proxy.js', task.url, ...given]
    const client = new Client({ name: 'compat', version: '1.0.0' })
    await client.connect(new StdioClientTransport({ command: process.execPath, args, stderr: 'ignore', env: { ...process.env } }))
    return {
      list: async () => (await client.listTools()).tools.map(({ name }) => name),
      call: async (name, args_) => textOf(await client.callTool({ name, arguments: args_ })),
      close: async () => await client.close(),
    }
  })
}
