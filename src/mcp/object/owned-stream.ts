// One stream that the object reads into the log: what it is, what it owes its client, and how far it has come.
import type { EventLog } from '../../session/store/event-log.ts'
import type { LogBounds } from '../../session/store/log-bounds.ts'
import { randomId } from '../../platform/crypto.ts'
import type { StreamDetail } from '../../session/streams/carrier.ts'
import type { NewEvent } from '../../session/store/event-log.ts'
import type { McpSession } from '../../session/store/mcp-sessions.ts'
import { StreamMeter } from '../../session/contract/stream-traffic.ts'
import type { Edit } from '../tools/gate.ts'
import type { DispatchHeader } from '../dispatch/dispatch-header.ts'
import type { LogReader } from './log-reader.ts'
import { lostAnswer, type LostBecause } from './lost-answer.ts'
import type { Operation } from '../telemetry/operation.ts'
import { SseReader } from '../sse/sse.ts'
import { roomFor } from '../sse/unfinished.ts'
import { OpenRequests } from '../message/open-requests.ts'

export interface StreamSpec {
  readonly id: string
  readonly grantId: string
  readonly mcpSession: string
  /** The downstream's session a call was made in; it can be resumed in no other. */
  readonly downstreamId?: string | undefined
  readonly kind: 'call' | 'standing'
  readonly requestIds: readonly string[]
  /** For people who watch: `tools/call count`. */
  readonly label?: string
  /** Where its answers come from, as far as that is known: not after a restart. */
  readonly target?: string
  /** Which of its requests asked for tools, under rules about those; not known after a restart either. */
  readonly lists?: readonly string[]
  /** Hears of answers, and of its end; not after a restart. */
  readonly operation?: Pick<Operation, 'over' | 'failed'> | undefined
}

export interface OwnedStream {
  readonly spec: StreamSpec
  readonly open: OpenRequests
  readonly abort: AbortController
  readonly openedAt: number
  readonly meter: StreamMeter
  serverEventId: string | undefined
  /** Why what is still open will not be answered, as far as is known by now. */
  lostBecause: LostBecause | undefined
  /** Number of the last event that is safely stored. */
  safeUpTo: number
  retryMs: number
  reader: LogReader | undefined
  /** Ends a pause before the downstream is asked again: somebody came back and waits. */
  wake: AbortController | undefined
  /** When the downstream was last asked for more, in milliseconds. */
  askedAt: number
  /** Number of the last event a client was sent. */
  sentUpTo: number
}

export type Owner = Pick<StreamSpec, 'id' | 'grantId' | 'mcpSession'>

/** Asks the downstream for what follows `serverEventId`; undefined when it does not resume. */
type Resume = (stream: StreamSpec, serverEventId: string | undefined, signal: AbortSignal) => Promise<Response | undefined>

export interface OwnedStreamsOptions {
  readonly log: EventLog
  readonly bounds: LogBounds
  readonly keepAliveMs: number
  readonly reader: (stream: StreamSpec) => SseReader
  readonly resume: Resume
  /** How long a call that was resumed may stay without a message. */
  readonly resumedWithinMs: number
  /** What is stored and sent of each message, where not everything is. */
  readonly edit: (stream: StreamSpec) => Edit | undefined
  /** Keeps the object at work although nobody waits for an answer. */
  readonly waitUntil: (work: Promise<unknown>) => void
  /** The client of a stream that goes on went away. */
  readonly left: (spec: StreamSpec) => void
  readonly now: () => number
}

/** How soon the downstream is asked again, unless it says otherwise. */
export const RETRY_MS = 1_000
export const LONGEST_RETRY_MS = 30_000

interface Begun extends Pick<OwnedStream, 'spec' | 'serverEventId' | 'safeUpTo' | 'abort' | 'openedAt'> {
  /** Ids of the requests that are still to be answered. */
  readonly open: readonly string[]
}

export function beginning({ open, ...begun }: Begun): OwnedStream {
  const { operation } = begun.spec
  return {
    ...begun,
    open: new OpenRequests(open, operation && ((ids, data) => operation.over(ids, data))),
    meter: new StreamMeter(),
    lostBecause: undefined,
    retryMs: RETRY_MS,
    reader: undefined,
    wake: undefined,
    askedAt: 0,
    sentUpTo: begun.safeUpTo,
  }
}

/** Nothing has to come any more. A stream that stands open waits for whatever does. */
export function owesNothing({ spec, open }: OwnedStream): boolean {
  return spec.kind === 'call' && open.areAnswered
}

/** Readers of what one person's servers say. Who that is, nobody has to know. */
export function eventReaders(maxEventBytes: number): OwnedStreamsOptions['reader'] {
  const person = randomId(9)
  return ({ target }) => new SseReader({ maxEventBytes, room: roomFor(target, person) })
}

/** The answer to one POST. */
export function callOf(
  { caller, requestIds, label, target }: DispatchHeader,
  session: McpSession | undefined,
  lists: readonly string[],
): StreamSpec {
  const { id: mcpSession = '', downstreamId } = session ?? {}
  return { id: randomId(9), grantId: caller.grantId, mcpSession, downstreamId, kind: 'call', requestIds, label, target, lists }
}

/** As people who watch are shown it. */
export function detailOf({ spec, openedAt }: OwnedStream): StreamDetail & { readonly mcpSession: string } {
  const { id, grantId, kind, mcpSession, label = kind } = spec
  return { id, grantId, kind, mcpSession, label, openedAt }
}

/** Its body has come to an end; true when the downstream ended it in good order. */
export function over(live: OwnedStream, inGoodOrder: boolean): boolean {
  if (live.lostBecause !== 'no_events' && live.lostBecause !== 'silent') live.lostBecause = inGoodOrder ? 'ended' : 'connection'
  return inGoodOrder
}

/** Ends what was begun in this session of the downstream's. */
export function loseSession(live: OwnedStream, { id, downstreamId }: McpSession): void {
  if (live.spec.mcpSession !== id || live.spec.downstreamId !== downstreamId) return
  live.lostBecause = 'session'
  live.abort.abort('session lost')
}

/** For every request that is still open, which is none any more. */
export function lostAnswers({ spec, open, lostBecause }: OwnedStream): readonly NewEvent[] {
  const lost = open.spelled.map((id) => lostAnswer(id, spec.id, lostBecause))
  for (const data of lost) open.settle(data)
  return lost.map((data) => ({ serverEventId: undefined, event: 'message', data }))
}

/** A Response without a body is the downstream's refusal to resume; undefined is worth another attempt. */
export async function resumedAnswer({ spec, serverEventId, abort }: OwnedStream, resume: Resume): Promise<Response | undefined> {
  try {
    return (await resume(spec, serverEventId, abort.signal)) ?? new Response(null)
  } catch {
    return undefined
  }
}
