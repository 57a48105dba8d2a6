// The body of a request that was handed over, wherever it travelled.
import type { Deadline } from '../../platform/deadlines.ts'
import type { DispatchHeader } from '../dispatch/dispatch-header.ts'
import { handedBody } from '../message/read-body.ts'

const utf8 = new TextEncoder()

export function bodyOf(
  { body }: DispatchHeader,
  request: Request,
  limits: { readonly maxBodyBytes: number },
  deadline?: Deadline,
): Promise<Uint8Array<ArrayBuffer>> | Uint8Array<ArrayBuffer> {
  return body === undefined ? handedBody(request, limits, deadline) : new Uint8Array(utf8.encode(body))
}
