// A client of the 2025 revisions without an SDK: one MCP session, every request in the open.
import { EventStream } from './event-stream.ts'

export interface LegacyOptions {
  readonly version?: '2025-03-26' | '2025-06-18' | '2025-11-25'
  /** What it declares. */
  readonly capabilities?: object
}

type Headers_ = Readonly<Record<string, string>>

export class LegacyClient {
  readonly mcpUrl: string
  /** A refreshed token may take its place. */
  accessToken: string
  sessionId = ''
  readonly version: string
  #ids = 0

  constructor(mcpUrl: string, accessToken: string, { version = '2025-11-25' }: LegacyOptions = {}) {
    this.mcpUrl = mcpUrl
    this.accessToken = accessToken
    this.version = version
  }

  /** With a session. */
  static async open(mcpUrl: string, accessToken: string, options: LegacyOptions = {}): Promise<LegacyClient> {
    const client = new LegacyClient(mcpUrl, accessToken, options)
    const { capabilities = {} } = options
    const params = { protocolVersion: client.version, capabilities, clientInfo: { name: 'bare client', version: '1' } }
    const answer = await client.post({ jsonrpc: '2.0', id: 'init', method: 'initialize', params })
    if (!answer.ok) throw new Error(`initialize was answered ${answer.status}: ${await answer.text()}`)
    await answer.text()
    client.sessionId = answer.headers.get('mcp-session-id') ?? ''
    await (await client.post({ jsonrpc: '2.0', method: 'notifications/initialized' })).text()
    return client
  }

  /** What goes with every request; the version only after 2025-03-26, which had no header for it. */
  headers(): Headers_ {
    return {
      authorization: `Bearer ${this.accessToken}`,
      accept: 'application/json, text/event-stream',
      ...(this.sessionId !== '' && { 'mcp-session-id': this.sessionId }),
      ...(this.version > '2025-03-26' && this.sessionId !== '' && { 'mcp-protocol-version': this.version }),
    }
  }

  async post(message: unknown, headers: Headers_ = {}, signal?: AbortSignal): Promise<Response> {
    return await fetch(this.mcpUrl, {
      method: 'POST',
      headers: { ...this.headers(), 'content-type': 'application/json', ...headers },
      body: typeof message === 'string' ? message : JSON.stringify(message),
      ...(signal && { signal }),
    })
  }

  /** A `tools/call`, whose answer is JSON. */
  async call(name: string, given: object = {}, id: string | number = (this.#ids += 1)): Promise<Response> {
    return await this.post(toolCall(name, given, id))
  }

  /** A `tools/call`, whose answer is a stream. */
  async stream(name: string, given: object = {}, id: string | number = (this.#ids += 1)): Promise<EventStream> {
    return await this.open(toolCall(name, given, id))
  }

  /** Any message, whose answer is a stream. */
  async open(message: unknown, headers: Headers_ = {}): Promise<EventStream> {
    const leave = new AbortController()
    return new EventStream(await this.post(message, headers, leave.signal), leave)
  }

  /** The standing stream, or the rest of any stream. */
  async get(lastEventId?: string, headers: Headers_ = {}): Promise<EventStream> {
    const leave = new AbortController()
    const own = {
      ...this.headers(),
      accept: 'text/event-stream',
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    }
    return new EventStream(await fetch(this.mcpUrl, { headers: { ...own, ...headers }, signal: leave.signal }), leave)
  }

  async delete(): Promise<Response> {
    return await fetch(this.mcpUrl, { method: 'DELETE', headers: this.headers() })
  }
}

function toolCall(name: string, given: object, id: string | number): object {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: given } }
}
