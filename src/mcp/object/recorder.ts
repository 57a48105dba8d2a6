// The object's side of the flight recorder: what it carries itself it writes down itself.
import type { SessionContext } from '../../session/session-context.ts'
import type { WireEntry } from '../../session/contract/recording.ts'
import { noteEntries } from '../../session/admin/recording-switch.ts'
import { handedBody } from '../message/read-body.ts'
import { ToldTogether } from '../recording/told-together.ts'
import { WireTap } from '../recording/wire-tap.ts'
import { refusalIn, type DispatchHeader } from '../dispatch/dispatch-header.ts'

/** One for the life of an object: what it was told by requests of the one before is over with that. */
const byObject = new WeakMap<object, ToldTogether>()

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
  // The router says how long a body is: only where it is kept it is read here, too.
  const isRead = watched.bodies && request.body !== null
  const body = isRead ? await handedBody(request, context.settings.limits) : undefined
  const bodyBytes = body?.length ?? Number(request.headers.get('content-length') ?? 0)
  const tapped = { era: 'legacy', grantId, clientId, requestId, verb: request.method, label, body, bodyBytes, startedAt } as const
  const telling = { whose: '', waitUntil, tell: (entries: readonly WireEntry[]) => noteEntries(context, entries) }
  const together = byObject.get(context) ?? new ToldTogether()
  byObject.set(context, together)
  const tap = new WireTap(tapped, watched, (entries) => together.add(entries, telling))
  const answer = await carry()
  const refusal = refusalIn(answer)
  if (!refusal) return tap.answered(answer)
  tap.refused(refusal.code, refusal.status)
  return answer
}
