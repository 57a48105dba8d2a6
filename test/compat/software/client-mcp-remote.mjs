// mcp-remote as it is started by most.
import { runBehindMcpRemote } from './mcp-remote.mjs'

await runBehindMcpRemote()
