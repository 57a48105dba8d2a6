// A permission that was there when a request was admitted may have ended while its body, or the downstream's answer, was waited for.
import type { Caller } from '../../caller.ts'
import { isAllowed, type AccessRules } from '../../session/access/allowed.ts'
import type { SessionContext } from '../../session/session-context.ts'
import { interrupted, revoked, type McpRefusal } from '../message/refusal.ts'

/** `flight`: the request to the downstream, which is given up. */
export function refuseEnded(
  context: AccessRules & Pick<SessionContext, 'grants' | 'now'>,
  { grantId }: Caller,
  flight?: AbortController,
): void {
  const refusal = refusalFor(context, grantId)
  if (!refusal) return
  flight?.abort(refusal.code)
  throw refusal
}

function refusalFor(context: AccessRules & Pick<SessionContext, 'grants' | 'now'>, grantId: string): McpRefusal | undefined {
  const grant = context.grants.live(grantId, context.now())
  if (!grant) return revoked()
  return isAllowed(context, grant) ? undefined : interrupted('policy_changed')
}
