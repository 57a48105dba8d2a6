// An answer of the downstream that is no stream of events: empty, on its way as it came, or edited before it goes.
import type { Deadline } from '../../platform/deadlines.ts'
import { headerJson } from '../../platform/header-json.ts'
import { ANSWER_HEADER, type DispatchHeader, type ShortAnswer } from '../dispatch/dispatch-header.ts'
import { marked } from '../dispatch/object-answer.ts'
import { shortText } from '../dispatch/short-text.ts'
import { bareStatus, shortOrStream } from '../downstream/downstream-answer.ts'
import { wholeResponse, withBytes } from '../downstream/whole-answer-bytes.ts'
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
    return handedBack(whole, status, headers, operation)
  }
  const body = bytes ? null : answer.body
  if (bare !== undefined || !body) {
    await body?.cancel()
    delete headers['content-type']
    operation?.ended(bare ?? status)
    return new Response(null, { status: bare ?? status, headers: marked(headers) })
  }
  const rule = ok ? edit : undefined
  // Also while it is read: a revocation that comes meanwhile finds it here. What is held is found there.
  const over = rule ? undefined : flights.begin(abort, caller.grantId)
  try {
    if (rule) {
      const edited = await editedBody(bodies.hold(body, abort, order), rule)
      return handedBack(edited, status, headers, operation)
    }
    const given = await shortOrStream(answer, body, deadline)
    if (given instanceof ReadableStream) {
      operation?.ended(status)
      return new Response(bodies.hold(given, abort, order), { status, headers: marked(headers) })
    }
    return handedBack(given, status, headers, operation)
  } catch (error) {
    if (abort.signal.aborted) throw interrupted(abort.signal.reason)
    // What did not come whole in time may still be coming.
    abort.abort(error)
    if (error instanceof McpRefusal) throw error
    throw new McpRefusal('downstream_broken', 'The connection to the downstream MCP server broke before it had answered')
  } finally {
    over?.()
  }
}

function handedBack(
  bytes: Uint8Array,
  status: number,
  headers: Readonly<Record<string, string>>,
  operation: Operation | undefined,
): Response {
  // A text that has no type would be given one.
  const body = 'content-type' in headers ? shortText(bytes) : undefined
  operation?.answered(body ?? bytes, status)
  if (body === undefined) return wholeResponse(bytes, { status, headers: marked(headers) })
  const short: ShortAnswer = { headers, body }
  return withBytes(bytes, new Response(null, { status, headers: { [ANSWER_HEADER]: headerJson(short) } }))
}
