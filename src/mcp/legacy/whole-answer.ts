// An answer of the downstream that is no stream of events: empty, on its way as it came, or edited before it goes.
import { bareStatus, isShort } from '../downstream-answer.ts'
import { editedBody } from '../edited.ts'
import { interrupted } from '../refusal.ts'
import type { Edit } from '../tool-gate.ts'
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
    return new Response(null, { status: bare ?? status, headers })
  }
  if (!edit || !ok) return new Response(isShort(answer) ? body : heldBody(body, held, flights, waitUntil), { status, headers })
  try {
    return new Response(await editedBody(heldBody(body, held, flights, waitUntil), edit, id), { status, headers })
  } catch (error) {
    throw abort.signal.aborted ? interrupted(abort.signal.reason) : error
  }
}
