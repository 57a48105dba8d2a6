// A legacy server's response to a call, as whoever waits for it gets it; and what it is told in between.
import { capabilityRequired } from '../../bridge/protocol-error.ts'
import { errorCodeIn, modernResponse, urlsWantedIn } from '../../bridge/modern-response.ts'
import { answerTo } from '../../bridge/server-questions.ts'
import type { McpRefusal } from '../../message/refusal.ts'
import type { LegacyServer } from './legacy-server.ts'
import { nextKey, type OpenCall } from './open-call.ts'
import type { ParkedCalls, Retry } from './parked-calls.ts'
import type { SentHeaders } from '../downstream-request.ts'

/** `text` is kept where nobody waits: they come back for it. */
export async function responded(server: LegacyServer, call: OpenCall, text: string, parked: ParkedCalls): Promise<void> {
  const { waiting, method } = call
  if (!waiting) {
    call.response = text
    return
  }
  server.over(call.id)
  clearTimeout(call.collecting)
  const { id, requestId, answer, sender } = waiting
  const urls = urlsWantedIn(text)
  if (urls && sender.capabilities.elicitation?.['url'] !== undefined) {
    const questions = urls.map(({ message, url }) => ({
      key: nextKey(call),
      method: 'elicitation/create',
      params: JSON.stringify({ mode: 'url', message, url }),
    }))
    return await parked.park(server, call, waiting, questions, true)
  }
  const missing = urls ? { elicitation: { url: {} } } : call.missing
  if (missing && errorCodeIn(text) !== undefined) {
    const error = capabilityRequired(missing)
    return answer.finish(error.toJson(id, requestId), error.status)
  }
  const modern = modernResponse(text, { id, method, serverInfo: server.facts.serverInfo })
  answer.finish(modern.text, modern.status)
}

/** There will be no response: a refusal of the broker's, or the error that stands in for it, in JSON. */
export function gone(_: LegacyServer, { waiting, method }: OpenCall, because: McpRefusal | string): void {
  if (!waiting) return
  if (typeof because !== 'string') return waiting.answer.refuse(because)
  waiting.answer.finish(modernResponse(because, { id: waiting.id, method, serverInfo: undefined }).text)
}

/** The client's answers to its questions, one after another. `refused`: it does not take one, and nobody could come back to the call. */
export async function sendAnswers(
  server: LegacyServer,
  { parked, given }: Retry,
  headers: SentHeaders,
  refused: () => void,
): Promise<void> {
  try {
    for (const { key, id } of parked.questions) {
      const result = given.get(key)
      if (id !== undefined && result !== undefined) await server.reply(answerTo(id, result), headers)
    }
  } catch (error) {
    refused()
    throw error
  }
}
