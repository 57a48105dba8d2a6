// What a client is told in place of an answer that will not come.
import { eventTooLarge } from '../event-too-large.ts'
import { McpRefusal } from '../refusal.ts'
import type { SseEventTooLarge } from '../sse.ts'

/** `id` as the client spelled it; the stream is what an operator finds in the log. */
export function lostAnswer(id: string, stream: string, tooLarge?: SseEventTooLarge): string {
  if (tooLarge) return eventTooLarge(tooLarge.maxEventBytes, id).toJson(stream)
  const message =
    'The connection to the downstream MCP server was lost before it had answered; whether the request took effect is unknown'
  return new McpRefusal('downstream_broken', message, { id }).toJson(stream)
}
