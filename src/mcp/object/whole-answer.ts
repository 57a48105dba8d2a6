// An answer of the downstream that is no stream of events: empty, on its way as it came, or edited before it goes.
import { bareStatus, shortOrStream } from '../downstream/downstream-answer.ts'
import { editedBody } from '../tools/filter-body.ts'
import { interrupted, McpRefusal } from '../message/refusal.ts'
import type { Edit } from '../tools/gate.ts'
import { heldBody } from './held-body.ts'

export interface Held {
  readonly abort: AbortController
  readonly grantId: string
  /** What a refusal has to name. */
  readonly id: string | undefined
  readonly answersRequest: boolean
  readonly flights: Map<AbortController, string>
  readonly waitUntil: (work: Promise<unknown>) => void
}

export async function wholeAnswer(answer: Response, headers: Headers, held: Held, edit: Edit | undefined): Promise<Response> {
  const { status, body, ok } = answer
  const { abort, id, answersRequest, flights, waitUntil } = held
  const bare = bareStatus(answer, answersRequest)
  if (bare !== undefined || !body) {
    await body?.cancel()
    headers.delete('content-type')
    return new Response(null, { status: bare ?? status, headers })
  }
  // Also while it is read: a revocation that comes meanwhile finds it here.
  flights.set(abort, held.grantId)
  try {
    if (edit && ok) return new Response(await editedBody(heldBody(body, held, flights, waitUntil), edit, id), { status, headers })
    const given = await shortOrStream(answer, body)
    if (given instanceof ReadableStream) return new Response(heldBody(given, held, flights, waitUntil), { status, headers })
    flights.delete(abort)
    return new Response(given, { status, headers })
  } catch (error) {
    flights.delete(abort)
    if (abort.signal.aborted) throw interrupted(abort.signal.reason)
    if (error instanceof McpRefusal) throw error
    throw new McpRefusal('downstream_broken', 'The connection to the downstream MCP server broke before it had answered', { id })
  }
}
