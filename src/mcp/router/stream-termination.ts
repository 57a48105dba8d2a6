// The last a client hears of a stream that the broker ends: why, and an answer to what it still waits for.
import type { CloseReason } from '../../session/contract/leash-terms.ts'
import type { Passage } from '../message/era.ts'
import { ENDED, McpRefusal } from '../message/refusal.ts'
import { encodeComment, encodeEvent } from '../sse/sse.ts'
import { META } from '../message/revision.ts'

const SENTENCE: Readonly<Record<CloseReason, string>> = {
  ...ENDED,
  policy_changed: 'the rules for this server have changed: connect again',
  superseded: 'a newer connection of this client took over',
  limit_exceeded: 'the stream was over its limits',
  auth_unavailable: 'the broker can not confirm the session at the moment: connect again',
  shutting_down: 'the broker is restarting: connect again',
}

/**
 * `subscriptions/listen` ends with a result (2026-07-28, "Subscriptions"): its stream did what it was asked for. Every other
 * request ends with an error, so that no client waits for an answer that will not come.
 */
export function lastFrame(passage: Passage, reason: CloseReason, requestId: string): Uint8Array {
  const comment = encodeComment(`closed: ${reason}`)
  if (passage.id === undefined) return comment
  const data = passage.kind === 'listen' ? listenResult(passage.id) : refusalOf(reason).for(passage).toJson(requestId)
  const event = encodeEvent({ event: 'message', data })
  const both = new Uint8Array(comment.length + event.length)
  both.set(comment)
  both.set(event, comment.length)
  return both
}

/** The subscription id is the request's, in the same JSON type. */
function listenResult(id: string): string {
  const meta = `{"${META.subscription}":${id}}`
  return `{"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete","_meta":${meta}}}`
}

function refusalOf(reason: CloseReason): McpRefusal {
  const isAuthorization = reason === 'credential_revoked' || reason === 'session_expired'
  return new McpRefusal(isAuthorization ? reason : 'limit_exceeded', SENTENCE[reason])
}
