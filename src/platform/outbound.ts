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
}

/**
 * Sends one request. A redirect comes back as the response it is: a 302 would turn a POST into a GET and could carry
 * credentials to a host nobody named.
 */
export async function outbound(url: string | URL, init: RequestInit = {}, options: OutboundOptions = {}): Promise<Response> {
  const headers = new AbortController()
  const timer = setTimeout(() => headers.abort(new OutboundError('timeout', undefined)), options.headersWithinMs ?? 10_000)
  const signals = options.signal ? [headers.signal, options.signal] : [headers.signal]
  try {
    return await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.any(signals) })
  } catch (error) {
    if (options.signal?.aborted) throw new OutboundError('aborted', error)
    throw new OutboundError(headers.signal.aborted ? 'timeout' : 'unreachable', error)
  } finally {
    clearTimeout(timer)
  }
}
