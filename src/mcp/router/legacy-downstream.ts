// The way of a request of 2026-07-28 to a server that may speak the legacy eras alone: found out once, and then by way of the person's object.
import { headerJson } from '../../platform/header-json.ts'
import { OutboundError } from '../../platform/outbound.ts'
import { describeError, log } from '../../platform/telemetry.ts'
import { OWN_STATE } from '../../session/contract/request-state.ts'
import type { Downstream } from '../../settings/downstreams.ts'
import { mayBeLegacy, verdictOf, type EraMemory } from '../bridge/era-verdict.ts'
import { ANSWER_HEADER, refusalIn } from '../dispatch/dispatch-header.ts'
import { SessionUnavailable } from '../dispatch/object-answer.ts'
import { ERA_HEADER, HELD_HEADER, passedOn, TRANSLATION_HEADER, type TranslationOrder } from '../dispatch/translation-order.ts'
import type { Era } from '../message/era.ts'
import { lookedAt } from '../downstream/session-doubt.ts'
import { askEra } from './ask-era.ts'
import { straightTo, type Way } from './forward.ts'

/** The part of `UserSession` that speaks to legacy servers. */
interface TranslationPost {
  fetch(url: string, init: RequestInit): Promise<Response>
}

export interface Translation {
  readonly downstream: Downstream
  readonly target: string
  readonly order: TranslationOrder
  readonly post: TranslationPost
  /** As the client has brought it back. */
  readonly requestState: unknown
  /** In the isolate: nobody waits for another's question, which would never end (each asks until one knows). */
  readonly eras: EraMemory
  /** Throws where the person has no requests left. */
  readonly charge: () => Promise<void>
}

/** Undefined where nothing is translated: the way is the straight one, and costs nothing. */
export function translated({ downstream, ...translation }: Translation): Way | undefined {
  const { target, eras } = translation
  // A session is at the address that is configured; what lies below it is asked as ever.
  if (downstream.eraBridge !== true || downstream.era === 'modern' || target !== downstream.url) return undefined
  const straight = straightTo(target)
  const configured = downstream.transport === 'http-sse' ? 'legacy' : downstream.era
  const isParked = typeof translation.requestState === 'string' && translation.requestState.startsWith(OWN_STATE)
  return async (init, options) => {
    // What the object has asked it takes the answers to, also where the server has turned out to speak otherwise meanwhile.
    if (isParked) return await byObject({ downstream, ...translation }, init, options)
    const known = configured ?? eras.of(downstream.resource)
    const isToBeAsked = known === undefined && eras.isToBeAsked(downstream.resource)
    const era = isToBeAsked ? await found({ downstream, ...translation }, init.headers) : known
    if (era === 'legacy') return await byObject({ downstream, ...translation }, init, options)
    const answer = await straight(init, options)
    return configured || isToBeAsked ? answer : await doubted({ downstream, ...translation }, answer, init, options)
  }
}

/** A server that has been replaced by an older one since it was asked has refused the request, and done nothing for it. */
async function doubted(
  translation: Translation,
  answer: Response,
  init: Parameters<Way>[0],
  options: Parameters<Way>[1],
): Promise<Response> {
  if (answer.ok || !MAY_BE_LEGACY.includes(answer.status)) return answer
  const { text, whole } = await lookedAt(answer)
  const { downstream, eras } = translation
  if (!mayBeLegacy(answer.status, text)) return whole
  // Whoever is refused at the same time goes by what the first has found out, once that is known.
  const isFirst = eras.doubt(downstream.resource)
  const era = isFirst ? await found(translation, init.headers) : eras.of(downstream.resource)
  if (era !== 'legacy') return whole
  await whole.body?.cancel()
  return await byObject(translation, init, options)
}

const MAY_BE_LEGACY: readonly number[] = [400, 404, 405]

const PROBED_WITHIN_MS = 5_000

/** Asked as the person, because a server may answer strangers otherwise. Without a verdict nothing is translated, and nobody asks for a moment. */
async function found(
  { downstream, target, eras, charge }: Translation,
  client: Readonly<Record<string, string>>,
): Promise<Era | undefined> {
  await charge()
  try {
    const answer = await askEra(target, passedOn(client), PROBED_WITHIN_MS)
    const era = answer && verdictOf(answer)
    log('info', 'downstream.era_found', { downstream: downstream.name, era, status: answer?.status })
    return eras.note(downstream.resource, era)
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    log('info', 'downstream.era_not_found', { downstream: downstream.name, reason: describeError(error) })
    return eras.note(downstream.resource, undefined)
  }
}

async function byObject(
  { downstream, order, post, eras }: Translation,
  { method, headers, body }: Parameters<Way>[0],
  { ending, signal }: Parameters<Way>[1],
): Promise<Response> {
  const ends = ending?.signal ?? signal
  const named = { ...passedOn(headers), [TRANSLATION_HEADER]: headerJson(order) }
  const init = { method, headers: named, ...(body !== undefined && { body }) }
  const answer = await post.fetch('https://session/mcp', { ...init, ...(ends && { signal: ends }) }).catch((error: unknown) => {
    throw ends?.aborted === true ? new OutboundError('aborted', error) : error
  })
  const refusal = refusalIn(answer)
  // What it speaks may be something else by now.
  if (refusal?.code === 'downstream_unreachable') eras.drop(downstream.resource)
  if (refusal) throw refusal
  if (!answer.headers.has(ANSWER_HEADER)) {
    await answer.body?.cancel()
    throw new SessionUnavailable(answer.status)
  }
  // Another doubt than that of a refusal: a server may come and go within seconds.
  if (answer.headers.has(ERA_HEADER) && eras.doubt(`${downstream.resource} modern`)) eras.drop(downstream.resource)
  return answer.headers.has(HELD_HEADER) && answer.body ? held(answer, answer.body) : answer
}

/** Nothing comes after this body: whoever listens is kept here, until the leash or the client ends it, and the object can sleep. */
function held(answer: Response, body: ReadableStream<Uint8Array>): Response {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  body.pipeTo(writable, { preventClose: true }).catch(() => undefined)
  return new Response(readable, answer)
}
