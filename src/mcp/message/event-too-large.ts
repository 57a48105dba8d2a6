// What a client is told in place of an answer that came in too large an event, or while there was no room for it.
import { McpRefusal } from './refusal.ts'

/** The downstream has answered: whoever asks again should know that. */
export function eventTooLarge(maxEventBytes: number): McpRefusal {
  const message = `An event of the downstream MCP server is larger than ${maxEventBytes} bytes; the request may have taken effect`
  return new McpRefusal('downstream_event_too_large', message)
}

export function noRoomForEvent(): McpRefusal {
  const message = 'The broker holds too much of unfinished answers to take this one in; the request may have taken effect'
  return new McpRefusal('broker_busy', message)
}

interface NotTaken {
  readonly code: 'sse_event_too_large' | 'no_room_for_event'
  readonly maxEventBytes: number
}

/** For what the reader of the stream threw. */
export function eventNotTaken(error: NotTaken): McpRefusal {
  return error.code === 'no_room_for_event' ? noRoomForEvent() : eventTooLarge(error.maxEventBytes)
}
