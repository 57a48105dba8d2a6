// Where in the log a Last-Event-ID points: for the grant it was given to, and only while what follows it is there.
import { cursorOf, type Cursor } from '../../session/contract/event-id.ts'
import type { EventLog, LoggedStream } from '../../session/store/event-log.ts'

export interface LogCursor {
  readonly at: Cursor
  readonly stream: LoggedStream
}

export function logCursor(log: EventLog, lastEventId: string, grantId: string): LogCursor | undefined {
  const at = cursorOf(lastEventId)
  const stream = at && log.find(at.stream)
  return at && stream?.grantId === grantId && at.seq >= stream.trimmedTo ? { at, stream } : undefined
}

/** Whether anything will come after it. */
export function hasMore(log: EventLog, { at, stream }: LogCursor): boolean {
  return !stream.closed || !log.after(at, Number.MAX_SAFE_INTEGER).next().done
}
