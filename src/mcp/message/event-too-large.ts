// What a client is told in place of an answer that came in too large an event.
import { McpRefusal } from './refusal.ts'

/** The downstream has answered: whoever asks again should know that. */
export function eventTooLarge(maxEventBytes: number, id?: string): McpRefusal {
  const message = `An event of the downstream MCP server is larger than ${maxEventBytes} bytes; the request may have taken effect`
  return new McpRefusal('downstream_event_too_large', message, { id })
}
