// `subscriptions/listen` of 2026-07-28 without an SDK: one long stream, no session.
import { MODERN } from './broker-client.ts'
import { EventStream } from './event-stream.ts'

export async function openSubscription(mcpUrl: string, accessToken: string, id = 'listening'): Promise<EventStream> {
  const leave = new AbortController()
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientInfo': { name: 'bare client', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const params = { notifications: { toolsListChanged: true }, _meta }
  const answer = await fetch(mcpUrl, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${accessToken}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-protocol-version': MODERN,
      'mcp-method': 'subscriptions/listen',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id, method: 'subscriptions/listen', params }),
    signal: leave.signal,
  })
  return new EventStream(answer, leave)
}
