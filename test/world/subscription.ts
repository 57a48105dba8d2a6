// `subscriptions/listen` of 2026-07-28 without an SDK: one long stream, no session.
import { MODERN_META, modernHeaders } from './broker-client.ts'
import { EventStream } from './event-stream.ts'

export async function openSubscription(mcpUrl: string, accessToken: string, id = 'listening'): Promise<EventStream> {
  const leave = new AbortController()
  const method = 'subscriptions/listen'
  const params = { notifications: { toolsListChanged: true }, _meta: MODERN_META }
  const answer = await fetch(mcpUrl, {
    method: 'POST',
    headers: modernHeaders(accessToken, method),
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
    signal: leave.signal,
  })
  return new EventStream(answer, leave)
}
