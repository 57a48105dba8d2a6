// How the authorization server of a downstream is asked: only where it may be, one call with an end, one answer of bounded size.
import { readBounded } from '../platform/bounded-body.ts'
import { isLoopback } from '../platform/loopback.ts'
import { addressedBy, outbound, OutboundError } from '../platform/outbound.ts'
import { describeError } from '../platform/telemetry.ts'
import { LinkError } from './link-error.ts'

const ANSWER_WITHIN_MS = 10_000
/** Metadata and tokens are small; whatever is longer is something else. */
const BOUNDS = { mostBytes: 64 * 1024, withinMs: ANSWER_WITHIN_MS } as const

export interface Question {
  readonly method: string
  readonly headers: Record<string, string>
  readonly body?: URLSearchParams | string | null | undefined
}

/**
 * Addresses come out of documents that the downstream serves, so they could name anything the broker reaches: https alone, no
 * numeric address, and neither of the two but where the operator's own URL of the downstream is such a one. A name that leads
 * into a private network is asked only where the operator has written the same origin, for this server or as an identity provider
 * (`addressedBy`): the network of strangers' addresses does not reach it.
 */
export function isAllowedAddress(address: string, downstream: string): boolean {
  const url = URL.parse(address)
  const known = new URL(downstream)
  if (!url || url.username !== '' || url.password !== '' || url.hash !== '') return false
  if (isLoopback(url)) return isLoopback(known) && /^https?:$/.test(url.protocol)
  return url.protocol === 'https:' && (!isNumeric(url) || url.hostname === known.hostname)
}

/** The parser has written every IPv4 address with dots by now, however it was spelled. */
function isNumeric({ hostname }: URL): boolean {
  return hostname.startsWith('[') || /^\d+(?:\.\d+){3}$/.test(hostname)
}

/** Has the shape oauth4webapi wants for its `customFetch`; reads the answer to its end, so that no timer outlives the question. */
export async function ask(url: string, { method, headers, body }: Question): Promise<Response> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new DOMException('no answer in time', 'TimeoutError')), ANSWER_WITHIN_MS)
  try {
    const answer = await outbound(addressedBy(url), url, { method, headers, body: body ?? null }, { signal: late.signal })
    const whole = answer.body && (await readBounded(answer.body, BOUNDS))
    return new Response(whole, answer)
  } catch (error) {
    if (error instanceof LinkError) throw error
    const why = error instanceof OutboundError ? (error.cause ?? error) : error
    throw new LinkError('unreachable', `${new URL(url).host}: ${describeError(why)}`, { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

/** The JSON of an answer, undefined where it is none. */
export async function jsonOf(answer: Response): Promise<unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(await readBounded(answer.body, BOUNDS)))
    return value
  } catch {
    return undefined
  }
}

/** A server that is down or overrun has said nothing. */
export function assertAtWork({ status, url }: Response, what: string): void {
  if (status >= 500 || status === 429) throw new LinkError('unreachable', `${what} answered ${status} ${url}`)
}
