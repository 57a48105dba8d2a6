// Addresses that strangers name and the broker is to ask: which of them it may ask at all (SSRF).
//
// Nothing is resolved here: between a look at DNS and the request a name can move (rebinding). What holds instead is https with a
// verified certificate, which nothing inside a private network has for a public name, and names that can only be public ones.
import { isLoopback } from '../platform/loopback.ts'

export interface AddressPolicy {
  /** Hosts with their ports: the broker itself, and the servers that only it should reach. */
  readonly ownHosts: readonly string[]
  /** Plain http on this computer, for a broker that is itself only there (tests, `npm start`). */
  readonly loopback: boolean
}

/** For whoever does not know where the broker is. */
export const STRANGERS_ONLY: AddressPolicy = { ownHosts: [], loopback: false }

const LONGEST = 500
/** Two labels at least, the last one not a number: neither an IPv4 address in any spelling, nor an IPv6 address, nor a search name. */
const DNS_NAME = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/
/** RFC 6761 and its registry, RFC 9476, and what ICANN and networks use inside. */
const NOT_PUBLIC: ReadonlySet<string> = new Set(
  'alt arpa corp example home internal intranet invalid lan local localdomain localhost mail onion private test'.split(' '),
)

export function addressPolicy(baseUrl: string, downstreamUrls: readonly string[]): AddressPolicy {
  const base = new URL(baseUrl)
  const ownHosts = [base, ...downstreamUrls.flatMap((url) => URL.parse(url) ?? [])].map(({ host }) => host)
  return { ownHosts, loopback: base.protocol === 'http:' && isLoopback(base) }
}

/** What keeps the broker from asking there, as a phrase after “the address …”; undefined when nothing does. */
export function faultOfAddress(text: string, policy: AddressPolicy): string | undefined {
  if (text.length > LONGEST) return 'is too long'
  const url = URL.parse(text)
  // A text that a parser would repair (dot segments, `@`, a default port, upper case, tabs) is not the text that was compared.
  if (!url || url.href !== text || text.includes('#')) return 'is not written as URLs are, or has a fragment'
  if (url.username !== '' || url.password !== '') return 'has a user name'
  if (url.pathname === '/') return 'has no path'
  if (policy.loopback && url.protocol === 'http:' && isLoopback(url)) return faultOnLoopback(url, policy)
  if (url.protocol !== 'https:') return 'is not https'
  if (url.port !== '') return 'names a port'
  if (!DNS_NAME.test(url.hostname)) return 'is not at a public host name'
  if (NOT_PUBLIC.has(url.hostname.slice(url.hostname.lastIndexOf('.') + 1))) return 'is not at a public host name'
  const isOurs = policy.ownHosts.some((own) => url.hostname === own || url.hostname.endsWith(`.${own}`))
  return isOurs ? 'is one of our own' : undefined
}

/** Whether a client id is meant to be the address of a document; nothing about whether it is a good one. */
export function looksLikeAddress(id: string): boolean {
  return /^https?:/i.test(id)
}

/** `localhost` and 127.0.0.1 are the same computer: what tells the broker from another program there is the port. */
function faultOnLoopback(url: URL, { ownHosts }: AddressPolicy): string | undefined {
  const isOurs = ownHosts.some((own) => {
    const address = new URL(`http://${own}`)
    return isLoopback(address) && address.port === url.port
  })
  return isOurs ? 'is one of our own' : undefined
}
