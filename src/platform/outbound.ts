// The only file that calls fetch: redirects are never followed, cookies never kept, and every call has an end.

export class OutboundError extends Error {
  override readonly name = 'OutboundError'
  readonly reason: 'unreachable' | 'timeout' | 'aborted'

  constructor(reason: 'unreachable' | 'timeout' | 'aborted', cause: unknown) {
    super(`the request ended without an answer: ${reason}`, { cause })
    this.reason = reason
  }
}

export interface OutboundOptions {
  /** How long to wait for response headers, in milliseconds. The body may take as long as it likes. */
  readonly headersWithinMs?: number
  /** Ends the request and its response body. */
  readonly signal?: AbortSignal
  /** The same, for callers who own it: a timeout aborts it too, and no second one has to be made and tied to it. */
  readonly ending?: AbortController
}

/** Why a request was aborted that got no headers in time. */
const LATE = Symbol('late')

/**
 * Sends one request. A redirect comes back as the response it is: a 302 would turn a POST into a GET and could carry
 * credentials to a host nobody named.
 */
export async function outbound(url: string | URL, init: RequestInit = {}, options: OutboundOptions = {}): Promise<Response> {
  const { ending = new AbortController(), signal, headersWithinMs = 10_000 } = options
  const timer = setTimeout(() => ending.abort(LATE), headersWithinMs)
  const ends = signal ? AbortSignal.any([ending.signal, signal]) : ending.signal
  try {
    return await fetch(url, { ...init, redirect: 'manual', signal: ends })
  } catch (error) {
    if (!ends.aborted) throw new OutboundError('unreachable', error)
    throw new OutboundError(ends.reason === LATE ? 'timeout' : 'aborted', error)
  } finally {
    clearTimeout(timer)
  }
}
