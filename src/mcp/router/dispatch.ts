// The router's side of the legacy eras: hands a request over to the person's object whole, or carries a standing stream with its help.
import type { Caller, Identity } from '../../caller.ts'
import { backoff } from '../../platform/backoff.ts'
import { headerJson } from '../../platform/header-json.ts'
import type { Transport } from '../../settings/downstreams.ts'
import type { Rate } from '../../session/contract/admission.ts'
import type { CarriedEvent, GetAnswer, GetRequest } from '../../session/streams/carrier.ts'
import { eventId } from '../../session/contract/event-id.ts'
import type { Challenged } from '../downstream/token-retry.ts'
import { forward, type Forwarding, type ForwardingConditions } from './forward.ts'
import { identityHeaders } from '../downstream/identity-headers.ts'
import { isEventStream, requestHeaders } from '../downstream/passing-headers.ts'
import type { RecordWork } from './recorder.ts'
import { McpRefusal, notOffered } from '../message/refusal.ts'
import { EVENT_STREAM_HEADERS } from '../../platform/event-stream.ts'
import { encodeComment, encodeEvent, type SseEvent } from '../sse/sse.ts'
import { Superseded } from './request-lifetime.ts'
import type { Edit } from '../tools/gate.ts'
import { refusedAdmission, SessionUnavailable, setRate } from '../dispatch/object-answer.ts'
import { lookedAt, namesSession } from '../downstream/session-doubt.ts'
import { conflictIn } from '../downstream/stream-conflict.ts'
import { understandsPriming } from '../sse/priming.ts'
import { encodeLogged } from '../sse/logged-event.ts'
import { ANSWER_HEADER, ORDER_HEADER, refusalIn, shortAnswerIn, type DispatchHeader } from '../dispatch/dispatch-header.ts'
import { shortText } from '../dispatch/short-text.ts'

/** The part of `UserSession` the legacy eras need. */
export interface LegacyPost {
  fetch(url: string, init: RequestInit): Promise<Response>
  openGet(asked: GetRequest): Promise<GetAnswer>
  append(stream: string, epoch: number, events: readonly CarriedEvent[]): Promise<readonly number[]>
}

export interface LegacyForwarding extends Omit<Forwarding, 'identity'> {
  readonly caller: Caller
  /** Ids of all requests in the body, as spelled. */
  readonly requestIds: readonly string[]
  /** How many messages the body holds; one, where nothing is said. */
  readonly count?: number | undefined
  readonly label: string
  /** What the client speaks; streamable HTTP where nothing is said. */
  readonly transport?: Transport
}

/** POST, DELETE, and the GET that resumes the answer to a POST: one call to the object, which owns what follows. */
export async function handOver(forwarding: LegacyForwarding, post: LegacyPost): Promise<Response> {
  const {
    passage,
    client,
    body,
    caller,
    requestIds,
    count = 1,
    target,
    requestId,
    label,
    transport = 'streamable-http',
  } = forwarding
  const { kind } = passage
  const { operation, traceHeaders = {}, passHeaders } = forwarding
  const who = { caller, client: transport, kind, requestIds, count } as const
  const passing = requestHeaders(client.headers, passage, traceHeaders, passHeaders)
  const text = body && shortText(body)
  const order: DispatchHeader = {
    ...who,
    target,
    headers: passing,
    requestId,
    label,
    operation: operation?.facts,
    body: text,
  }
  const headers = { [ORDER_HEADER]: headerJson(order) }
  const more = body && text === undefined ? { body } : undefined
  const answer = await post.fetch('https://session/mcp', { method: client.method, headers, ...more })
  const marked = answer.headers.get(ANSWER_HEADER)
  // What the runtime answers may hold a stack trace; whatever the object did not mark is not an answer.
  if (marked === null) {
    await answer.body?.cancel()
    throw new SessionUnavailable(answer.status)
  }
  operation?.handedOver()
  const short = shortAnswerIn(marked)
  if (short) return new Response(short.body, { status: answer.status, headers: short.headers })
  const refusal = refusalIn(answer)
  if (refusal) throw refusal
  const passed = new Response(answer.body, answer)
  passed.headers.delete(ANSWER_HEADER)
  return passed
}

/** The standing GET stream: the object says what was missed, the router carries the rest and has each event stored before it is sent. */
export async function carryGet(forwarding: LegacyForwarding, conditions: LeashedConditions, post: LegacyPost): Promise<Response> {
  const { client, caller, target } = forwarding
  const mcpSession = client.headers.get('mcp-session-id') ?? undefined
  const lastEventId = client.headers.get('last-event-id') || undefined
  const opened = await post.openGet({ caller, target, mcpSession, lastEventId })
  // What the object carries the object records.
  if (opened.kind === 'call') return handOver(forwarding, post)
  const { recording } = opened.kind === 'refused' ? opened.refused : opened
  return await conditions.record(recording, async () => {
    if (opened.kind === 'refused') throw refusedAdmission(opened.refused)
    if (opened.kind === 'not_found') throw withRate(NOT_FOUND[opened.what](), opened.rate)
    if (opened.kind === 'finished') throw withRate(finished(), opened.rate)
    const answer = await carryStanding(opened, forwarding, conditions, post)
    setRate(answer.headers, opened.rate)
    return answer
  })
}

export interface LeashedConditions extends Omit<
  ForwardingConditions,
  'leash' | 'isAdmitted' | 'first' | 'priming' | 'encode' | 'edit' | 'before'
> {
  readonly leash: (stream: StreamToLeash) => ForwardingConditions['leash']
  readonly record: RecordWork
  /** What to do when the downstream does not take this `Authorization`. */
  readonly challengedFor: (authorization: string | undefined) => Challenged | undefined
  /** What somebody gets of each message, where not everything is for everybody. */
  readonly editFor: ((person: Identity) => Edit) | undefined
}

export interface StreamToLeash {
  readonly id: string | undefined
  readonly kind: 'request' | 'standing'
  readonly epoch?: number
}

/** No time limit for headers: some SDK adapters send them with the first event only, however late that comes. */
const STANDING_HEADERS_WITHIN_MS = 86_400_000

/** About a second in all. */
const CONFLICT_PAUSE_MS = { first: 2, longest: 512 } as const
const CONFLICT_ATTEMPTS = 9

type StandingAnswer = Extract<GetAnswer, { readonly kind: 'standing' }>

async function carryStanding(
  opened: StandingAnswer,
  forwarding: LegacyForwarding,
  conditions: LeashedConditions,
  post: LegacyPost,
): Promise<Response> {
  const { stream, epoch, vouched, downstreamSession, downstreamCursor, missed } = opened
  const challenged = conditions.challengedFor(vouched.authorization)
  const identity = identityHeaders(vouched)
  // The client's own session and cursor are the broker's; the downstream knows neither.
  const client = new Request(forwarding.client, { headers: strippedOfSession(forwarding.client.headers) })
  if (downstreamSession !== undefined) identity['mcp-session-id'] = downstreamSession
  if (downstreamCursor !== undefined) identity['last-event-id'] = downstreamCursor
  const asked = { ...forwarding, client, identity, challenged }
  const edit = conditions.editFor?.(vouched.identity)
  const leash = conditions.leash({ id: undefined, kind: 'request' })
  if (stream === undefined) return offered(await forward(asked, { ...conditions, edit, leash }))
  const standing = {
    ...conditions,
    edit,
    standing: true,
    headersWithinMs: STANDING_HEADERS_WITHIN_MS,
    leash: conditions.leash({ id: stream, kind: 'standing', epoch }),
    first: missed.map((event) => encodeLogged(stream, event)),
    // What was missed has ids of its own, and a client goes on from the last it got.
    priming: missed.length === 0 ? primed(stream, forwarding.client.headers) : undefined,
    encode: (events: readonly SseEvent[]) => stored(stream, epoch, events, post),
  }
  try {
    let { answer, isConflict } = await conflictIn(await forward(asked, standing))
    // The downstream may not have noticed yet that the connection this one takes over from is gone.
    for (let attempt = 0; isConflict && attempt < CONFLICT_ATTEMPTS; attempt += 1) {
      await answer.body?.cancel()
      const pause = backoff(CONFLICT_PAUSE_MS, attempt)
      await new Promise((resolve) => setTimeout(resolve, pause))
      ;({ answer, isConflict } = await conflictIn(await forward(asked, standing)))
    }
    const isRefusal = MAY_HAVE_LOST.includes(answer.status)
    if (!isRefusal && !isOther(answer)) return await offered(answer)
    const { text, whole } = await lookedAt(answer)
    // A downstream that was listened to before, or that speaks of the session, may have lost that or the cursor: the object finds out,
    // and carries this stream itself for a while. Any other has no such stream.
    const wasHeard = epoch > 1 || downstreamCursor !== undefined
    if (!namesSession(text) && !(isRefusal && wasHeard)) return await offered(whole)
    await whole.body?.cancel()
    return await handOver(forwarding, post)
  } catch (error) {
    if (error instanceof Superseded) return superseded()
    throw error
  }
}

const MAY_HAVE_LOST: readonly number[] = [400, 404, 410]

/** What servers say of a GET for which they have nothing: most frameworks know no route, and some show a page. */
const NO_STREAM: readonly number[] = [400, 404, 405, 406, 410, 501]

/** The answer to a GET, unless it is none that a client could listen to. */
async function offered(answer: Response): Promise<Response> {
  if (!NO_STREAM.includes(answer.status) && !isOther(answer)) return answer
  await answer.body?.cancel()
  throw notOffered(answer.status)
}

/** Something that is no stream, and that it was lost where it says so: some servers put every refusal behind a 200. */
function isOther(answer: Response): boolean {
  return answer.ok && !isEventStream(answer)
}

/** Never a refusal: the client's newer connection has what it wants, and 409 would make it give up. */
function superseded(): Response {
  return new Response(encodeComment('closed: superseded'), { headers: EVENT_STREAM_HEADERS })
}

/** SEP-1699: an id of its own, so that a client that loses the connection before the first event can resume; and how soon to come again. */
function primed(stream: string, headers: Headers): Uint8Array | undefined {
  if (!understandsPriming(headers.get('mcp-protocol-version')) || headers.has('last-event-id')) return undefined
  return encodeEvent({ id: eventId(stream, 0), retry: 1_000, data: '' })
}

async function stored(
  stream: string,
  epoch: number,
  events: readonly SseEvent[],
  post: LegacyPost,
): Promise<readonly Uint8Array[]> {
  const carried = events.flatMap(({ id, event, data }) =>
    data || id ? [{ serverEventId: id || undefined, event, data: data || undefined }] : [],
  )
  const numbers = carried.length > 0 ? await post.append(stream, epoch, carried) : []
  const told = carried.flatMap(({ event, data }) => (data === undefined ? [] : [{ event, data }]))
  return numbers.flatMap((seq, index) => {
    const event = told[index]
    return event ? [encodeLogged(stream, { seq, ...event })] : []
  })
}

function strippedOfSession(headers: Headers): Headers {
  const stripped = new Headers(headers)
  stripped.delete('mcp-session-id')
  stripped.delete('last-event-id')
  return stripped
}

const NOT_FOUND = {
  session: () => new McpRefusal('session_not_found', 'Session not found: initialize a new one'),
  cursor: () => new McpRefusal('cursor_not_found', 'the events after this Last-Event-ID are gone, or were never this session’s'),
} as const

/** 405 is what clients take for "nothing more will come here" without starting anew. */
function finished(): McpRefusal {
  const headers = new Headers({ allow: 'POST, DELETE' })
  return new McpRefusal('stream_finished', 'this stream has been delivered to its end', { headers })
}

function withRate(refusal: McpRefusal, rate: Rate): McpRefusal {
  setRate(refusal.headers, rate)
  return refusal
}
