// Prompts of the server of the SDK 1.x, one of which asks its client for the context.
import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { ErrorCode, McpError, type GetPromptResult } from '@modelcontextprotocol/sdk/types.js'
import { PNG } from '../fixture/content-tools.ts'

export const CITIES = ['paris', 'park', 'party']

const argument = (name: string) => ({ name, description: name, required: true })

export const PROMPTS = [
  { name: 'test_simple_prompt', description: 'Says one thing' },
  {
    name: 'test_prompt_with_arguments',
    description: 'Says what it was told',
    arguments: [argument('arg1'), argument('arg2')],
  },
  { name: 'test_prompt_with_embedded_resource', description: 'Brings a resource along', arguments: [argument('resourceUri')] },
  { name: 'test_prompt_with_image', description: 'Brings an image along' },
  { name: 'test_input_required_result_prompt', description: 'Needs a context' },
]

type Given = Readonly<Record<string, string>> | undefined
type Content = GetPromptResult['messages'][number]['content']

export async function gotPrompt(server: Server, name: string, given: Given): Promise<GetPromptResult> {
  const { arg1 = '', arg2 = '', resourceUri: uri = '' } = given ?? {}
  if (name === 'test_simple_prompt') return fromUser(said('This is a simple prompt for testing.'))
  if (name === 'test_prompt_with_arguments') return fromUser(said(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))
  if (name === 'test_prompt_with_image')
    return fromUser({ type: 'image', data: PNG, mimeType: 'image/png' }, said('Please analyze the image above.'))
  if (name === 'test_prompt_with_embedded_resource') {
    const resource = { uri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' }
    return fromUser({ type: 'resource', resource }, said('Please process the embedded resource above.'))
  }
  if (name !== 'test_input_required_result_prompt') throw new McpError(ErrorCode.InvalidParams, `Prompt ${name} not found`)
  const { content } = await server.elicitInput({
    message: 'What context should the prompt use?',
    requestedSchema: { type: 'object', properties: { context: { type: 'string' } }, required: ['context'] },
  })
  return fromUser(said(`With ${String(content?.['context'])} in mind`))
}

function said(text: string): Content {
  return { type: 'text', text }
}

function fromUser(...contents: readonly Content[]): GetPromptResult {
  return { messages: contents.map((content) => ({ role: 'user', content })) }
}
