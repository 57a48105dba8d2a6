// A GET that the object answers: the rest of a call's answer, or a standing stream that the router could not carry.
import type { Cursor } from '../../session/contract/event-id.ts'
import type { LoggedStream } from '../../session/store/event-log.ts'
import type { McpSession } from '../../session/store/mcp-sessions.ts'
import type { SessionContext } from '../../session/session-context.ts'
import type { DispatchHeader } from '../dispatch/dispatch-header.ts'
import { McpRefusal, notOffered } from '../message/refusal.ts'
import { EVENT_STREAM_HEADERS } from '../../platform/event-stream.ts'
import { understandsPriming } from '../sse/priming.ts'
import { cursorIn } from './get-answer.ts'
import type { SentHeaders } from './downstream-request.ts'
import { listenAgain, type ListenAgainOptions } from './listen-again.ts'
import { isOfModern } from './modern-downstream/modern-downstreams.ts'
import type { OwnedStreams } from './owned-streams.ts'

export interface Attaching extends ListenAgainOptions {
  readonly context: ListenAgainOptions['context'] & Pick<SessionContext, 'log' | 'mcpSessions'>
  readonly streams: OwnedStreams
  /** Throws where the person has too many streams open. */
  readonly refuseTooMany: (order: DispatchHeader) => void
}

/** `headers` are those of the request, identity included. */
export async function attached(
  order: DispatchHeader,
  session: McpSession | undefined,
  headers: SentHeaders,
  options: Attaching,
): Promise<Response> {
  const { context, streams } = options
  const from = headers['last-event-id'] || null
  const found = from === null ? undefined : cursorIn(context.log, from, order.caller, session)
  if (from !== null && !found) throw new McpRefusal('cursor_not_found', 'the events after this Last-Event-ID are gone')
  if (found?.stream.kind === 'call') {
    if (!found.stream.closed) goOn(found.stream, context, streams)
    return streamFrom(streams, found.at)
  }
  if (session && isOfModern(session.downstreamId)) return listened(order, session, headers, found?.at, options)
  const { id: stream } = await listenAgain(order, session, headers, options)
  return streamFrom(streams, found?.at ?? { stream, seq: context.log.last })
}

/** Of a session with a server that knows none: the object carries its stream for as long as somebody listens. */
function listened(
  order: DispatchHeader,
  session: McpSession,
  headers: SentHeaders,
  from: Cursor | undefined,
  { downstream, standing, streams, refuseTooMany }: Attaching,
): Response {
  if (!downstream.modern.offersStream(session)) throw notOffered(405)
  const stream = standing.of(session)
  if (!standing.isHeard(session.id)) refuseTooMany(order)
  standing.carry(stream)
  return streamFrom(
    streams,
    from ?? { stream: stream.id, seq: streams.sentUpTo(stream.id) },
    !from && understandsPriming(headers['mcp-protocol-version']),
  )
}

function streamFrom(streams: OwnedStreams, at: Cursor, primes = false): Response {
  return new Response(streams.attach(at, primes), { headers: EVENT_STREAM_HEADERS })
}

/** A stream that was begun in an earlier life of the object, or that nobody has read for a while. */
export function goOn(
  { openRequests, serverEventId, ...spec }: LoggedStream,
  { mcpSessions }: Pick<SessionContext, 'mcpSessions'>,
  streams: OwnedStreams,
): void {
  const downstreamId = mcpSessions.find(spec.mcpSession)?.downstreamId
  streams.goOn({ ...spec, downstreamId, requestIds: openRequests }, openRequests, serverEventId)
}
