// To which grant an MCP session belongs: the one it was opened with, or a later one by which its client may do more.
//
// A client that authorizes again because a call needs a further scope gets a new grant and goes on in the session it has: SDKs
// do not initialize anew for that. It has to know the session's id, be the same client of the same person, and may lose nothing.
import type { Grant } from '../../session/store/grants.ts'
import type { McpSession } from '../../session/store/mcp-sessions.ts'
import type { SessionContext } from '../../session/session-context.ts'

/** Undefined for a session of any other grant, as for one that never was. */
export function sessionOf(
  context: Pick<SessionContext, 'grants' | 'log' | 'mcpSessions' | 'now'>,
  id: string,
  grantId: string,
): McpSession | undefined {
  const { mcpSessions, grants, log, now } = context
  const own = mcpSessions.use(id, grantId, now())
  if (own) return own
  const session = mcpSessions.find(id)
  const narrower = session && grants.live(session.grantId, now())
  const wider = narrower && grants.live(grantId, now())
  if (!wider || !widens(wider, narrower)) return undefined
  log.giveTo(grantId, id)
  return mcpSessions.change(session, { grantId })
}

function widens(wider: Grant, { clientId, resource, scopes }: Grant): boolean {
  const isSame = wider.clientId === clientId && wider.resource === resource
  return isSame && wider.scopes.length > scopes.length && scopes.every((scope) => wider.scopes.includes(scope))
}
