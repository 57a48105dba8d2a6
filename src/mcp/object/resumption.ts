// Asking a downstream for the rest of a stream: GET with the last event id it gave (MCP 2025-03-26 … 2025-11-25, resumability).
import { log } from '../../platform/telemetry.ts'
import { vouchFor } from '../../session/access/admit.ts'
import type { ProviderQuestion } from '../../session/access/ask-provider.ts'
import type { SessionContext } from '../../session/session-context.ts'
import { identityHeaders } from '../downstream/identity-headers.ts'
import { isEventStream } from '../downstream/passing-headers.ts'
import { conflictIn } from '../downstream/stream-conflict.ts'
import type { DownstreamSessions } from './downstream-session.ts'
import type { SentHeaders } from './downstream-request.ts'
import { EVENT_STREAM } from '../../platform/event-stream.ts'
import { ownChallenge } from './own-token-retry.ts'
import type { StreamSpec } from './owned-stream.ts'
import { downstreamFor } from '../../settings/downstreams.ts'

/** Undefined when the downstream does not resume, or nobody may ask it any more; throws when another attempt may help. */
export async function resumed(
  context: ProviderQuestion & Pick<SessionContext, 'log' | 'mcpSessions'>,
  downstream: DownstreamSessions,
  stream: StreamSpec,
  serverEventId: string | undefined,
  signal: AbortSignal,
): Promise<Response | undefined> {
  const { grants, settings, mcpSessions, now } = context
  const grant = grants.live(stream.grantId, now())
  const target = downstreamFor(settings, grant?.resource)
  if (!grant || !target) return undefined
  const vouched = await vouchFor(context, grant, target)
  if ('reason' in vouched) throw new Error(`nobody vouches for the person at the moment: ${vouched.reason}`)
  const headers: SentHeaders = { ...identityHeaders(vouched), accept: EVENT_STREAM, 'accept-encoding': 'identity' }
  if (serverEventId !== undefined) headers['last-event-id'] = serverEventId
  let session = mcpSessions.find(stream.mcpSession)
  // To a new session at the downstream an event of the one before means nothing, and some wait there for ever without a word.
  if (stream.kind === 'call' && stream.downstreamId !== session?.downstreamId) return undefined
  if (session?.protocolVersion !== undefined) headers['mcp-protocol-version'] = session.protocolVersion
  const headersWithinMs = settings.limits.downstreamTimeout * 1000
  const challenged = ownChallenge(context, { grantId: grant.id, resource: grant.resource }, headers)
  const request = { method: 'GET', target: target.url, headers, signal, headersWithinMs, challenged } as const
  const ask = async (): Promise<Response> => {
    const { answer: given, isConflict } = await conflictIn((await downstream.send(session, request)).answer)
    if (stream.kind !== 'standing' || !isConflict) return given
    await given.body?.cancel()
    throw new Error(`the downstream answered ${given.status}: it still holds the stream`)
  }
  let answer = await ask()
  if (stream.kind === 'standing' && (answer.status === 404 || answer.status === 410) && session) {
    const living = await downstream.living(session, request)
    if (living && living.downstreamId !== session.downstreamId) {
      await answer.body?.cancel()
      session = living
      forgetCursor(context, stream, headers)
      answer = await ask()
    }
  }
  if (stream.kind === 'standing' && REFUSES_CURSOR.includes(answer.status) && 'last-event-id' in headers) {
    // What came between is lost with the downstream's memory of it; what is to come need not be.
    await answer.body?.cancel()
    forgetCursor(context, stream, headers)
    answer = await ask()
  }
  if (answer.ok && isEventStream(answer)) return answer
  await answer.body?.cancel()
  if (answer.status >= 500 || answer.status === 429) throw new Error(`the downstream answered ${answer.status}`)
  return undefined
}

const REFUSES_CURSOR: readonly number[] = [400, 404, 410]

function forgetCursor({ log: events }: Pick<SessionContext, 'log'>, { id }: StreamSpec, headers: SentHeaders): void {
  if (!('last-event-id' in headers)) return
  log('warn', 'stream.cursor_lost', { stream: id })
  events.forgetServerEventId(id)
  delete headers['last-event-id']
}
