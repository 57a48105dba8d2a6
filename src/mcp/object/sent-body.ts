// The body of a request that was handed over: text where it travelled as such, and what is done with it in either form.
import type { Deadline } from '../../platform/deadlines.ts'
import type { DispatchHeader } from '../dispatch/dispatch-header.ts'
import { openEnvelope, type Envelope } from '../message/json-rpc-body.ts'
import { handedBody } from '../message/read-body.ts'

/** It is UTF-8, as the router has judged: in either form the same bytes are sent. */
export type SentBody = Uint8Array<ArrayBuffer> | string

export function sentBody(
  { body }: DispatchHeader,
  request: Request,
  limits: { readonly maxBodyBytes: number },
  deadline?: Deadline,
): Promise<SentBody> | SentBody {
  return body ?? handedBody(request, limits, deadline)
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export function sentBytes(body: SentBody): Uint8Array<ArrayBuffer> {
  return typeof body === 'string' ? new Uint8Array(encoder.encode(body)) : body
}

export function sentText(body: SentBody): string {
  return typeof body === 'string' ? body : decoder.decode(body)
}

export function sentEnvelope(body: SentBody): Envelope {
  return openEnvelope(sentBytes(body))
}
