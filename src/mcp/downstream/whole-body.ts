// An answer of the downstream that has to be there whole before any of it goes on, and never more of it than an event may have.
import { BodyError, readBounded, readMessage, type BodyBounds } from '../../platform/bounded-body.ts'
import type { Deadline } from '../../platform/deadlines.ts'
import { MAX_EVENT_BYTES } from '../sse/relay.ts'
import { HeldBytesError } from '../../platform/held-bytes.ts'
import { noRoomForEvent } from '../message/event-too-large.ts'
import { McpRefusal } from '../message/refusal.ts'
import { roomFor, UnfinishedBytes, type Room } from '../sse/unfinished.ts'

/** For an answer that is not expected to take its time, as a list of tools. */
const WITHIN_MS = 60_000

interface Expected {
  readonly mostBytes?: number
  readonly withinMs?: number
  readonly room?: Room
  /** What keeps the time; a timer of its own where nothing is said. */
  readonly deadline?: Deadline | undefined
}

export function wholeBody(body: ReadableStream<Uint8Array> | null, expected: Expected = {}): Promise<Uint8Array> {
  return whole((bounds) => readBounded(body, bounds), expected)
}

/** The same of an answer as it came: one that says that it is short is read in one piece, which costs a fraction. */
export function wholeMessage(answer: Response, expected: Expected = {}): Promise<Uint8Array> {
  return whole((bounds) => readMessage(answer, bounds), expected)
}

async function whole(
  read: (bounds: BodyBounds) => Promise<Uint8Array>,
  { mostBytes = MAX_EVENT_BYTES, withinMs = WITHIN_MS, room = roomFor(), deadline }: Expected,
): Promise<Uint8Array> {
  const unfinished = new UnfinishedBytes(room)
  let soFar = 0
  const holds = (bytes: number): void => unfinished.reach((soFar += bytes))
  try {
    return await read({ mostBytes, withinMs, holds, ...(deadline && { deadline }) })
  } catch (error) {
    if (error instanceof HeldBytesError) throw noRoomForEvent()
    if (!(error instanceof BodyError)) throw error
    if (error.reason === 'too_late')
      throw new McpRefusal('downstream_timeout', 'The downstream MCP server did not finish its answer in time')
    const message = `An answer of the downstream MCP server is larger than ${mostBytes} bytes`
    throw new McpRefusal('downstream_event_too_large', message)
  } finally {
    unfinished.giveBack()
  }
}
