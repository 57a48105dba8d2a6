// What the router tells the object about a legacy request it hands over, and how the object says that it refused.
import * as z from 'zod'
import type { Caller } from '../../caller.ts'
import type { Transport } from '../../settings/downstreams.ts'
import type { Passage } from '../message/era.ts'
import type { OperationFacts } from '../telemetry/operation.ts'
import { isRefusalCode, McpRefusal } from '../message/refusal.ts'

/**
 * Never copied from a client's request: the router builds the request to the object from an allow-list. It holds what people say and what
 * their headers are, and tail Workers are shown the headers of every request: the runtime shows them no value where `secret` is in the name.
 */
export const ORDER_HEADER = 'x-broker-secret-order'
const REFUSAL_HEADER = 'x-broker-refusal'
/** On every answer the object made itself; a 5xx without it is the runtime's and may hold a stack trace. It may be all of the answer. */
export const ANSWER_HEADER = 'x-broker-answer'

export interface DispatchHeader {
  readonly caller: Caller
  /** What the client speaks. */
  readonly client: Transport
  readonly kind: Passage['kind']
  /** Ids of all requests in the body, as spelled. */
  readonly requestIds: readonly string[]
  /** How many messages the body holds. */
  readonly count: number
  readonly target: string
  /** What passes of the client's, names in lower case. Here, because each that is set, and read again, as a header costs many times as much. */
  readonly headers: Readonly<Record<string, string>>
  /** A body that is short; any other is that of the request. */
  readonly body?: string | undefined
  readonly requestId: string
  /** For people who watch: `tools/call count`. */
  readonly label: string
  /** Of each message that is one: the object says when it is over. */
  readonly operation?: readonly OperationFacts[] | undefined
}

/** Undefined for a request that is handed over in another way. */
export function dispatchHeaderIn(headers: Headers): DispatchHeader | undefined {
  const order = headers.get(ORDER_HEADER)
  // Written by the router, by nobody else.
  return order === null ? undefined : JSON.parse(order)
}

const refusalSchema = z.object({
  code: z.string(),
  message: z.string(),
  reason: z.string().optional(),
  scopes: z.array(z.string()).optional(),
  isTold: z.boolean().optional(),
  /** Whether each request of a batch is answered. Their ids are not repeated: there may be many. */
  isForEach: z.boolean().optional(),
})

/** The object's refusal on its way to the router, which words it for the client. */
export function refusalAnswer(refusal: McpRefusal): Response {
  const { code, message, reason, scopes, isTold, isForEach } = refusal
  const headers = new Headers(refusal.headers)
  const told: z.input<typeof refusalSchema> = {
    code,
    message,
    reason,
    scopes: scopes && [...scopes],
    ...(isTold && { isTold }),
    ...(isForEach && { isForEach }),
  }
  headers.set(REFUSAL_HEADER, encodeURIComponent(JSON.stringify(told)))
  headers.set(ANSWER_HEADER, 'refused')
  return new Response(null, { status: 204, headers })
}

/** An answer whose body is short, but for its status: in the header that marks it, and nowhere else. */
export interface ShortAnswer {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** `marked`: what stands in the header of an answer. */
export function shortAnswerIn(marked: string): ShortAnswer | undefined {
  // Written by the object, by nobody else.
  return marked.startsWith('{') ? JSON.parse(marked) : undefined
}

export function refusalIn(answer: Response): McpRefusal | undefined {
  const header = answer.headers.get(REFUSAL_HEADER)
  if (header === null) return undefined
  const { code, message, ...detail } = refusalSchema.parse(JSON.parse(decodeURIComponent(header)))
  if (!isRefusalCode(code)) throw new Error(`the object refused with a code the router does not know: ${code}`)
  const headers = new Headers(answer.headers)
  for (const name of [ANSWER_HEADER, REFUSAL_HEADER]) headers.delete(name)
  return new McpRefusal(code, message, { ...detail, headers })
}
