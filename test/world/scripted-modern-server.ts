// A server of 2026-07-28 alone that does what a test tells it: discover, calls answered by hand, rounds of questions, one stream to listen to.
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { startRawDownstream, type RawDownstream, type RawHandler } from './raw-downstream.ts'
import type { Recording } from './recording.ts'

export interface ModernMessage {
  readonly jsonrpc: '2.0'
  readonly id?: string | number
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
}

export interface ModernScriptCall {
  readonly message: ModernMessage
  /** As it came. */
  readonly text: string
  readonly headers: IncomingHttpHeaders
  readonly res: ServerResponse
  /** Answers as JSON: a result, complete unless it says otherwise. */
  readonly answer: (result: object) => void
  /** Answers as JSON with an error, behind the status the revision wants. */
  readonly refuse: (code: number, message?: string, data?: unknown, status?: number) => void
  /** Begins an event stream. */
  stream(): ModernScriptStream
}

export interface ModernScriptStream {
  readonly isOpen: () => boolean
  send(message: unknown): void
  notify(method: string, params?: object): void
  /** The response, and the end of the stream. */
  answer(result: object): void
  cut(): void
  end(): void
}

export type OnModernCall = (call: ModernScriptCall) => void | Promise<void>

const META = 'io.modelcontextprotocol/'

export class ScriptedModernServer {
  readonly #raw: RawDownstream
  /** Streams of `subscriptions/listen` that were begun, in their order, with what was asked for. */
  readonly listens: { readonly filter: unknown; readonly id: unknown; readonly stream: ModernScriptStream }[] = []
  capabilities: object = {
    tools: { listChanged: true },
    resources: { subscribe: true, listChanged: true },
    logging: {},
    prompts: {},
  }
  versions: readonly string[] = ['2026-07-28']
  /** What of a filter is honoured. */
  honours: (filter: Readonly<Record<string, unknown>>) => object = (filter) => filter
  #legacy: (res: ServerResponse, message: ModernMessage) => void = refusedAsOld
  #onCall: OnModernCall = (call) => call.answer({ content: [] })

  private constructor(raw: RawDownstream) {
    this.#raw = raw
    raw.handleWith((req, body, res) => this.#handle(req, body, res))
  }

  static async start(): Promise<ScriptedModernServer> {
    return new ScriptedModernServer(await startRawDownstream(() => undefined))
  }

  get url(): string {
    return this.#raw.url
  }

  get requests(): Recording {
    return this.#raw.requests
  }

  onCall(onCall: OnModernCall): void {
    this.#onCall = onCall
  }

  /** From the next request on it is a server of 2025-11-25, which says of each request what it was. */
  becomeLegacy(): void {
    this.versions = ['2025-11-25']
    this.#legacy = answeredAsOld
  }

  becomeModern(): void {
    this.versions = ['2026-07-28']
    this.#legacy = refusedAsOld
  }

  async close(): Promise<void> {
    await this.#raw.close()
  }

  #handle: RawHandler = async ({ method, headers }, body, res) => {
    if (method !== 'POST') return void res.writeHead(405, { allow: 'POST' }).end()
    const text = body.toString()
    const message: ModernMessage = JSON.parse(text)
    const { id, params = {} } = message
    const meta: unknown = params['_meta']
    const isModern = typeof meta === 'object' && meta !== null && `${META}protocolVersion` in meta
    if (id === undefined) return void res.writeHead(202).end()
    if (!isModern) return this.#legacy(res, message)
    if (!this.versions.includes('2026-07-28'))
      return error(res, 400, id, -32_022, 'Unsupported protocol version', { supported: this.versions })
    const call = callOf(message, text, headers, res)
    if (message.method === 'server/discover') {
      const { versions: supportedVersions, capabilities } = this
      return call.answer({
        supportedVersions,
        capabilities,
        _meta: { [`${META}serverInfo`]: { name: 'scripted', version: '2' } },
      })
    }
    if (message.method === 'subscriptions/listen') return this.#listen(call)
    return await this.#onCall(call)
  }

  #listen(call: ModernScriptCall): void {
    const { id, params = {} } = call.message
    const stream = call.stream()
    const filter: Readonly<Record<string, unknown>> = { ...Object(params['notifications']) }
    this.listens.push({ filter, id, stream })
    const _meta = { [`${META}subscriptionId`]: id }
    stream.notify('notifications/subscriptions/acknowledged', { notifications: this.honours(filter), _meta })
  }
}

function callOf(message: ModernMessage, text: string, headers: IncomingHttpHeaders, res: ServerResponse): ModernScriptCall {
  const { id } = message
  const complete = (result: object): object => ({ jsonrpc: '2.0', id, result: { resultType: 'complete', ...result } })
  return {
    message,
    text,
    headers,
    res,
    answer: (result) => void res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(complete(result))),
    refuse: (code, why = 'no', data, status = 400) => error(res, status, id, code, why, data),
    stream: () => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      const send = (sent: unknown): void => void res.write(`event: message\ndata: ${JSON.stringify(sent)}\n\n`)
      res.flushHeaders()
      return {
        isOpen: () => !res.destroyed && !res.writableEnded,
        send,
        notify: (method, params) => send({ jsonrpc: '2.0', method, ...(params && { params }) }),
        answer: (result) => {
          send(complete(result))
          res.end()
        },
        cut: () => void res.destroy(),
        end: () => void res.end(),
      }
    },
  }
}

function error(
  res: ServerResponse,
  status: number,
  id: ModernMessage['id'],
  code: number,
  message: string,
  data?: unknown,
): void {
  res.writeHead(status, { 'content-type': 'application/json' })
  res.end(JSON.stringify({ jsonrpc: '2.0', id: id ?? null, error: { code, message, ...(data !== undefined && { data }) } }))
}

function refusedAsOld(res: ServerResponse, { id }: ModernMessage): void {
  error(res, 400, id, -32_022, 'Unsupported protocol version', { supported: ['2026-07-28'] })
}

function answeredAsOld(res: ServerResponse, { id, method }: ModernMessage): void {
  const opened = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'old', version: '1' } }
  res.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'of-the-server' })
  res.end(JSON.stringify({ jsonrpc: '2.0', id, result: method === 'initialize' ? opened : { was: method } }))
}
