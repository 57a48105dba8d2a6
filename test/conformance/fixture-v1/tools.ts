// The tools of the server of the SDK 1.x. What they ask they ask as that SDK's documentation shows it: by their server, which says of no call.
import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js'
import {
  CreateMessageResultSchema,
  type CallToolResult,
  type CreateMessageRequestParams,
  type ElicitRequestFormParams,
  type ServerNotification,
  type ServerRequest,
} from '@modelcontextprotocol/sdk/types.js'
import { setTimeout as pause } from 'node:timers/promises'
import { ANSWERS } from '../fixture/content-tools.ts'
import { JSON_SCHEMA_2020_12, MIRRORED_IN_A_HEADER } from '../fixture/diagnostic-tools.ts'
import { CHOICES, CONTACT, DEFAULTS } from '../fixture/push-tools.ts'

interface Call {
  readonly server: Server
  readonly extra: RequestHandlerExtra<ServerRequest, ServerNotification>
  readonly given: Readonly<Record<string, unknown>>
}

interface Tool {
  readonly inputSchema?: { readonly type: 'object'; readonly [keyword: string]: unknown }
  readonly run: (call: Call) => Promise<readonly CallToolResult['content'][number][]>
}

const STEP_MS = 50

type Form = ElicitRequestFormParams['requestedSchema']

const NAME: Form = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }
const COLOR: Form = { type: 'object', properties: { color: { type: 'string' } }, required: ['color'] }
const OK: Form = { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] }

const prompt = (text: string, maxTokens: number): CreateMessageRequestParams => ({
  messages: [{ role: 'user', content: { type: 'text', text } }],
  maxTokens,
})
const text = (line: string): CallToolResult['content'] => [{ type: 'text', text: line }]
const logged = async ({ extra }: Call, data: string): Promise<void> =>
  await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } })

async function progressed({ extra }: Call, progress: number): Promise<void> {
  const { progressToken } = extra._meta ?? {}
  if (progressToken !== undefined)
    await extra.sendNotification({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } })
}

async function elicited({ server }: Call, said: string, params: ElicitRequestFormParams): Promise<CallToolResult['content']> {
  const { action, content } = await server.elicitInput(params)
  return text(`${said}: action=${action}, content=${JSON.stringify(content ?? {})}`)
}

async function named(server: Server, message = 'What is your name?'): Promise<string> {
  return String((await server.elicitInput({ message, requestedSchema: NAME })).content?.['name'])
}

async function confirmed({ server }: Call): Promise<CallToolResult['content']> {
  const { action } = await server.elicitInput({ message: 'Please confirm', requestedSchema: OK })
  return text(action === 'accept' ? 'state-ok' : action)
}

export const TOOLS: ReadonlyMap<string, Tool> = new Map<string, Tool>([
  ...Object.entries(ANSWERS).map(([name, content]): [string, Tool] => [name, { run: async () => content }]),
  ['test_error_handling', { run: () => Promise.reject(new Error('This tool intentionally returns an error for testing')) }],
  [
    'test_tool_with_logging',
    {
      run: async (call) => {
        for (const line of ['started', 'processing data', 'completed']) {
          await logged(call, `Tool execution ${line}`)
          await pause(STEP_MS)
        }
        return text('Logged three lines')
      },
    },
  ],
  [
    'test_tool_with_progress',
    {
      run: async (call) => {
        for (const progress of [0, 50, 100]) {
          await progressed(call, progress)
          await pause(STEP_MS)
        }
        return text('Went all the way')
      },
    },
  ],
  [
    'test_reconnection',
    {
      run: async ({ extra }) => {
        extra.closeSSEStream?.()
        await pause(2 * STEP_MS)
        return text('You came back for this')
      },
    },
  ],
  [
    'test_sampling',
    {
      inputSchema: { type: 'object', properties: { prompt: { type: 'string' } }, required: ['prompt'] },
      // Where a tool takes care, its question says which call it is about.
      run: async ({ extra, given }) => {
        const request = { method: 'sampling/createMessage' as const, params: prompt(String(given['prompt']), 100) }
        const { content } = await extra.sendRequest(request, CreateMessageResultSchema)
        return text(`LLM response: ${JSON.stringify(content)}`)
      },
    },
  ],
  [
    'test_elicitation',
    {
      inputSchema: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
      run: async (call) =>
        await elicited(call, 'User response', { message: String(call.given['message']), requestedSchema: CONTACT }),
    },
  ],
  [
    'test_elicitation_sep1034_defaults',
    {
      run: async (call) =>
        await elicited(call, 'Elicitation completed', { message: 'Please review the defaults', requestedSchema: DEFAULTS }),
    },
  ],
  [
    'test_elicitation_sep1330_enums',
    {
      run: async (call) => await elicited(call, 'Elicitation completed', { message: 'Please choose', requestedSchema: CHOICES }),
    },
  ],
  ['test_input_required_result_elicitation', { run: async ({ server }) => text(`Hello, ${await named(server)}!`) }],
  [
    'test_input_required_result_sampling',
    {
      run: async ({ server }) => {
        const { content } = await server.createMessage(prompt('What is the capital of France?', 100))
        return text(`The model says ${JSON.stringify(content)}`)
      },
    },
  ],
  [
    'test_input_required_result_list_roots',
    {
      run: async ({ server }) => text(`Roots: ${(await server.listRoots()).roots.map(({ uri }) => uri).join(', ')}`),
    },
  ],
  ['test_input_required_result_request_state', { run: confirmed }],
  ['test_input_required_result_tampered_state', { run: confirmed }],
  [
    'test_input_required_result_multiple_inputs',
    {
      run: async ({ server }) => {
        const [name, greeting, { roots }] = await Promise.all([
          named(server),
          server.createMessage(prompt('Generate a greeting', 50)),
          server.listRoots(),
        ])
        return text(`${JSON.stringify(greeting.content)} to ${name} of ${roots.length} roots`)
      },
    },
  ],
  [
    'test_input_required_result_multi_round',
    {
      run: async ({ server }) => {
        const name = await named(server, 'Step 1: What is your name?')
        const asked = { message: 'Step 2: What is your favorite color?', requestedSchema: COLOR }
        return text(`${name} likes ${String((await server.elicitInput(asked)).content?.['color'])}`)
      },
    },
  ],
  [
    'test_input_required_result_capabilities',
    {
      run: async ({ server }) => {
        const { elicitation, sampling, roots } = server.getClientCapabilities() ?? {}
        await Promise.all([
          elicitation && named(server),
          sampling && server.createMessage(prompt('Generate a greeting', 50)),
          roots && server.listRoots(),
        ])
        return text('Nothing more to ask')
      },
    },
  ],
  [
    'test_missing_capability',
    {
      run: async ({ server }) => text(JSON.stringify((await server.createMessage(prompt('Are you there?', 10))).content)),
    },
  ],
  [
    'test_streaming_elicitation',
    {
      run: async (call) => {
        await progressed(call, 1)
        return await elicited(call, 'Went on', { message: 'Go on?', requestedSchema: OK })
      },
    },
  ],
  [
    'test_logging_tool',
    {
      run: async (call) => {
        await logged(call, 'Nobody hears this without a log level')
        return text('Logged')
      },
    },
  ],
  [
    'test_trigger_tool_change',
    {
      run: async ({ server }) => {
        await server.sendToolListChanged()
        return text('Announced')
      },
    },
  ],
  [
    'test_trigger_prompt_change',
    {
      run: async ({ server }) => {
        await server.sendPromptListChanged()
        return text('Announced')
      },
    },
  ],
  ['json_schema_2020_12_tool', { inputSchema: JSON_SCHEMA_2020_12, run: async ({ given }) => text(JSON.stringify(given)) }],
  ['test_mirrored_parameter', { inputSchema: MIRRORED_IN_A_HEADER, run: async ({ given }) => text(JSON.stringify(given)) }],
])
