// An answer of the downstream that has to be there whole before any of it goes on, and never more of it than an event may have.
import { BodyError, readBounded } from '../../platform/bounded-body.ts'
import { MAX_EVENT_BYTES } from '../sse/relay.ts'
import { McpRefusal } from '../message/refusal.ts'

/** For an answer that is not expected to take its time, as a list of tools. */
const WITHIN_MS = 60_000

interface Expected {
  /** What a refusal has to name. */
  readonly id?: string | undefined
  readonly mostBytes?: number
  readonly withinMs?: number
}

export async function wholeBody(
  body: ReadableStream<Uint8Array> | null,
  { id, mostBytes = MAX_EVENT_BYTES, withinMs = WITHIN_MS }: Expected = {},
): Promise<Uint8Array> {
  try {
    return await readBounded(body, { mostBytes, withinMs })
  } catch (error) {
    if (!(error instanceof BodyError)) throw error
    if (error.reason === 'too_late')
      throw new McpRefusal('downstream_timeout', 'The downstream MCP server did not finish its answer in time', { id })
    const message = `An answer of the downstream MCP server is larger than ${mostBytes} bytes`
    throw new McpRefusal('downstream_event_too_large', message, { id })
  }
}
