// Messages of the downstream on their way through an edit: what it can't read is never passed on.
import { isMessage, type SseEvent } from '../sse/sse.ts'
import { McpRefusal } from '../message/refusal.ts'
import type { Edit } from './gate.ts'
import { wholeBody } from '../downstream/whole-body.ts'

// The bytes that stay must be the bytes that came: nothing is replaced, and no byte order mark goes.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The body of an answer that is no stream. */
export async function editedBody(body: ReadableStream<Uint8Array>, edit: Edit): Promise<Uint8Array> {
  const bytes = await wholeBody(body).catch((error: unknown) => {
    if (error instanceof McpRefusal) throw error
    throw new McpRefusal('downstream_broken', 'The connection to the downstream MCP server broke before it had answered')
  })
  return editedBytes(bytes, edit)
}

export function editedBytes(bytes: Uint8Array, edit: Edit): Uint8Array {
  const message = textOf(bytes)
  const edited = message === undefined ? undefined : edit(message)
  if (edited === undefined) throw unreadable()
  return edited === message ? bytes : new TextEncoder().encode(edited)
}

/**
 * Of a message that can't be read the place in its stream is left; it answers no request, as it would not without an edit. An event
 * of another type is no message, but some clients do not look at the type: its data is edited too, and passes where it can't be
 * read, because a heartbeat lists no tools to anybody.
 */
export function editedEvents(events: readonly SseEvent[], edit: Edit, dropped?: () => void): readonly SseEvent[] {
  return events.map((event) => {
    const { data = '', event: _, ...place } = event
    if (data === '') return event
    const edited = edit(data, isMessage(event))
    if (edited !== undefined) return { ...event, data: edited }
    if (!isMessage(event)) return event
    dropped?.()
    return place
  })
}

export function unreadable(): McpRefusal {
  return new McpRefusal(
    'downstream_malformed',
    'The downstream MCP server answered with something that is not JSON, so nobody can say which tools it lists',
  )
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
