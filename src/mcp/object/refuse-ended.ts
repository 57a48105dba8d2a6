// A permission that was there when a request was admitted may have ended while its body, or the downstream's answer, was waited for.
import type { Caller } from '../../caller.ts'
import { isAllowed } from '../../session/access/allowed.ts'
import type { SessionContext } from '../../session/session-context.ts'
import { interrupted, revoked, type McpRefusal } from '../message/refusal.ts'

/** `flight`: the request to the downstream, which is given up. */
export function refuseEnded(parts: SessionContext, { grantId }: Caller, flight?: AbortController): void {
  const refusal = refusalFor(parts, grantId)
  if (!refusal) return
  flight?.abort(refusal.code)
  throw refusal
}

function refusalFor(parts: SessionContext, grantId: string): McpRefusal | undefined {
  const grant = parts.grants.live(grantId, parts.now())
  if (!grant) return revoked()
  return isAllowed(parts, grant) ? undefined : interrupted('policy_changed')
}
