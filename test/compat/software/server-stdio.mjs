// A server of SDK v1 over standard input and output, for programs that put one on the network.
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { countingServer } from './tools.mjs'

await countingServer().connect(new StdioServerTransport())
