// What an event stream is called, how one is asked for, and the headers with which ours begin.

export const EVENT_STREAM = 'text/event-stream'

/** What a client of streamable HTTP says that it can read (MCP 2025-11-25, "Sending Messages to the Server" 2). */
export const ACCEPTS_MESSAGES = `application/json, ${EVENT_STREAM}`

/** Nothing on the way is to keep or compress it, which would hold events back; nginx buffers what does not say so. */
export const NOT_HELD_BACK = { 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' } as const

export const EVENT_STREAM_HEADERS = { 'content-type': EVENT_STREAM, ...NOT_HELD_BACK } as const
