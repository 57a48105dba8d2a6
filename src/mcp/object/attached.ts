// A GET that the object answers: the events after one that a client has, or what its session says unasked.
import type { LoggedStream } from '../../session/store/event-log.ts'
import type { McpSession } from '../../session/store/mcp-sessions.ts'
import type { DispatchHeader } from '../dispatch/dispatch-header.ts'
import { McpRefusal } from '../message/refusal.ts'
import { EVENT_STREAM_HEADERS } from '../../platform/event-stream.ts'
import { cursorIn } from './get-answer.ts'
import { listenAgain, type ListenAgainOptions } from './listen-again.ts'
import type { OwnedStreams } from './owned-streams.ts'

export interface Attaching extends ListenAgainOptions {
  readonly streams: OwnedStreams
  /** With an answer that was begun and is not complete. */
  readonly goOn: (stream: LoggedStream) => void
}

export async function attached(
  order: DispatchHeader,
  session: McpSession | undefined,
  from: string | null,
  own: Headers,
  { streams, goOn, ...again }: Attaching,
): Promise<Response> {
  const { log } = again.context
  if (from !== null) {
    const found = cursorIn(log, from, order.caller, session)
    if (!found) throw new McpRefusal('cursor_not_found', 'the events after this Last-Event-ID are gone')
    if (found.stream.kind === 'standing') await listenAgain(order, session, own, again)
    else if (!found.stream.closed) goOn(found.stream)
    return new Response(streams.attach(found.at, false), { headers: EVENT_STREAM_HEADERS })
  }
  const { id: stream } = await listenAgain(order, session, own, again)
  return new Response(streams.attach({ stream, seq: log.last }, false), { headers: EVENT_STREAM_HEADERS })
}
