// What a bridge and the downstream at its far end know of each other, whichever transport that one speaks.
import { vouchFor } from '../../../session/access/admit.ts'
import type { McpSession } from '../../../session/store/mcp-sessions.ts'
import type { ProviderQuestion } from '../../../session/access/ask-provider.ts'
import type { SessionContext } from '../../../session/session-context.ts'
import { identityHeaders } from '../../downstream/identity-headers.ts'
import type { Deadline } from '../../../platform/deadlines.ts'
import type { Message } from '../../message/json-rpc-body.ts'
import { responseHeaders } from '../../downstream/passing-headers.ts'
import { McpRefusal, revoked } from '../../message/refusal.ts'
import type { LostBecause } from '../lost-answer.ts'
import type { Operation } from '../../telemetry/operation.ts'
import { downstreamFor } from '../../../settings/downstreams.ts'
import type { SentBody } from '../sent-body.ts'
import type { SentHeaders } from '../downstream-request.ts'

/** One POST of the client's. */
export interface ClientMessage {
  readonly messages: readonly Message[]
  /** Ids of the requests in it, as spelled. */
  readonly requestIds: readonly string[]
  /** What passes of the client's headers, and the identity of the person. */
  readonly headers: SentHeaders
  readonly body: SentBody
  /** For people who watch. */
  readonly label: string
  /** Hears how it goes; absent where no client asks. */
  readonly operation?: Operation | undefined
}

/** Where a message came that was sent on the answer to a POST. */
export interface Origin {
  /** Ids of the requests in that, as spelled. */
  readonly requestIds: readonly string[]
  /** What the downstream can be asked to resume after. */
  readonly serverEventId: string | undefined
}

/** The downstream, as a bridge knows it. */
export interface FarEnd {
  /** Sends a message; the answer is for the client's POST. What the downstream has to say about it comes as messages of its own. */
  post(message: ClientMessage): Promise<Response>
}

/** The near end, as the far end sees it. */
export interface FarEndContext {
  readonly context: ProviderQuestion & Pick<SessionContext, 'log' | 'mcpSessions'>
  readonly target: string
  /** Throws when the session has ended. */
  readonly session: () => McpSession
  /** The stream that messages go to which belong to no request. */
  readonly standing: string
  /** Aborts when the session ends or nobody listens any more. */
  readonly signal: AbortSignal
  readonly waitUntil: (work: Promise<unknown>) => void
  /** What keeps the time; a timer for each wait where nothing is said. */
  readonly deadline?: Deadline
  /** One message of the downstream's; `serverEventId` is what the stream that stands open can be asked to resume after. */
  readonly deliver: (data: string, serverEventId?: string, origin?: Origin) => Promise<void>
  /** These requests, or all that are open, will not be answered. */
  readonly lost: (requestIds?: readonly string[], because?: LostBecause) => Promise<void>
  /** Whether a client is there to be told something. */
  readonly isHeard: () => boolean
  /** Told of a request that got no answer of the downstream's; without it the refusal is delivered in its place. */
  readonly refused?: (requestId: string, refusal: McpRefusal) => Promise<void>
  /** The downstream is connected again, in a new session: of what it said meanwhile nothing will come. */
  readonly reopened?: () => void
  /** The stream that stands open is asked for by whoever needs it, and not as soon as there is a session. */
  readonly listensOnDemand?: boolean
}

/**
 * The person's identity for a request the object makes by itself, and what passes of the client's headers where a client brought it about.
 * Throws when nobody vouches for the person any more.
 */
export async function ownHeaders({ context, session }: FarEndContext, client: SentHeaders = {}): Promise<SentHeaders> {
  const { grantId, resource } = session()
  const grant = context.grants.live(grantId, context.now())
  const downstream = downstreamFor(context.settings, resource)
  if (!grant || !downstream) throw revoked()
  const vouched = await vouchFor(context, grant, downstream)
  if ('reason' in vouched)
    throw new McpRefusal('auth_unavailable', 'the identity provider does not answer: try again after a moment', {
      reason: vouched.reason,
    })
  const headers: SentHeaders = {}
  for (const name of downstream.passHeaders ?? []) {
    const value = client[name]
    if (value !== undefined) headers[name] = value
  }
  return Object.assign(headers, identityHeaders(vouched))
}

export function headersWithinMs({ context }: FarEndContext): number {
  return context.settings.limits.downstreamTimeout * 1000
}

export function maxEventBytes({ context }: FarEndContext): number {
  return context.settings.limits.maxEventBytes
}

export function initializeIn({ messages }: ClientMessage): Message | undefined {
  return messages.find(({ kind, method }) => kind === 'request' && method === 'initialize')
}

/** What the client's POST gets: that its message was taken, or what the downstream had against it. */
export async function relayed(answer: Response): Promise<Response> {
  if (!answer.ok) return new Response(answer.body, { status: answer.status, headers: responseHeaders(answer) })
  await answer.body?.cancel()
  return new Response(null, { status: 202, headers: { 'cache-control': 'no-store' } })
}
