// What the downstream learns about the person: identity headers made from the admission, and from nothing a client sent.
import { headerListItem, headerText } from '../../platform/header-text.ts'
import type { Vouched } from '../../session/contract/admission.ts'

/** A record, because every `Headers` made for a request on its way shows in what the way costs. */
export function identityHeaders(vouched: Vouched): Record<string, string> {
  const { identity, groups = identity.groups, authorization, idpAccessToken, headers: own } = vouched
  const known = lastSaid.get(identity)
  const said = known?.groups === groups ? known.headers : personHeaders(identity, groups)
  const headers = { ...said }
  if (idpAccessToken !== undefined) headers['x-forwarded-access-token'] = idpAccessToken
  if (authorization !== undefined) headers['authorization'] = authorization
  if (own !== undefined) Object.assign(headers, own)
  return headers
}

/** Of each identity what was last said of it: it is a new object whenever anything about it changes. */
const lastSaid = new WeakMap<
  Vouched['identity'],
  { readonly groups: readonly string[]; readonly headers: Record<string, string> }
>()

function personHeaders(identity: Vouched['identity'], told: readonly string[]): Record<string, string> {
  const { issuer, subject, email, name, groups } = identity
  // Always: a subject is somebody's of this issuer, and another one may have the same.
  const headers: Record<string, string> = { 'x-user-issuer': headerText(issuer) }
  set(headers, ['x-user-sub', 'x-forwarded-user'], headerText(subject))
  if (email !== undefined) set(headers, ['x-user-email', 'x-forwarded-email'], headerText(email))
  if (name !== undefined) set(headers, ['x-user-name', 'x-forwarded-name'], headerText(name))
  if (told.length > 0) headers['x-user-groups'] = told.map(headerListItem).join(',')
  if (told.length < groups.length) headers['x-user-groups-truncated'] = 'true'
  lastSaid.set(identity, { groups: told, headers })
  return headers
}

function set(headers: Record<string, string>, names: readonly string[], value: string): void {
  for (const name of names) headers[name] = value
}
