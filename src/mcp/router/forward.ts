// One admitted request, carried to the downstream by the router, and its answer carried back.
import type { Deadline } from '../../platform/deadlines.ts'
import { outbound, OutboundError, type OutboundOptions } from '../../platform/outbound.ts'
import { describeError, log } from '../../platform/telemetry.ts'
import { carryEvents, withoutIds, type Breakage, type Carriage } from '../sse/relay.ts'
import { bareStatus, checkAnswer, shortOrStream } from '../downstream/downstream-answer.ts'
import { editedBody, editedEvents, unreadable } from '../tools/filter-body.ts'
import { sentUntilTaken, type Challenged } from '../downstream/token-retry.ts'
import { downstreamUnanswered } from '../downstream/unanswered.ts'
import type { Passage } from '../message/era.ts'
import { eventTooLarge, noRoomForEvent } from '../message/event-too-large.ts'
import { lastFrame } from './stream-termination.ts'
import { answerInTime } from './late-answer.ts'
import { wholeResponse } from '../downstream/whole-answer-bytes.ts'
import { isEventStream, requestHeaders, responseHeaders } from '../downstream/passing-headers.ts'
import { OpenRequests } from '../message/open-requests.ts'
import { interrupted, McpRefusal } from '../message/refusal.ts'
import type { Operation } from '../telemetry/operation.ts'
import { encodeEvent } from '../sse/sse.ts'
import { roomFor } from '../sse/unfinished.ts'
import { RequestLifetime, type OpenLeash } from './request-lifetime.ts'
import type { Edit } from '../tools/gate.ts'

export interface Forwarding {
  readonly passage: Passage
  readonly target: string
  /** The client's request; its body has been read already. */
  readonly client: Request
  /** Its headers that pass besides the usual ones. */
  readonly passHeaders?: readonly string[] | undefined
  readonly body: Uint8Array<ArrayBuffer> | undefined
  /** What the broker itself says about the person; it wins over everything the client sent. */
  readonly identity: Readonly<Record<string, string>>
  /** What to do when the downstream does not take that. */
  readonly challenged?: Challenged | undefined
  readonly requestId: string
  /** What keeps the time of its waits; a timer for each where nothing is said. */
  readonly deadline?: Deadline
  /** Whose share of what is held is used up by the answer. */
  readonly person?: string | undefined
  /** Another way to the downstream than straight over the network. */
  readonly way?: Way | undefined
  /** Hears how it goes. */
  readonly operation?: Operation | undefined
  /** In place of the client's, where the request is recorded. */
  readonly traceHeaders?: Readonly<Record<string, string>> | undefined
}

/** Resolves with the headers of an answer; throws an `OutboundError`, or what the client is refused with. */
export type Way = (
  init: { readonly method: string; readonly headers: Record<string, string>; readonly body?: Uint8Array<ArrayBuffer> | string },
  options: OutboundOptions,
) => Promise<Response>

export interface ForwardingConditions {
  readonly headersWithinMs: number
  readonly maxEventBytes: number
  readonly keepAliveMs: number
  /** What the broker says besides, with any answer. */
  readonly headers?: Readonly<Record<string, string>>
  readonly leash: OpenLeash
  /** Whether nothing has been taken back since the request was admitted, as far as is known here; where it is not known the object is asked. */
  readonly isAdmitted?: () => boolean
  /** The client waits for events and for nothing else: its stream may begin before the downstream has answered. */
  readonly standing?: boolean
  /** Sent before anything of the downstream. */
  readonly first?: readonly Uint8Array[]
  readonly priming?: Carriage['priming']
  /** What the client gets of the downstream's events; ids are taken away where nothing is said. */
  readonly encode?: Carriage['encode']
  /** What it gets of each message; it throws nothing away but what can't be read. */
  readonly edit?: Edit | undefined
  /** Done before the request goes out, and cut off by a revocation as that is. */
  readonly before?: ((ending: AbortSignal) => Promise<void>) | undefined
}

/** The words by which users of the predecessors know this failure. */
export async function forward(forwarding: Forwarding, conditions: ForwardingConditions): Promise<Response> {
  const { passage, client, operation } = forwarding
  const lifetime = new RequestLifetime(conditions.leash, client.signal, forwarding.deadline)
  try {
    // Of two connections to a standing stream one must not reach the downstream, which takes the newest for a second one.
    if (conditions.standing === true) await lifetime.hold()
    if (conditions.before) await doneBefore(conditions.before, lifetime)
    const asking = ask(forwarding, conditions, lifetime)
    const answer = await (conditions.standing === true ? standing(asking, lifetime) : asking)
    const unfit = checkAnswer(answer)
    if (unfit) await unfit
    const { status, body } = answer
    const headers = { ...responseHeaders(answer), ...conditions.headers }
    const bare = bareStatus(answer, passage.kind !== 'notification' && passage.kind !== 'response')
    if (body === null || bare !== undefined) {
      await body?.cancel()
      delete headers['content-type']
      await lifetime.confirm(conditions.isAdmitted)
      lifetime.release()
      operation?.ended(bare ?? status)
      return new Response(null, { status: bare ?? status, headers })
    }
    if (isEventStream(answer)) return new Response(await eventsOf(body, forwarding, conditions, lifetime), { status, headers })
    if (conditions.edit && answer.ok) {
      const edited = await cutOff(editedBody(body, conditions.edit), lifetime)
      await lifetime.confirm(conditions.isAdmitted)
      lifetime.release()
      operation?.answered(edited, status)
      return wholeResponse(edited, { status, headers })
    }
    const short = shortOrStream(answer, body, forwarding.deadline)
    const given = short instanceof Promise ? await cutOff(short, lifetime, broken) : short
    if (given instanceof ReadableStream) {
      await lifetime.hold()
      return new Response(
        untilItsEnd(given, lifetime, () => operation?.ended(status)),
        { status, headers },
      )
    }
    const asked = lifetime.confirm(conditions.isAdmitted)
    if (asked) await asked
    lifetime.release()
    operation?.answered(given, status)
    return wholeResponse(given, { status, headers })
  } catch (error) {
    const refusal = refusalFor(error, lifetime)
    lifetime.abandon()
    throw refusal
  }
}

/** What the client is told of a request that got no answer. */
function refusalFor(error: unknown, lifetime: RequestLifetime): unknown {
  if (!(error instanceof OutboundError)) return error
  return error.reason === 'aborted' ? lifetime.refusal : downstreamUnanswered(error)
}

async function standing(asking: Promise<Response>, lifetime: RequestLifetime): Promise<Response> {
  const orRefused = asking.catch((error: unknown) => Promise.reject(refusalFor(error, lifetime)))
  return await answerInTime(orRefused, () => lifetime.ending.abort('the stream ended'))
}

async function eventsOf(
  body: ReadableStream<Uint8Array>,
  forwarding: Forwarding,
  conditions: ForwardingConditions,
  lifetime: RequestLifetime,
): Promise<ReadableStream<Uint8Array>> {
  // Nothing is streamed that a revocation could not reach: between admission and leash there may have been one.
  const leash = await lifetime.hold()
  const { passage, operation, requestId } = forwarding
  return carryEvents(body, {
    keepAliveMs: conditions.keepAliveMs,
    maxEventBytes: conditions.maxEventBytes,
    room: roomFor(forwarding.target, forwarding.person),
    first: conditions.first ?? [],
    priming: conditions.priming,
    ...encoding(forwarding, conditions),
    owed: owedTo(passage, operation),
    lastEvent: (breakage) => lastEvent(breakage, forwarding, conditions.maxEventBytes),
    meter: lifetime.meter,
    pulled: leash.pulled,
    lastFrame: () => {
      operation?.failed(interrupted(leash.reason()))
      return lastFrame(passage, leash.reason(), requestId)
    },
    over: (because) => {
      if (because === 'client_left') operation?.cancelled()
      else operation?.ended()
      lifetime.release(because)
    },
  })
}

/** A subscription is answered when it ends; a stream of the legacy eras that stands open answers nobody. */
function owedTo({ kind, id }: Passage, operation: Operation | undefined): OpenRequests | undefined {
  if (kind !== 'request' || id === undefined) return undefined
  return new OpenRequests([id], operation && ((ids, data) => operation.over(ids, data)))
}

/** A client that got everything knows by itself what a stream without an answer is; one from which something was kept is told. */
function encoding(
  { passage, requestId }: Forwarding,
  { encode = withoutIds, edit }: ForwardingConditions,
): Pick<Carriage, 'encode' | 'unanswered'> {
  if (!edit) return { encode }
  let hasDropped = false
  const drop = (): void => void (hasDropped = true)
  return {
    encode: (events) => encode(editedEvents(events, edit, drop)),
    unanswered: () =>
      hasDropped ? encodeEvent({ event: 'message', data: unreadable().for(passage).toJson(requestId) }) : undefined,
  }
}

/** Takes its time, in which the grant may end: the leash is there before it begins. */
async function doneBefore(before: NonNullable<ForwardingConditions['before']>, lifetime: RequestLifetime): Promise<void> {
  await lifetime.hold()
  await cutOff(before(lifetime.ending.signal), lifetime)
}

function broken(cause: unknown): McpRefusal {
  return new McpRefusal('downstream_broken', BROKE, { reason: describeError(cause) })
}

/** Replaces the error of an aborted request by the refusal that caused the abort; any other by what is said of it. */
function cutOff<T>(work: Promise<T>, lifetime: RequestLifetime, said = (error: unknown): unknown => error): Promise<T> {
  return work.catch((error: unknown) => {
    throw lifetime.ending.signal.aborted ? lifetime.refusal : said(error)
  })
}

/** The lifetime's signal cuts the body off; its end, however it comes, lets go. A TransformStream would not hear of a cancellation. */
function untilItsEnd(body: ReadableStream<Uint8Array>, lifetime: RequestLifetime, over: () => void): ReadableStream<Uint8Array> {
  const source = body.getReader()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      lifetime.meter.taken()
      try {
        const next = await source.read()
        if (!next.done) {
          lifetime.meter.passed(0, next.value.length)
          return controller.enqueue(next.value)
        }
        lifetime.release()
        over()
        controller.close()
      } catch (error) {
        lifetime.release()
        over()
        throw error
      }
    },
    cancel: () => {
      over()
      lifetime.abandon()
    },
  })
}

export function straightTo(target: string): Way {
  return (init, options) => outbound('operator', target, init, options)
}

function ask(forwarding: Forwarding, conditions: ForwardingConditions, lifetime: RequestLifetime): Promise<Response> {
  const { passage, target, client, body, identity, challenged, passHeaders, deadline, way = straightTo(target) } = forwarding
  const { operation, traceHeaders } = forwarding
  const own = traceHeaders ? { ...traceHeaders, ...identity } : identity
  const headers = requestHeaders(client.headers, passage, own, passHeaders)
  operation?.asked()
  const send = (instead?: Readonly<Record<string, string>>): Promise<Response> =>
    way(
      { method: client.method, headers: instead ? { ...headers, ...instead } : headers, ...(body && { body }) },
      { headersWithinMs: conditions.headersWithinMs, ending: lifetime.ending, ...(deadline && { deadline }) },
    )
  return challenged ? sentUntilTaken(send, challenged) : send()
}

const BROKE = 'The connection to the downstream MCP server broke before it had answered'

/** A stream that breaks before its request is answered is answered here: silence would leave the client waiting. */
function lastEvent(
  breakage: Breakage,
  { passage, requestId, operation }: Forwarding,
  maxEventBytes: number,
): Uint8Array | undefined {
  log('warn', 'mcp.stream_broken', { code: breakage, request_id: requestId })
  const refusals = {
    downstream_broken: () => new McpRefusal('downstream_broken', BROKE),
    downstream_event_too_large: () => eventTooLarge(maxEventBytes),
    broker_busy: () => noRoomForEvent(),
  } as const
  const refusal = refusals[breakage]()
  operation?.failed(refusal)
  if (passage.id === undefined) return undefined
  return encodeEvent({ event: 'message', data: refusal.for(passage).toJson(requestId) })
}
