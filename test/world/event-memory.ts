// The event store of the example MCP server: what it sent on each stream, so that a reader can resume after a cut.
import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server'

const MOST_EVENTS = 10_000

export class EventMemory implements EventStore {
  #count = 0
  /** In the order they were sent; a Map keeps it. */
  readonly #events = new Map<string, { stream: string; message: JSONRPCMessage }>()

  async storeEvent(stream: string, message: JSONRPCMessage): Promise<string> {
    this.#count += 1
    const id = `${stream}_${this.#count}`
    this.#events.set(id, { stream, message })
    const [oldest] = this.#events.keys()
    if (this.#events.size > MOST_EVENTS && oldest !== undefined) this.#events.delete(oldest)
    return id
  }

  async getStreamIdForEventId(id: string): Promise<string | undefined> {
    return this.#events.get(id)?.stream
  }

  async replayEventsAfter(
    last: string,
    { send }: { send: (id: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const stream = this.#events.get(last)?.stream
    if (stream === undefined) throw new Error('that event is not remembered')
    let isPast = false
    for (const [id, event] of this.#events) {
      // The empty event that opens a stream only names a position; there is nothing in it to replay.
      if (isPast && event.stream === stream && 'jsonrpc' in event.message) await send(id, event.message)
      isPast ||= id === last
    }
    return stream
  }
}
