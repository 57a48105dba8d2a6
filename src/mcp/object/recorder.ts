// The object's side of the flight recorder: what it carries itself it writes down itself.
import type { SessionContext } from '../../session/session-context.ts'
import type { Watched, WireEntry } from '../../session/contract/recording.ts'
import { noteEntries } from '../../session/admin/recording-switch.ts'
import { notingBytes } from '../downstream/whole-answer-bytes.ts'
import { sentBody, sentBytes } from './sent-body.ts'
import { ToldTogether } from '../recording/told-together.ts'
import { WireTap } from '../recording/wire-tap.ts'
import { refusalIn, type DispatchHeader } from '../dispatch/dispatch-header.ts'

/** One for the life of an object: what it was told by requests of the one before is over with that. */
const byObject = new WeakMap<object, ToldTogether>()

type RecordingContext = Pick<SessionContext, 'links' | 'now' | 'provider' | 'recorder' | 'settings'>

interface Carried {
  readonly context: RecordingContext
  readonly order: DispatchHeader
  readonly request: Request
  readonly waitUntil: (work: Promise<unknown>) => void
}

export function recorded(carried: Carried, carry: () => Promise<Response>): Promise<Response> {
  const { context, order } = carried
  const watched = context.recorder.watching(order.caller.grantId, context.now())
  return watched ? recordedAs(watched, carried, carry) : carry()
}

async function recordedAs(
  watched: Watched,
  { context, order, request, waitUntil }: Carried,
  carry: () => Promise<Response>,
): Promise<Response> {
  const { caller, requestId, label } = order
  const { grantId, clientId } = caller
  const startedAt = Date.now()
  // The router says how long a body is that is none of the order: only where it is kept it is read here, too.
  const isRead = order.body !== undefined || (watched.bodies && request.body !== null)
  const read = isRead ? sentBytes(await sentBody(order, request, context.settings.limits)) : undefined
  const bodyBytes = read?.length ?? Number(request.headers.get('content-length') ?? 0)
  const body = watched.bodies ? read : undefined
  const tapped = { era: 'legacy', grantId, clientId, requestId, verb: request.method, label, body, bodyBytes, startedAt } as const
  const telling = { whose: '', waitUntil, tell: (entries: readonly WireEntry[]) => noteEntries(context, entries) }
  const together = byObject.get(context) ?? new ToldTogether()
  byObject.set(context, together)
  const tap = new WireTap(tapped, watched, (entries) => together.add(entries, telling))
  const answer = await notingBytes(carry)
  const refusal = refusalIn(answer)
  if (!refusal) return tap.answered(answer)
  tap.refused(refusal.code, refusal.status)
  return answer
}
