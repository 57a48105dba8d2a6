// Messages on their way into a logged stream, as the event stream a downstream would have sent.
import { encodeComment, encodeEvent } from '../../sse/sse.ts'

export class Feed {
  readonly body: ReadableStream<Uint8Array>
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>

  constructor() {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    this.body = readable
    this.#writer = writable.getWriter()
    // A stream that was ended from the other side takes nothing any more; whoever sends need not know.
    this.#writer.closed.catch(() => undefined)
  }

  /** Resolves when the stream has taken it, or takes nothing any more. `serverEventId` is what the downstream resumes after. */
  async send(data: string, serverEventId?: string): Promise<void> {
    const event = encodeEvent({ ...(serverEventId !== undefined && { id: serverEventId }), event: 'message', data })
    await this.#writer.write(event).catch(() => undefined)
  }

  /** Where the stream is, without an event. */
  async mark(serverEventId: string): Promise<void> {
    await this.#writer.write(encodeEvent({ id: serverEventId })).catch(() => undefined)
  }

  /** Resolves when whoever reads has done with all that came before, and asks for more. */
  async drained(): Promise<void> {
    await this.#writer.write(encodeComment('drained')).catch(() => undefined)
  }

  end(): void {
    void this.#writer.close().catch(() => undefined)
  }
}
