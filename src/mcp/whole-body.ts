// A body that has to be there whole before any of it goes on, and never more of it than an event may have.
import { joined } from '../platform/bytes.ts'
import { MAX_EVENT_BYTES } from './carried-events.ts'
import { McpRefusal } from './refusal.ts'

export async function wholeBody(
  body: ReadableStream<Uint8Array> | null,
  id?: string,
  maxBytes = MAX_EVENT_BYTES,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body ?? []) {
    length += chunk.length
    if (length > maxBytes) {
      const message = `An answer of the downstream MCP server is larger than ${maxBytes} bytes`
      throw new McpRefusal('downstream_event_too_large', message, { id })
    }
    chunks.push(chunk)
  }
  return joined(chunks)
}
