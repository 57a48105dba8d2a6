// The far end of a bridge, chosen by what the session says the downstream speaks, and what it is told about the near end.
import type { McpSession } from '../../../session/store/mcp-sessions.ts'
import type { ProviderQuestion } from '../../../session/access/ask-provider.ts'
import type { SessionContext } from '../../../session/session-context.ts'
import type { Downstream, Transport } from '../../../settings/downstreams.ts'
import { McpRefusal } from '../../message/refusal.ts'
import type { DownstreamSessions } from '../downstream-session.ts'
import type { StandingStreams } from '../standing-streams.ts'
import type { Bridge } from './bridge.ts'
import { HttpDownstream } from './http-downstream.ts'
import type { FarEnd, FarEndContext } from './far-end.ts'
import { SseDownstream } from './sse-downstream.ts'
import type { Transports } from './transports.ts'
import { UndecidedDownstream } from './undecided-downstream.ts'
import type { SentHeaders } from '../downstream-request.ts'

export interface NearEnd {
  readonly context: ProviderQuestion & Pick<SessionContext, 'log' | 'mcpSessions'>
  readonly standing: StandingStreams
  readonly waitUntil: (work: Promise<unknown>) => void
  readonly bridge: Bridge
  readonly session: McpSession
}

export interface NearEndWithMemory extends NearEnd {
  readonly downstream: DownstreamSessions
  readonly transports: Transports
}

export function farEndTo(downstream: Downstream, near: NearEndWithMemory): FarEnd {
  const { context, bridge, session, standing, transports, downstream: sessions } = near
  const farEndContext = contextOf(downstream, near)
  const transport = session.bridge?.downstream
  if (transport === 'http-sse') return new SseDownstream(farEndContext)
  if (transport === 'streamable-http') {
    const farEnd = new HttpDownstream(farEndContext, sessions)
    if (session.protocolVersion !== undefined) farEnd.listen(standing.of(session).serverEventId)
    return farEnd
  }
  const decided = (found: Transport, farEnd: FarEnd): void => {
    bridge.farEnd = farEnd
    context.mcpSessions.change(farEndContext.session(), { bridge: { client: 'http-sse', downstream: found } })
  }
  return new UndecidedDownstream({ context: farEndContext, downstream, transports, sessions, decided })
}

export function contextOf(
  { url }: Downstream,
  { context, standing, waitUntil, bridge, session: { id } }: NearEnd,
): FarEndContext {
  const session = (): McpSession => {
    const found = context.mcpSessions.find(id)
    if (!found) throw new McpRefusal('session_not_found', 'Session not found: initialize a new one')
    return found
  }
  return {
    context,
    target: url,
    session,
    standing: standing.of(session()).id,
    signal: bridge.signal,
    waitUntil,
    deliver: (data, serverEventId) => bridge.deliver(data, serverEventId),
    lost: (requestIds, because) => bridge.lost(requestIds, because),
    isHeard: () => bridge.isHeard,
  }
}

/** What was asked in a session that the downstream has lost. */
export function lose(farEnd: FarEnd, { downstreamId }: McpSession): void {
  if (farEnd instanceof HttpDownstream) farEnd.lose(downstreamId)
}

/** What a downstream has to say unasked needs a connection, and a client that will not initialize needs it done. */
export async function connected(farEnd: FarEnd, isInitialized: boolean, client: SentHeaders): Promise<void> {
  if (farEnd instanceof SseDownstream) await farEnd.connect(client)
  if (farEnd instanceof HttpDownstream && isInitialized) await farEnd.initializeAgain()
}
