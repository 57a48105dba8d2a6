// What a client is told in place of an answer that will not come.
import { eventNotTaken } from '../message/event-too-large.ts'
import { McpRefusal } from '../message/refusal.ts'
import type { SseEventTooLarge } from '../sse/sse.ts'

const BECAUSE = {
  connection: 'The connection to the downstream MCP server was lost before it had answered',
  ended: 'The downstream MCP server ended its event stream before it had answered',
  no_events: 'The downstream MCP server announced an event stream and sent bare JSON, in which there is no event',
  silent: 'The downstream MCP server was asked for the rest of its event stream, and sent nothing on it',
  session: 'The downstream MCP server has lost the session in which this was asked',
} as const

export type LostBecause = keyof typeof BECAUSE | SseEventTooLarge

/** `id` as the client spelled it; the stream is what an operator finds in the log. */
export function lostAnswer(id: string, stream: string, because: LostBecause = 'connection'): string {
  if (typeof because !== 'string') return eventNotTaken(because).for({ id }).toJson(stream)
  const message = `${BECAUSE[because]}; whether the request took effect is unknown`
  return new McpRefusal('downstream_broken', message).for({ id }).toJson(stream)
}

/** Nothing that stands in an event stream begins like this. */
export function isBareJson(firstBytes: Uint8Array): boolean {
  return /^\s*[[{]/.test(new TextDecoder().decode(firstBytes.subarray(0, 64)))
}
