// A bare client of 2026-07-28: every message is one visible request, and the answer comes back as it was sent.
import { z } from 'zod'
import { MODERN, postHeaders } from './broker-client.ts'
import { EventStream } from './event-stream.ts'

export interface ModernAsk {
  readonly id?: string | number
  readonly capabilities?: object
  /** Members of `params._meta` besides the usual ones. */
  readonly meta?: object
  readonly headers?: Readonly<Record<string, string>>
  /** The body as it is sent, in place of the usual one. */
  readonly body?: string
}

const messageSchema = z.looseObject({
  id: z.union([z.string(), z.number(), z.null()]).optional(),
  method: z.string().optional(),
  params: z.looseObject({}).optional(),
  result: z.looseObject({}).optional(),
  error: z.looseObject({ code: z.number(), message: z.string(), data: z.unknown().optional() }).optional(),
})

type ModernMessage = z.output<typeof messageSchema>

/** All of an answer. */
export interface ModernAnswered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** What came before the response, and the response. */
  readonly messages: readonly ModernMessage[]
  readonly last: ModernMessage
}

/** Which member of `params` the Mcp-Name header repeats. */
const NAMED_BY: Readonly<Record<string, string>> = { 'tools/call': 'name', 'prompts/get': 'name', 'resources/read': 'uri' }

export class ModernClient {
  readonly #url: string
  readonly #token: string
  readonly #capabilities: object
  #count = 0

  constructor(url: string, token: string, capabilities: object = {}) {
    this.#url = url
    this.#token = token
    this.#capabilities = capabilities
  }

  async send(
    method: string,
    params: Readonly<Record<string, unknown>> = {},
    ask: ModernAsk = {},
    signal?: AbortSignal,
  ): Promise<Response> {
    const { id = `${method}:${(this.#count += 1)}`, capabilities = this.#capabilities, meta = {}, headers = {} } = ask
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': MODERN,
      'io.modelcontextprotocol/clientInfo': { name: 'bare client', version: '1.0.0' },
      'io.modelcontextprotocol/clientCapabilities': capabilities,
      ...meta,
    }
    const name = params[NAMED_BY[method] ?? '']
    return await fetch(this.#url, {
      method: 'POST',
      headers: {
        ...postHeaders(this.#token),
        'mcp-protocol-version': MODERN,
        'mcp-method': method,
        ...(typeof name === 'string' && { 'mcp-name': name }),
        ...headers,
      },
      body: ask.body ?? JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } }),
      ...(signal && { signal }),
    })
  }

  async ask(method: string, params: Readonly<Record<string, unknown>> = {}, ask: ModernAsk = {}): Promise<ModernAnswered> {
    return await whole(await this.send(method, params, ask))
  }

  async call(tool: string, args: object = {}, ask: ModernAsk = {}, more: object = {}): Promise<ModernAnswered> {
    return await this.ask('tools/call', { name: tool, arguments: args, ...more }, ask)
  }

  /** An answer that is still coming. */
  async stream(method: string, params: Readonly<Record<string, unknown>> = {}, ask: ModernAsk = {}): Promise<EventStream> {
    const leave = new AbortController()
    return new EventStream(await this.send(method, params, ask, leave.signal), leave)
  }
}

async function whole(response: Response): Promise<ModernAnswered> {
  const { status, headers } = response
  const text = await response.text()
  const isStream = headers.get('content-type')?.startsWith('text/event-stream') === true
  const raw = isStream ? text.split('\n\n').flatMap((block) => (/^data: (.*)$/m.exec(block) ?? []).slice(1)) : [text]
  const messages = raw.filter((one) => one !== '').map((one) => messageSchema.parse(JSON.parse(one)))
  return { status, headers, text, messages, last: messages.at(-1) ?? {} }
}
