// A downstream of which nobody knows yet how it speaks: the first message of the client finds it out.
import type { Downstream, Transport } from '../../../settings/downstreams.ts'
import { McpRefusal } from '../../message/refusal.ts'
import type { DownstreamSessions } from '../downstream-session.ts'
import { HttpDownstream } from './http-downstream.ts'
import { relayed, type ClientMessage, type FarEnd, type FarEndContext } from './far-end.ts'
import { SseDownstream } from './sse-downstream.ts'
import { mayBeSse, type Transports } from './transports.ts'
import type { SentHeaders } from '../downstream-request.ts'

export interface UndecidedOptions {
  readonly context: FarEndContext
  readonly downstream: Downstream
  readonly transports: Transports
  readonly sessions: DownstreamSessions
  readonly decided: (transport: Transport, farEnd: FarEnd) => void
}

export class UndecidedDownstream implements FarEnd {
  readonly #options: UndecidedOptions

  constructor(options: UndecidedOptions) {
    this.#options = options
  }

  async post(message: ClientMessage): Promise<Response> {
    const { context, downstream, sessions, decided } = this.#options
    const http = new HttpDownstream(context, sessions)
    const answer = await http.send(message)
    if (mayBeSse(downstream, answer.status)) {
      const sse = await openedSse(this.#options, false, message.headers)
      if (sse) {
        await answer.body?.cancel()
        decided('http-sse', sse)
        return sse.post(message)
      }
    }
    if (!answer.ok) return relayed(answer)
    decided('streamable-http', http)
    return http.take(message, answer)
  }
}

/**
 * Undefined where the downstream does not prove to speak HTTP+SSE. Throws where it does and is not to be trusted, and where it is
 * known to and fails at the moment: what is known is not given up for that.
 */
export async function openedSse(
  { context, downstream, transports }: Pick<UndecidedOptions, 'context' | 'downstream' | 'transports'>,
  isKnown: boolean,
  client: SentHeaders,
): Promise<SseDownstream | undefined> {
  const sse = new SseDownstream(context)
  try {
    await sse.connect(client)
  } catch (error) {
    if (!(error instanceof McpRefusal)) throw error
    const isOther = error.code === 'downstream_no_stream'
    if (isOther) transports.foundNoSse(downstream)
    if (error.code === 'downstream_endpoint' || downstream.transport !== 'auto' || (isKnown && !isOther)) throw error
    return undefined
  }
  transports.foundSse(downstream, Date.now())
  return sse
}
