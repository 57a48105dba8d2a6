// What the scenarios call by name, on a server of the TypeScript SDK 1.x: everything the 2025 revisions have, and not a word of 2026-07-28.
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { CAPABILITIES } from '../fixture/capabilities.ts'
import { CITIES, gotPrompt, PROMPTS } from './prompts.ts'
import { read, RESOURCES, TEMPLATES } from './resources.ts'
import { TOOLS } from './tools.ts'

/** One for each session. */
export function conformanceServerV1(): Server {
  const server = new Server({ name: 'conformance-fixture-v1', version: '1.0.0' }, { capabilities: CAPABILITIES })
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: [...TOOLS].map(([name, { inputSchema = { type: 'object' } }]) => ({ name, description: name, inputSchema })),
  }))
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const tool = TOOLS.get(params.name)
    if (!tool) throw new McpError(ErrorCode.InvalidParams, `Tool ${params.name} not found`)
    try {
      return { content: [...(await tool.run({ server, extra, given: params.arguments ?? {} }))] }
    } catch (error) {
      // As `McpServer` does: what a tool fails with is its result.
      return { content: [{ type: 'text', text: String(error instanceof Error ? error.message : error) }], isError: true }
    }
  })
  server.setRequestHandler(ListPromptsRequestSchema, () => ({ prompts: [...PROMPTS] }))
  server.setRequestHandler(GetPromptRequestSchema, async ({ params }) => await gotPrompt(server, params.name, params.arguments))
  server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources: [...RESOURCES] }))
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: [...TEMPLATES] }))
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => read(params.uri))
  server.setRequestHandler(SubscribeRequestSchema, () => ({}))
  server.setRequestHandler(UnsubscribeRequestSchema, () => ({}))
  server.setRequestHandler(CompleteRequestSchema, ({ params: { argument } }) => {
    const values = CITIES.filter((city) => city.startsWith(argument.value))
    return { completion: { values, total: values.length, hasMore: false } }
  })
  return server
}
