// A client that lost its stream and comes back without saying where it was: both SDKs send no Last-Event-ID over HTTP+SSE.
//
// What gives them away is MCP-Protocol-Version on the GET, which only a client sends that was initialized before, and that will
// not initialize again. While its grant has one session that session is the client's. Where there are several it might be given
// the answers to somebody else's questions; it gets a new one then, which the broker initializes as the client would have. A grant that was opened by an
// exchange is never of one program alone: there even the only session may be another's.
import type { McpSession } from '../../../session/store/mcp-sessions.ts'

export interface Returning {
  readonly session: McpSession
  /** Otherwise it only was initialized in the same way: a grant is of one client program. */
  readonly isTheirs: boolean
}

/** `sessions` of every kind and grant, most recently used last. */
export function returningTo(sessions: readonly McpSession[], grantId: string, isShared: boolean): Returning | undefined {
  const candidates = sessions.filter((session) => session.grantId === grantId && session.bridge?.client === 'http-sse')
  const session = candidates.findLast(({ initialize }) => initialize !== '')
  if (!session || !isShared) return session && { session, isTheirs: candidates.length === 1 }
  return candidates.every(({ initialize }) => initialize === session.initialize) ? { session, isTheirs: false } : undefined
}
