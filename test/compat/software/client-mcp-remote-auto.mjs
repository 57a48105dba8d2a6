// mcp-remote, which speaks 2026-07-28 where the server does, and translates it for its client.
import { runBehindMcpRemote } from './mcp-remote.mjs'

await runBehindMcpRemote('--protocol', 'auto')
