// A client of 2025-11-25 that counts what it gets: calls and the standing stream, resumed by Last-Event-ID as often as it takes.
import { setTimeout as sleep } from 'node:timers/promises'
import { eventsIn } from './events-in.ts'

/** Everything one stream brought, over all its connections. */
export interface Counted {
  readonly numbers: readonly number[]
  readonly ids: readonly string[]
  readonly ending: Ending
  readonly connections: number
  /** Which attempt to connect brought the first id; what was said before it nobody had promised to keep. */
  readonly begunBy: number
  /** When the first event after each reconnection came, in milliseconds since the epoch. */
  readonly recoveredAt: readonly number[]
}

export type Ending =
  | 'result'
  /** A JSON-RPC error: explicit. */
  | 'error'
  /** The connection broke before it had brought an id: explicit too, there is nothing to resume. */
  | 'broken before it began'
  /** The broker refused to resume. */
  | 'refused'
  /** Left by us. */
  | 'left'
  | 'silence'

export interface CountingOptions {
  /** Waited for before every reconnection. */
  readonly mayReturn: () => Promise<void>
  /** Hears of every id. */
  readonly onId?: () => void
  /** Hears every number and every last message as it comes. */
  readonly onMessage?: (number: number | undefined) => void
  /** Hangs up the connection of this number, from 0 on; the stream is resumed once we may return. */
  readonly hangUp?: (connection: number) => AbortSignal | undefined
  /** Ends the whole thing. */
  readonly until: AbortSignal
}

/** As often as a client that has lost its server asks for it, in milliseconds. */
const TRY_EVERY_MS = 25

export class CountingClient {
  /** A refreshed token may take its place. */
  accessToken: string
  readonly #mcpUrl: string
  readonly #session: Record<string, string> = {}
  #ids = 0

  private constructor(mcpUrl: string, accessToken: string) {
    this.#mcpUrl = mcpUrl
    this.accessToken = accessToken
  }

  static async open(mcpUrl: string, accessToken: string, name: string): Promise<CountingClient> {
    const client = new CountingClient(mcpUrl, accessToken)
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name, version: '1.0.0' } }
    const answer = await client.#post({ jsonrpc: '2.0', id: 'initialize', method: 'initialize', params })
    if (!answer.ok) throw new Error(`initialize was answered ${answer.status}: ${await answer.text()}`)
    await answer.text()
    client.#session['mcp-session-id'] = answer.headers.get('mcp-session-id') ?? ''
    client.#session['mcp-protocol-version'] = '2025-11-25'
    await (await client.#post({ jsonrpc: '2.0', method: 'notifications/initialized' })).text()
    return client
  }

  async count(to: number, options: CountingOptions): Promise<Counted> {
    const id = `count-${(this.#ids += 1)}`
    const message = { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'count', arguments: { to } } }
    return await this.#follow((signal) => this.#post(message, signal), options, false)
  }

  /** The standing stream, which never ends by itself. */
  async stand(options: CountingOptions): Promise<Counted> {
    return await this.#follow((signal) => this.#get(undefined, signal), options, true)
  }

  async close(): Promise<void> {
    const answer = await fetch(this.#mcpUrl, { method: 'DELETE', headers: this.#headers() })
    await answer.text()
  }

  async #follow(
    begin: (signal: AbortSignal) => Promise<Response>,
    { mayReturn, onId, onMessage, hangUp, until }: CountingOptions,
    isStanding: boolean,
  ): Promise<Counted> {
    const numbers: number[] = []
    const ids: string[] = []
    const recoveredAt: number[] = []
    let cursor: string | undefined
    let connections = 0
    let attempts = 0
    let begunBy = 0
    const result = (ending: Ending): Counted => ({ numbers, ids, ending, connections, begunBy, recoveredAt })
    for (let isFirst = true; !until.aborted; isFirst = false) {
      const leaving = hangUp?.(connections)
      const signal = leaving ? AbortSignal.any([until, leaving]) : until
      attempts += 1
      try {
        const answer = isFirst ? await begin(signal) : await this.#get(cursor, signal)
        // A broker that has just come back may not be able to say anything yet.
        if (answer.status >= 500) throw new Error(await answer.text())
        if (!answer.ok || !answer.body) return result(await refusal(answer))
        connections += 1
        let recovers = !isFirst
        for await (const { id, data } of eventsIn(answer.body)) {
          if (id !== undefined) {
            if (cursor === undefined) begunBy = attempts
            cursor = id
            onId?.()
          }
          if (data === undefined || data === '') continue
          if (id !== undefined) ids.push(id)
          if (recovers) recoveredAt.push(Date.now())
          recovers = false
          const message = JSON.parse(data)
          if ('error' in message) return result('error')
          onMessage?.(message.params?.data.number)
          if ('result' in message) return result('result')
          numbers.push(message.params.data.number)
        }
      } catch {
        // Broken off, refused or not there: all the same to a client that comes again.
      }
      if (until.aborted) break
      if (cursor === undefined && !isStanding) return result('broken before it began')
      await mayReturn()
      await sleep(TRY_EVERY_MS)
    }
    return result(isStanding ? 'left' : 'silence')
  }

  #headers(): Record<string, string> {
    const accept = 'application/json, text/event-stream'
    return { authorization: `Bearer ${this.accessToken}`, accept, ...this.#session }
  }

  async #post(message: object, signal?: AbortSignal): Promise<Response> {
    const headers = { ...this.#headers(), 'content-type': 'application/json' }
    return await fetch(this.#mcpUrl, { method: 'POST', headers, body: JSON.stringify(message), ...(signal && { signal }) })
  }

  async #get(lastEventId: string | undefined, signal: AbortSignal): Promise<Response> {
    const cursor = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
    return await fetch(this.#mcpUrl, { headers: { ...this.#headers(), accept: 'text/event-stream', ...cursor }, signal })
  }
}

async function refusal(answer: Response): Promise<Ending> {
  await answer.text()
  return 'refused'
}
