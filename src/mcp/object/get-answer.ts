// A GET of the legacy eras, decided: whose stream it is, what was missed on it, and who carries the rest.
import type { Caller } from '../../caller.ts'
import { admit, type AdmissionContext } from '../../session/access/admit.ts'
import type { GetAnswer, GetRequest } from '../../session/streams/carrier.ts'
import type { EventLog } from '../../session/store/event-log.ts'
import type { McpSession } from '../../session/store/mcp-sessions.ts'
import type { SessionContext } from '../../session/session-context.ts'
import { hasMore, logCursor, type LogCursor } from './log-cursor.ts'
import { isOfModern } from './modern-downstream/modern-downstreams.ts'
import { sessionOf } from './session-of.ts'
import type { StandingStreams } from './standing-streams.ts'

export async function answerToGet(
  asked: GetRequest,
  context: AdmissionContext & Pick<SessionContext, 'log' | 'mcpSessions'>,
  standing: StandingStreams,
): Promise<GetAnswer> {
  const { caller, mcpSession, lastEventId } = asked
  const admission = await admit(context, caller, 'standing stream')
  if (!admission.admitted) return { kind: 'refused', refused: admission }
  const { rate, recording, admitted: _, ...vouched } = admission
  const told = { rate, ...(recording && { recording }) }
  const session = mcpSession === undefined ? undefined : sessionOf(context, mcpSession, caller.grantId)
  if (mcpSession !== undefined && (!session || session.bridge?.client === 'http-sse'))
    return { kind: 'not_found', what: 'session', ...told }
  const cursor = lastEventId === undefined ? undefined : cursorIn(context.log, lastEventId, caller, session)
  if (lastEventId !== undefined && !cursor) return { kind: 'not_found', what: 'cursor', ...told }
  if (cursor?.stream.kind === 'call') return { kind: hasMore(context.log, cursor) ? 'call' : 'finished', ...told }
  // What a server that knows no sessions has to say unasked the object asks for by itself.
  if (session?.bridge || isOfModern(session?.downstreamId)) return { kind: 'call', ...told }
  if (!session) {
    const none = { stream: undefined, epoch: 0, downstreamSession: undefined, downstreamCursor: undefined, missed: [] } as const
    return { kind: 'standing', ...none, vouched, ...told }
  }
  const opened = await standing.open(cursor?.stream ?? standing.of(session), cursor?.at)
  return { kind: 'standing', ...opened, vouched, downstreamSession: session.downstreamId, ...told }
}

/** Only of the caller's own grant and session. */
export function cursorIn(
  log: EventLog,
  lastEventId: string,
  caller: Caller,
  session: McpSession | undefined,
): LogCursor | undefined {
  const found = logCursor(log, lastEventId, caller.grantId)
  return found?.stream.mcpSession === (session?.id ?? '') ? found : undefined
}
