// Which downstream a client means: RFC 8707 resource indicators in the spellings clients send, resolved to one canonical resource.
//
// SDKs add a slash to an origin, keep or drop the one at the end of a path, and write hosts as people typed them. Those
// differences are forgiven here once; tokens carry the canonical URL, so nothing after this point compares leniently.
import { ssePaths, type Downstream } from '../settings/downstreams.ts'
import { OAuthError } from '../clients/oauth-error.ts'

/** Asked for to get a refresh token; not a right on any resource, so only the authorization server's metadata lists it. */
const OFFLINE_ACCESS = 'offline_access'

const RESOURCE = /^(https?):\/\/([^/?#\s]+)((?:\/[^?#\s]*)?)(\?[^#\s]*)?$/i

/** The downstream meant by every `resource` parameter of a request (none of them: the only downstream there is). */
export function canonicalResource(asked: readonly string[], downstreams: readonly Downstream[]): Downstream {
  // RFC 6749 section 3.1: a parameter without a value is a parameter left out.
  const named = new Set(asked.filter((resource) => resource !== '').map((resource) => meant(resource, downstreams)))
  const [first, ...others] = named.size > 0 ? named : downstreams
  if (first && others.length === 0) return first
  const fault =
    named.size > 0 ? 'The request names several resources: a token is for one of them' : 'The request names no resource'
  throw new OAuthError('invalid_target', `${fault}. Use one of: ${names(downstreams)}`)
}

/**
 * What a client gets that asks for nothing else; the scopes some tools need on top are asked for when one of those is called. There is one at
 * every server; where a client may have none of them, it has a person consent to the first that it may have.
 */
export function defaultScopes({ scopes, toolScopes = [] }: Downstream): readonly string[] {
  const plain = scopes.filter((scope) => !toolScopes.some(({ scope: needed }) => needed === scope))
  return plain.length > 0 ? plain : scopes.slice(0, 1)
}

/** Scopes a client may ask for, over all downstreams. */
export function supportedScopes(downstreams: readonly Downstream[]): readonly string[] {
  return [...new Set([...downstreams.flatMap(({ scopes }) => scopes), OFFLINE_ACCESS])]
}

function meant(resource: string, downstreams: readonly Downstream[]): Downstream {
  const asked = normalized(resource)
  const exact = downstreams.find((downstream) => namesOf(downstream).includes(asked?.url))
  // The origin means the only downstream there is.
  const onOrigin = downstreams.filter(({ resource: url }) => normalized(url)?.origin === asked?.url)
  const found = exact ?? (onOrigin.length === 1 ? onOrigin[0] : undefined)
  if (asked && found) return found
  const fault = resource.includes('#') ? 'A resource has no fragment' : 'This broker does not serve the resource that was named'
  throw new OAuthError('invalid_target', `${fault}. Use one of: ${names(downstreams)}`)
}

/** A downstream is meant by the address where it speaks HTTP+SSE too. */
function namesOf(downstream: Downstream): readonly (string | undefined)[] {
  const here = normalized(downstream.resource)
  return [here?.url, here && here.origin + ssePaths(downstream).stream]
}

/**
 * RFC 3986 section 6.2: case of scheme and host (6.2.2.1), default port (6.2.3), and one slash at the end. On the text, not by
 * a URL parser, which would also forgive backslashes, dot segments and `https:host`.
 */
function normalized(resource: string): { readonly url: string; readonly origin: string } | undefined {
  const [, scheme = '', authority = '', path = '', query = ''] = RESOURCE.exec(resource) ?? []
  if (authority === '') return undefined
  const origin = withoutPort(`${scheme}://${authority}`.toLowerCase())
  return { origin, url: origin + path.replace(/\/$/, '') + query }
}

/** Without the port that goes without saying. */
function withoutPort(origin: string): string {
  const port = origin.startsWith('https:') ? ':443' : ':80'
  return origin.endsWith(port) ? origin.slice(0, -port.length) : origin
}

function names(downstreams: readonly Downstream[]): string {
  return downstreams.map(({ resource }) => resource).join(' ')
}
