// The only file that calls fetch: redirects are never followed, cookies never kept, and every call has an end.
import { ownTimer, type Deadline } from './deadlines.ts'

/**
 * Who chose the address. What a stranger chose goes the way of the global fetch, which reaches public addresses alone: on Cloudflare by
 * nature, self-hosted by the configuration of the runtime. What the operator chose may lie in a private network.
 */
export type AddressedBy = 'operator' | 'stranger'

/** A network by which private addresses can be reached. */
type Network = Pick<Fetcher, 'fetch'>

// Of the isolate, like the global fetch itself. Without one everything goes the way of strangers' addresses: closed rather than open.
let operatorNetwork: Network | undefined
let operatorOrigins: ReadonlySet<string> = new Set()

/**
 * To be called when the isolate has read its environment. `network` is undefined where the platform has none for the operator's
 * addresses; `urls` are those the operator has written.
 */
export function useOperatorNetwork(network: unknown, urls: readonly string[]): void {
  operatorNetwork = isNetwork(network) ? network : undefined
  operatorOrigins = new Set(urls.flatMap((url) => URL.parse(url)?.origin ?? []))
}

function isNetwork(value: unknown): value is Network {
  return typeof value === 'object' && value !== null && 'fetch' in value && typeof value.fetch === 'function'
}

/** For an address out of somebody's document: the operator's only where the operator has written the same origin. */
export function addressedBy(url: string): AddressedBy {
  const origin = URL.parse(url)?.origin
  return origin !== undefined && operatorOrigins.has(origin) ? 'operator' : 'stranger'
}

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
  /** What keeps that time; a timer of its own where nothing is said. */
  readonly deadline?: Deadline
  /** Ends the request and its response body. */
  readonly signal?: AbortSignal
  /** The same, for callers who own it: a timeout aborts it too, and no second one has to be made and tied to it. */
  readonly ending?: AbortController
}

/** Why a request was aborted that got no headers in time. */
const LATE = Symbol('late')

/** `AbortSignal.timeout` says so too: to whoever asked it is one, whose clock ever ran out. */
function isLate(reason: unknown): boolean {
  return reason === LATE || (reason instanceof DOMException && reason.name === 'TimeoutError')
}

/**
 * Sends one request. A redirect comes back as the response it is: a 302 would turn a POST into a GET and could carry
 * credentials to a host nobody named.
 */
export async function outbound(
  by: AddressedBy,
  url: string | URL,
  init: RequestInit = {},
  options: OutboundOptions = {},
): Promise<Response> {
  const { ending = new AbortController(), signal, headersWithinMs = 10_000, deadline = ownTimer } = options
  const off = deadline(headersWithinMs, () => ending.abort(LATE))
  const ends = signal ? AbortSignal.any([ending.signal, signal]) : ending.signal
  try {
    const complete = { ...init, redirect: 'manual', signal: ends } as const
    return await (by === 'operator' && operatorNetwork ? operatorNetwork.fetch(url, complete) : fetch(url, complete))
  } catch (error) {
    if (!ends.aborted) throw new OutboundError('unreachable', error)
    throw new OutboundError(isLate(ends.reason) ? 'timeout' : 'aborted', error)
  } finally {
    off()
  }
}
