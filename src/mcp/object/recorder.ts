// The object's side of the flight recorder: what it carries itself it writes down itself.
import type { SessionContext } from '../../session/session-context.ts'
import { noteEntries } from '../../session/admin/recording-switch.ts'
import { handedBody } from '../message/read-body.ts'
import { WireTap } from '../downstream/wire-tap.ts'
import { refusalIn, type DispatchHeader } from '../dispatch/dispatch-header.ts'

export async function recorded(
  context: Pick<SessionContext, 'links' | 'now' | 'provider' | 'recorder' | 'settings'>,
  order: DispatchHeader,
  request: Request,
  carry: () => Promise<Response>,
  waitUntil: (work: Promise<unknown>) => void,
): Promise<Response> {
  const { grantId, clientId } = order.caller
  const watched = context.recorder.watching(grantId, context.now())
  if (!watched) return await carry()
  const { requestId, label } = order
  const startedAt = Date.now()
  const body = request.body === null ? undefined : await handedBody(request.clone(), context.settings.limits)
  const tapped = { era: 'legacy', grantId, clientId, requestId, verb: request.method, label, body, startedAt } as const
  const tap = new WireTap(tapped, watched, (entries) => {
    const noted = noteEntries(context, entries)
    waitUntil(noted)
    return noted
  })
  const answer = await carry()
  const refusal = refusalIn(answer)
  if (!refusal) return tap.answered(answer)
  tap.refused(refusal.code, refusal.status)
  return answer
}
