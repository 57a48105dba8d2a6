// The object's side of the flight recorder: what it carries itself it writes down itself.
import type { SessionContext } from '../../session/session-context.ts'
import { noteEntries } from '../../session/admin/recording-switch.ts'
import { handedBody } from '../message/read-body.ts'
import { WireTap } from '../downstream/wire-tap.ts'
import { refusalIn, type Order } from '../dispatch/dispatch-header.ts'

export async function recorded(
  parts: SessionContext,
  order: Order,
  request: Request,
  carry: () => Promise<Response>,
): Promise<Response> {
  const { grantId, clientId } = order.caller
  const watched = parts.recorder.watching(grantId, parts.now())
  if (!watched) return await carry()
  const { requestId, label } = order
  const startedAt = Date.now()
  const body = request.body === null ? undefined : await handedBody(request.clone(), parts.settings.limits)
  const tapped = { era: 'legacy', grantId, clientId, requestId, verb: request.method, label, body, startedAt } as const
  const tap = new WireTap(tapped, watched, (entries) => noteEntries(parts, entries))
  const answer = await carry()
  const refusal = refusalIn(answer)
  if (!refusal) return tap.answered(answer)
  tap.refused(refusal.code, refusal.status)
  return answer
}
