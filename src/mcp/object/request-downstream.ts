// One request of the object's to a downstream; no answer is a refusal.
import { outbound, OutboundError, type OutboundOptions } from '../../platform/outbound.ts'
import { sentUntilTaken, type Challenged } from '../downstream/token-retry.ts'
import { downstreamUnanswered } from '../downstream/unanswered.ts'
import type { SentHeaders } from './downstream-request.ts'

/** `challenged` changes the headers. */
export async function requestDownstream(
  url: string | URL,
  init: RequestInit & { readonly headers: SentHeaders },
  options: OutboundOptions,
  challenged: Challenged | undefined,
): Promise<Response> {
  const send = (instead: Readonly<Record<string, string>> = {}): Promise<Response> => {
    Object.assign(init.headers, instead)
    return outbound('operator', url, init, options)
  }
  try {
    return await sentUntilTaken(send, challenged)
  } catch (cause) {
    throw cause instanceof OutboundError ? downstreamUnanswered(cause) : cause
  }
}
