// The answer of a bridge, on its way to the router.
import type { Rate } from '../../../session/contract/admission.ts'
import { answered } from '../../dispatch/object-answer.ts'
import { isEventStream } from '../../downstream/passing-headers.ts'
import type { CarriedRequest } from './bridges.ts'

/** A client of HTTP+SSE gets nothing else than that its message was taken. */
export function bridged({ order, operation }: CarriedRequest, answer: Response, rate: Rate): Response {
  operation?.carried(answer, order.client === 'http-sse' || isEventStream(answer))
  return answered(answer, rate)
}
