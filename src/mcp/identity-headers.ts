// What the downstream learns about the person: identity headers made from the admission, and from nothing a client sent.
import type { Vouched } from '../session/admission.ts'

/** Everything but printable ASCII, and the two characters that mean something in these values themselves. */
const NEEDS_ENCODING = /[^\x20-\x7e]|%/gu
const NEEDS_ENCODING_IN_LIST = /[^\x20-\x7e]|[%,]/gu

/** A record, because every `Headers` made for a request on its way shows in what the way costs. */
export function identityHeaders({ identity, authorization, idpAccessToken, headers: own }: Vouched): Record<string, string> {
  const { issuer, subject, email, name, groups } = identity
  // Always: a subject is somebody's of this issuer, and another one may have the same.
  const headers: Record<string, string> = { 'x-user-issuer': encoded(issuer, NEEDS_ENCODING) }
  set(headers, ['x-user-sub', 'x-forwarded-user'], encoded(subject, NEEDS_ENCODING))
  if (email !== undefined) set(headers, ['x-user-email', 'x-forwarded-email'], encoded(email, NEEDS_ENCODING))
  if (name !== undefined) set(headers, ['x-user-name', 'x-forwarded-name'], encoded(name, NEEDS_ENCODING))
  if (groups.length > 0) set(headers, ['x-user-groups'], groups.map((group) => encoded(group, NEEDS_ENCODING_IN_LIST)).join(','))
  if (idpAccessToken !== undefined) headers['x-forwarded-access-token'] = idpAccessToken
  if (authorization !== undefined) headers['authorization'] = authorization
  if (own !== undefined) Object.assign(headers, own)
  return headers
}

function set(headers: Record<string, string>, names: readonly string[], value: string): void {
  for (const name of names) headers[name] = value
}

/** Percent-encoded UTF-8. Spaces stay, unless they are at an end, where HTTP would take them away. */
function encoded(value: string, needsEncoding: RegExp): string {
  return value
    .toWellFormed()
    .replaceAll(needsEncoding, (character) => encodeURIComponent(character))
    .replaceAll(/^ +| +$/g, (spaces) => '%20'.repeat(spaces.length))
}
