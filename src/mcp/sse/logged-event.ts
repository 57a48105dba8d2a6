// A logged event as its client gets it: with an id that names the stream and its place there (MCP 2025-11-25, "Resumability").
import { eventId } from '../../session/contract/event-id.ts'
import { encodeEvent } from './sse.ts'

interface LoggedEvent {
  readonly seq: number
  readonly event: string | undefined
  readonly data: string
}

export function encodeLogged(stream: string, { seq, event, data }: LoggedEvent): Uint8Array {
  return encodeEvent({ id: eventId(stream, seq), ...(event !== undefined && { event }), data })
}
