// Asking a downstream for the rest of a stream: GET with the last event id it gave (MCP 2025-03-26 … 2025-11-25, resumability).
import { log } from '../../platform/telemetry.ts'
import { vouchFor } from '../../session/admit.ts'
import type { Parts } from '../../session/parts.ts'
import { identityHeaders } from '../identity-headers.ts'
import { isEventStream } from '../passing-headers.ts'
import type { DownstreamSessions } from './downstream-session.ts'
import { ownChallenge } from './own-challenge.ts'
import type { StreamSpec } from './owned-stream.ts'

/** Undefined when the downstream does not resume, or nobody may ask it any more; throws when another attempt may help. */
export async function resumed(
  parts: Parts,
  downstream: DownstreamSessions,
  stream: StreamSpec,
  upId: string | undefined,
  signal: AbortSignal,
): Promise<Response | undefined> {
  const { grants, settings, mcpSessions, now } = parts
  const grant = grants.live(stream.grantId, now())
  const target = settings.downstreams.find(({ resource }) => resource === grant?.resource)
  if (!grant || !target) return undefined
  const vouched = await vouchFor(parts, grant, target)
  if ('reason' in vouched) throw new Error(`nobody vouches for the person at the moment: ${vouched.reason}`)
  const headers = new Headers(identityHeaders(vouched))
  headers.set('accept', 'text/event-stream')
  headers.set('accept-encoding', 'identity')
  if (upId !== undefined) headers.set('last-event-id', upId)
  const session = mcpSessions.find(stream.mcpSession)
  if (session?.protocolVersion !== undefined) headers.set('mcp-protocol-version', session.protocolVersion)
  const headersWithinMs = settings.limits.downstreamTimeout * 1000
  const renews = stream.kind === 'standing'
  const challenged = ownChallenge(parts, { grantId: grant.id, resource: grant.resource }, headers)
  const request = { method: 'GET', target: target.url, headers, signal, headersWithinMs, renews, challenged } as const
  let { answer } = await downstream.send(session, request)
  if (renews && answer.status === 400 && upId !== undefined) {
    // What came between is lost with the downstream's memory of it; what is to come need not be.
    log('warn', 'stream.cursor_lost', { stream: stream.id })
    await answer.body?.cancel()
    parts.log.forgetUpId(stream.id)
    headers.delete('last-event-id')
    answer = (await downstream.send(session, request)).answer
  }
  if (answer.ok && isEventStream(answer)) return answer
  await answer.body?.cancel()
  if (answer.status >= 500 || answer.status === 429) throw new Error(`the downstream answered ${answer.status}`)
  return undefined
}
