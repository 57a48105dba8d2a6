// Event ids as clients see them: the stream and a number, so that an id names its stream by itself (MCP 2025-11-25, resumability).

/** What a `Last-Event-ID` names, or why it can't be served. */
export type Cursor = { readonly stream: string; readonly seq: number }

export function eventId(stream: string, seq: number): string {
  return `${stream}.${seq}`
}

export function cursorOf(lastEventId: string): Cursor | undefined {
  const [, stream, seq] = /^([\w-]{8,40})\.(\d{1,15})$/.exec(lastEventId) ?? []
  return stream === undefined || seq === undefined ? undefined : { stream, seq: Number(seq) }
}
