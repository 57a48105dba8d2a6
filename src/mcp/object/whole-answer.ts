// An answer of the downstream that is no stream of events: empty, on its way as it came, or edited before it goes.
import type { Deadline } from '../../platform/deadlines.ts'
import type { DispatchHeader } from '../dispatch/dispatch-header.ts'
import { bareStatus, shortOrStream } from '../downstream/downstream-answer.ts'
import { wholeResponse } from '../downstream/whole-answer-bytes.ts'
import { editedBody, editedBytes } from '../tools/filter-body.ts'
import { interrupted, McpRefusal } from '../message/refusal.ts'
import type { Edit } from '../tools/gate.ts'
import type { Operation } from '../telemetry/operation.ts'
import type { HeldBodies } from './held-body.ts'

export interface Held {
  readonly abort: AbortController
  readonly order: DispatchHeader
  readonly answersRequest: boolean
  readonly bodies: HeldBodies
  readonly deadline: Deadline
  /** All of its body, where that has been read already; only of an answer with status 200. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined
  /** Hears how it went; of what is still on its way by its status alone. */
  readonly operation: Operation | undefined
}

export async function wholeAnswer(
  answer: Response,
  headers: Record<string, string>,
  { abort, order, answersRequest, bodies, deadline, bytes, operation }: Held,
  edit: Edit | undefined,
): Promise<Response> {
  const { status, ok } = answer
  const { caller } = order
  const { flights } = bodies
  const bare = bareStatus(answer, answersRequest)
  if (bytes && bare === undefined) {
    const whole = edit ? editedBytes(bytes, edit) : bytes
    operation?.answered(whole, status)
    return wholeResponse(whole, { status, headers })
  }
  const body = bytes ? null : answer.body
  if (bare !== undefined || !body) {
    await body?.cancel()
    delete headers['content-type']
    operation?.ended(bare ?? status)
    return new Response(null, { status: bare ?? status, headers })
  }
  // Also while it is read: a revocation that comes meanwhile finds it here.
  flights.set(abort, caller.grantId)
  try {
    if (edit && ok) {
      const edited = await editedBody(bodies.hold(body, abort, order), edit)
      operation?.answered(edited, status)
      return wholeResponse(edited, { status, headers })
    }
    const given = await shortOrStream(answer, body, deadline)
    if (given instanceof ReadableStream) {
      operation?.ended(status)
      return new Response(bodies.hold(given, abort, order), { status, headers })
    }
    flights.delete(abort)
    operation?.answered(given, status)
    return wholeResponse(given, { status, headers })
  } catch (error) {
    flights.delete(abort)
    if (abort.signal.aborted) throw interrupted(abort.signal.reason)
    // What did not come whole in time may still be coming.
    abort.abort(error)
    if (error instanceof McpRefusal) throw error
    throw new McpRefusal('downstream_broken', 'The connection to the downstream MCP server broke before it had answered')
  }
}
