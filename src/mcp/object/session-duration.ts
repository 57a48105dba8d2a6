// How long MCP sessions last, by OpenTelemetry's conventions for MCP: the client's with the broker, and the broker's with the MCP server.
import { measures } from '../../platform/measures.ts'
import type { SessionMeter } from '../../session/store/mcp-sessions.ts'
import { downstreamFor } from '../../settings/downstreams.ts'
import type { Settings } from '../../settings/settings.ts'

/** As a server says that it has lost a session (MCP 2025-11-25, "Session Management"). */
const LOST = '404'

/** `isStandIn`: the id of a session that the broker keeps in place of a server that has none. */
export function sessionMeter(settings: Settings, isStandIn: (downstreamId: string | undefined) => boolean): SessionMeter {
  return ({ side, session: { resource, bridge, downstreamId }, seconds, isLost }) => {
    const labels = [isLost ? LOST : '', downstreamFor(settings, resource)?.name ?? ''] as const
    // One of the broker's own no client knows.
    if (side === 'server' && bridge?.client !== 'modern') measures.observe('serverSessions', seconds, ...labels)
    if (side === 'client' && downstreamId !== undefined && !isStandIn(downstreamId))
      measures.observe('clientSessions', seconds, ...labels)
  }
}
