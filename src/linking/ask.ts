// How the authorization server of a downstream is asked: only where it may be.
import { asking, isAtWork, type Ask } from '../oauth-client/ask.ts'
import { isLoopback } from '../platform/loopback.ts'
import { addressedBy } from '../platform/outbound.ts'
import { describeError } from '../platform/telemetry.ts'
import { LinkError } from './link-error.ts'

const ANSWER_WITHIN_MS = 10_000
/** Metadata and tokens are small; whatever is longer is something else. */
const MOST_BYTES = 64 * 1024

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

export const askServer: Ask = asking({
  withinMs: ANSWER_WITHIN_MS,
  mostBytes: MOST_BYTES,
  by: addressedBy,
  unanswered: (cause, url) => new LinkError('unreachable', `${new URL(url).host}: ${describeError(cause)}`, { cause }),
})

/** A server that is down or overrun has said nothing. */
export function assertServerAtWork(answer: Response, what: string): void {
  if (!isAtWork(answer)) throw new LinkError('unreachable', `${what} answered ${answer.status} ${answer.url}`)
}

/** Asks, and asserts that. */
export const askServerAtWork: Ask = async (url, question) => {
  const answer = await askServer(url, question)
  assertServerAtWork(answer, url)
  return answer
}
