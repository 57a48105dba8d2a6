// The question which era an MCP server speaks: `server/discover`, and what it answers, for whoever judges that.
import { ACCEPTS_MESSAGES } from '../../platform/event-stream.ts'
import { outbound } from '../../platform/outbound.ts'
import type { DiscoverAnswer } from '../bridge/era-verdict.ts'
import { META, MODERN_VERSION } from '../message/revision.ts'
import { responseIn } from '../tools/inquiry.ts'

const ID = 'broker-discover'

const _meta = {
  [META.version]: MODERN_VERSION,
  [META.clientInfo]: { name: 'mcp-session-broker', version: '1' },
  [META.capabilities]: {},
}
const BODY = JSON.stringify({ jsonrpc: '2.0', id: ID, method: 'server/discover', params: { _meta } })

/** `own` says in whose name. An answer that is not complete in time has no message. Throws an `OutboundError`. */
export async function askEra(
  target: string,
  own: Readonly<Record<string, string>>,
  withinMs: number,
): Promise<DiscoverAnswer | undefined> {
  const signal = AbortSignal.timeout(withinMs)
  const headers = {
    ...own,
    accept: ACCEPTS_MESSAGES,
    'content-type': 'application/json',
    'mcp-protocol-version': MODERN_VERSION,
    'mcp-method': 'server/discover',
  }
  const init = { method: 'POST', headers, body: BODY }
  const answer = await outbound('operator', target, init, { signal, headersWithinMs: withinMs })
  const message = (await responseIn(answer, ID, signal)) ?? ''
  return signal.aborted ? undefined : { status: answer.status, message }
}
