// MCP Inspector's command line: every question is a program, and a session, of its own.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { run, task, textOf } from './client.mjs'

const asked = async (...args) => {
  const headers = Object.entries(task.headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`])
  const era = process.env.MCP_PROTOCOL_ERA === undefined ? [] : ['--protocol-era', process.env.MCP_PROTOCOL_ERA]
  const all = ['node_modules/.bin/mcp-inspector', '--cli', task.url, '--transport', 'http', ...era, ...headers, ...args]
  const { stdout } = await promisify(execFile)(process.execPath, all, { env: { ...process.env, NO_COLOR: '1' } })
  return JSON.parse(stdout)
}

await run(async () => ({
  list: async () => (await asked('--method', 'tools/list')).tools.map(({ name }) => name),
  call: async (name, args) => {
    const given = Object.entries(args).flatMap(([key, value]) => ['--tool-arg', `${key}=${value}`])
    return textOf(await asked('--method', 'tools/call', '--tool-name', name, ...given))
  },
  close: async () => undefined,
}))
