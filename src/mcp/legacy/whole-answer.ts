// An answer of the downstream that is no stream of events: empty, on its way as it came, or edited before it goes.
import { isShort } from '../downstream-answer.ts'
import { editedBody } from '../edited.ts'
import { interrupted } from '../refusal.ts'
import type { Edit } from '../tool-gate.ts'
import { heldBody } from './held-body.ts'

export interface Held {
  readonly abort: AbortController
  readonly grantId: string
  /** What a refusal has to name. */
  readonly id: string | undefined
  readonly flights: Map<AbortController, string>
  readonly waitUntil: (work: Promise<unknown>) => void
}

export async function wholeAnswer(answer: Response, headers: Headers, held: Held, edit: Edit | undefined): Promise<Response> {
  const { status, body, ok } = answer
  const isEmpty = status === 202 || status === 204 || status === 205
  if (isEmpty || !body) return new Response(null, { status, headers })
  const { abort, id, flights, waitUntil } = held
  if (!edit || !ok) return new Response(isShort(answer) ? body : heldBody(body, held, flights, waitUntil), { status, headers })
  try {
    return new Response(await editedBody(heldBody(body, held, flights, waitUntil), edit, id), { status, headers })
  } catch (error) {
    throw abort.signal.aborted ? interrupted(abort.signal.reason) : error
  }
}
