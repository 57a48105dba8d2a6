// What carries the streams of the legacy eras inside the object; `mcp/legacy` implements it, `worker.ts` hands it in.
import type { Caller } from '../../caller.ts'
import type { Rate, Refused, Vouched } from '../contract/admission.ts'
import type { LoggedEvent } from '../store/event-log.ts'
import type { CloseReason } from '../contract/leash-terms.ts'
import type { ClientSoftware } from '../contract/client-software.ts'
import type { Watched } from '../contract/recording.ts'
import type { StreamTraffic } from '../contract/stream-traffic.ts'

/** One open stream, whoever carries it. */
export interface StreamDetail {
  readonly id: string
  readonly grantId: string
  readonly kind: 'request' | 'standing' | 'call'
  /** Method and tool, as far as they are known: `tools/call count`. */
  readonly label: string
  /** What the client says it is, where it said it. */
  readonly software?: ClientSoftware | undefined
  /** Unix seconds. */
  readonly openedAt: number
  /** Only for who looks closely, and only where whoever carries the stream has said it in time. */
  readonly traffic?: StreamTraffic | undefined
}

export interface Carrier {
  /** One legacy request the router hands over whole. */
  carry(request: Request): Promise<Response>
  /** What the router needs to carry the standing stream of an MCP session itself, or where else the GET belongs. */
  openGet(asked: GetRequest): Promise<GetAnswer>
  /** Stores events of a standing stream that the router carries; resolves with their numbers when they are safe, with none when another connection has taken over. */
  append(stream: string, epoch: number, events: readonly CarriedEvent[]): Promise<readonly number[]>
  /** Ends every stream of the grant, or of everybody, and its MCP sessions; the downstream requests are aborted when it resolves with how many. */
  end(reason: CloseReason, grantId?: string): Promise<number>
  /** Resolves when the downstreams have heard that the sessions of what has ended are over, or were given up: nothing is sent after that. */
  farewells(): Promise<void>
  endStream(reason: CloseReason, id: string): number
  /** The process is about to end: clients are told to come again, and what is under way goes on after the next start. */
  shutDown(): void
  /** Ends an MCP session and tells the downstream; the number of streams it had, or undefined when it is not known. */
  endSession(id: string): number | undefined
  /** Streams the object carries at the moment. */
  open(): readonly StreamDetail[]
  traffic(id: string): StreamTraffic | undefined
  /** What the client of a stream says it is, whoever carries it. */
  softwareOf(stream: Pick<StreamDetail, 'id' | 'grantId'>): ClientSoftware | undefined
  /** Whether the rules about tools still allow what a stream is for, by its label. */
  mayGoOn(stream: { readonly grantId: string; readonly label: string }): boolean
  /** Called after every start: goes on with what the last life of the object left unfinished. */
  recover(): void
  /** Whether something is carried for which the object must be woken again after a crash. */
  isBusy(): boolean
  /** Job: ends MCP sessions that nobody has used for long, and tells the downstream. */
  collectIdle(): void
  /** The leash of a standing stream broke although nobody pulled it: its client left. */
  standingLeft(stream: string): void
}

export interface CarriedEvent {
  readonly serverEventId: string | undefined
  readonly event: string | undefined
  /** Absent where only an id came, as in the priming event of SEP-1699. */
  readonly data: string | undefined
}

export interface GetRequest {
  readonly caller: Caller
  readonly target: string
  readonly mcpSession: string | undefined
  readonly lastEventId: string | undefined
}

export type GetAnswer =
  /** The router carries: it sends what was missed, then asks the downstream with these headers added. */
  | {
      readonly kind: 'standing'
      /** Absent when the downstream keeps no sessions: there is nothing to log for. */
      readonly stream: string | undefined
      /** Goes with every `append`. */
      readonly epoch: number
      readonly vouched: Vouched
      readonly downstreamSession: string | undefined
      readonly downstreamCursor: string | undefined
      readonly missed: readonly LoggedEvent[]
      readonly rate: Rate
      /** Present while an administrator has this grant recorded. */
      readonly recording?: Watched
    }
  /** The object carries: the answer to a POST is resumed, by a second call. */
  | { readonly kind: 'call'; readonly rate: Rate; readonly recording?: Watched }
  | { readonly kind: 'not_found'; readonly what: 'session' | 'cursor'; readonly rate: Rate; readonly recording?: Watched }
  /** Everything of that stream has been delivered: there is nothing to wait for. */
  | { readonly kind: 'finished'; readonly rate: Rate; readonly recording?: Watched }
  | { readonly kind: 'refused'; readonly refused: Refused }
