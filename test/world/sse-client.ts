// A client of HTTP+SSE (2024-11-05) without an SDK: one stream, one address for messages, every request in the open.
import { EventStream } from './event-stream.ts'

export class SseClient {
  readonly stream: EventStream
  readonly #sseUrl: string
  readonly #accessToken: string

  private constructor(sseUrl: string, accessToken: string, stream: EventStream) {
    this.#sseUrl = sseUrl
    this.#accessToken = accessToken
    this.stream = stream
  }

  /** The stream, whatever the answer to it is. */
  static async connect(sseUrl: string, accessToken: string, lastEventId?: string): Promise<SseClient> {
    const leave = new AbortController()
    const headers = {
      authorization: `Bearer ${accessToken}`,
      accept: 'text/event-stream',
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    }
    const answer = await fetch(sseUrl, { headers, signal: leave.signal })
    return new SseClient(sseUrl, accessToken, new EventStream(answer, leave))
  }

  /** Initialized, and told so. */
  static async open(sseUrl: string, accessToken: string): Promise<SseClient> {
    const client = await SseClient.connect(sseUrl, accessToken)
    const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'bare client', version: '1' } }
    await client.post({ jsonrpc: '2.0', id: 'init', method: 'initialize', params })
    await client.stream.message('"id":"init"')
    await client.post({ jsonrpc: '2.0', method: 'notifications/initialized' })
    return client
  }

  /** Where the server wants messages, as it said. */
  async endpoint(): Promise<string> {
    const { data = '' } = await this.stream.find(({ data: said }) => said?.startsWith('/') === true)
    return new URL(data, this.#sseUrl).href
  }

  async post(message: unknown, accessToken = this.#accessToken): Promise<Response> {
    return await fetch(await this.endpoint(), {
      method: 'POST',
      headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
      body: typeof message === 'string' ? message : JSON.stringify(message),
    })
  }

  async call(name: string, given: object, id: string | number, progressToken?: string): Promise<Response> {
    const meta = progressToken === undefined ? {} : { _meta: { progressToken } }
    return await this.post({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: given, ...meta } })
  }
}
