// A standing stream that the router could not carry: the downstream has lost its session or its cursor, or lets nobody listen.
import type { LoggedStream } from '../../session/store/event-log.ts'
import type { McpSession } from '../../session/store/mcp-sessions.ts'
import type { ProviderQuestion } from '../../session/access/ask-provider.ts'
import { interrupted, McpRefusal, notOffered } from '../message/refusal.ts'
import { OVER, type DownstreamSessions } from './downstream-session.ts'
import type { DispatchHeader } from '../dispatch/dispatch-header.ts'
import type { SentHeaders } from './downstream-request.ts'
import type { Flights } from './flights.ts'
import { wayOf } from './own-token-retry.ts'
import { refuseEnded } from './refuse-ended.ts'
import type { StandingStreams } from './standing-streams.ts'

export interface ListenAgainOptions {
  readonly context: ProviderQuestion
  readonly downstream: DownstreamSessions
  readonly standing: StandingStreams
  readonly flights: Flights
}

/**
 * The object carries it from here, for a while. Throws what is told to a client that should not come again: one that is given a
 * stream which ends at once comes every second.
 */
export async function listenAgain(
  order: DispatchHeader,
  session: McpSession | undefined,
  headers: SentHeaders,
  { context, downstream, standing, flights }: ListenAgainOptions,
): Promise<LoggedStream> {
  if (!session) throw new McpRefusal('session_not_found', 'Session not found: initialize a new one')
  const abort = new AbortController()
  const over = flights.begin(abort, order.caller.grantId)
  try {
    refuseEnded(context, order.caller, abort)
    const request = { method: 'GET', headers, ...wayOf(context, order, headers, abort) } as const
    const living = await downstream.living(session, request, true)
    if (!living) throw new McpRefusal('session_not_found', OVER)
    const stream = standing.of(living)
    if (living.downstreamId === session.downstreamId && stream.serverEventId === undefined) throw notOffered(404)
    standing.takeOver(stream)
    return stream
  } catch (error) {
    throw abort.signal.aborted ? interrupted(abort.signal.reason) : error
  } finally {
    over()
  }
}
