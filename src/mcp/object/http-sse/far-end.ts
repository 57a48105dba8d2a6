// The far end of a bridge, chosen by what the session says the downstream speaks, and what it is told about the near end.
import type { McpSession } from '../../../session/store/mcp-sessions.ts'
import type { SessionContext } from '../../../session/session-context.ts'
import type { Downstream, Transport } from '../../../settings/downstreams.ts'
import { McpRefusal } from '../../message/refusal.ts'
import type { DownstreamSessions } from '../downstream-session.ts'
import type { StandingStreams } from '../standing-streams.ts'
import type { Bridge } from './bridge.ts'
import { HttpDownstream } from './http-downstream.ts'
import type { Link, LinkContext } from './link.ts'
import { SseDownstream } from './sse-downstream.ts'
import type { Transports } from './transports.ts'
import { UndecidedDownstream } from './undecided-downstream.ts'

export interface NearEnd {
  readonly parts: SessionContext
  readonly standing: StandingStreams
  readonly waitUntil: (work: Promise<unknown>) => void
  readonly bridge: Bridge
  readonly session: McpSession
}

export interface NearEndWithMemory extends NearEnd {
  readonly downstream: DownstreamSessions
  readonly transports: Transports
}

export function linkTo(downstream: Downstream, near: NearEndWithMemory): Link {
  const { parts, bridge, session, standing, transports, downstream: sessions } = near
  const context = contextOf(downstream, near)
  const transport = session.bridge?.downstream
  if (transport === 'http-sse') return new SseDownstream(context)
  if (transport === 'streamable-http') {
    const link = new HttpDownstream(context, sessions)
    if (session.protocolVersion !== undefined) link.listen(standing.of(session).upId)
    return link
  }
  const decided = (found: Transport, link: Link): void => {
    bridge.link = link
    parts.mcpSessions.change(context.session(), { bridge: { client: 'http-sse', downstream: found } })
  }
  return new UndecidedDownstream({ context, downstream, transports, sessions, decided })
}

export function contextOf({ url }: Downstream, { parts, standing, waitUntil, bridge, session: { id } }: NearEnd): LinkContext {
  const session = (): McpSession => {
    const found = parts.mcpSessions.find(id)
    if (!found) throw new McpRefusal('session_not_found', 'Session not found: initialize a new one')
    return found
  }
  return {
    parts,
    target: url,
    session,
    standing: standing.of(session()).id,
    signal: bridge.signal,
    waitUntil,
    deliver: (data, upId) => bridge.deliver(data, upId),
    lost: (requestIds, because) => bridge.lost(requestIds, because),
    isHeard: () => bridge.isHeard,
  }
}

/** What was asked in a session that the downstream has lost. */
export function lose(link: Link, { downstreamId }: McpSession): void {
  if (link instanceof HttpDownstream) link.lose(downstreamId)
}

/** What a downstream has to say unasked needs a connection, and a client that will not initialize needs it done. */
export async function connected(link: Link, isInitialized: boolean, client: Headers): Promise<void> {
  if (link instanceof SseDownstream) await link.connect(client)
  if (link instanceof HttpDownstream && isInitialized) await link.initializeAgain()
}
