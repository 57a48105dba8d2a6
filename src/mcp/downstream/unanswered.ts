// What it means that a downstream gave no answer: one refusal for each reason, on whichever side of the wire it was asked.
import type { OutboundError } from '../../platform/outbound.ts'
import { describeError } from '../../platform/telemetry.ts'
import { McpRefusal } from '../message/refusal.ts'

/** Whoever ended the request themselves says why; what is left of `aborted` is that it could not be reached. */
export function downstreamUnanswered({ reason, cause }: OutboundError): McpRefusal {
  const code = reason === 'timeout' ? 'downstream_timeout' : 'downstream_unreachable'
  return new McpRefusal(code, 'Failed to connect to downstream MCP server', { reason: `${reason}: ${describeError(cause)}` })
}
