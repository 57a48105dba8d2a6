// Events of the downstream on their way into the log: what is stored of them, and what they say about the stream.
import type { NewEvent } from '../../session/store/event-log.ts'
import { isMessage, type SseEvent } from '../sse/sse.ts'
import { LONGEST_RETRY_MS, type OwnedStream } from './owned-stream.ts'

export interface Incoming {
  /** An id that came before the first of them and without an event of its own: where to go on if they can't be stored. */
  readonly before: string | undefined
  readonly fresh: readonly NewEvent[]
  /** An id that came after the last of them and without an event of its own. */
  readonly serverEventId: string | undefined
  /** Messages that answer nothing this stream owes. */
  readonly others: readonly string[]
}

export function incoming(live: OwnedStream, events: readonly SseEvent[]): Incoming {
  const fresh: NewEvent[] = []
  const others: string[] = []
  let before: string | undefined
  let alone: string | undefined
  for (const event of events) {
    const { id, data, retry } = event
    if (retry !== undefined) live.retryMs = Math.min(Math.max(retry, 100), LONGEST_RETRY_MS)
    // The empty id resets the client's cursor (WHATWG server-sent events): there is nothing to resume from then.
    if (id !== undefined) live.serverEventId = id === '' ? undefined : id
    // Nobody waits for it any more: its place in the downstream's stream is all that counts.
    const isLate = isMessage(event) && live.open.isLate(event.data)
    const isStored = data !== undefined && data !== '' && !isLate
    if (isStored && fresh.length === 0) before = alone
    if (isStored) fresh.push({ serverEventId: id === '' ? undefined : id, event: event.event, data })
    alone = isStored ? undefined : live.serverEventId
    if (!isMessage(event)) continue
    const owed = live.open.size
    live.open.settle(event.data)
    if (live.open.size === owed && !isLate) others.push(event.data)
  }
  return { before, fresh, serverEventId: alone, others }
}
