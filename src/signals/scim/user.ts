// A user as SCIM names one (RFC 7643 section 4.1): what decides about a person, and the rest as the provider sent it.
import { attribute, documentSchema, ScimError, textOf, USER_SCHEMA, type Document } from './message.ts'

/** What the broker reads of it. */
export interface ScimUser {
  readonly userName: string
  /** The `sub` of the person's ID tokens (at Entra their `oid`); absent: nobody is meant yet. */
  readonly externalId: string | undefined
  readonly active: boolean
  readonly document: Document
}

/** In characters; the subject is bounded as that of an ID token. */
const LONGEST = { userName: 512, externalId: 512, document: 32_768 }
/** Never kept: secrets, and what the server itself says (RFC 7643 section 3.1; `groups` is read-only). */
const NOT_KEPT: readonly string[] = ['password', 'id', 'meta', 'groups', 'schemas', 'username', 'externalid', 'active']

/** `before` is what it was, where this takes its place: whoever leaves `active` out does not let anybody in again. */
export function userIn(document: Document, before?: Pick<ScimUser, 'active'>): ScimUser {
  const userName = textOf(document, 'userName', LONGEST.userName)
  if (userName === undefined) throw new ScimError(400, 'userName is missing', 'invalidValue')
  const kept = Object.fromEntries(Object.entries(document).filter(([key]) => !NOT_KEPT.includes(key.toLowerCase())))
  if (JSON.stringify(kept).length > LONGEST.document) throw new ScimError(413, 'a user may have 32 KiB', 'tooMany')
  return {
    userName,
    externalId: textOf(document, 'externalId', LONGEST.externalId),
    active: activeIn(attribute(document, 'active')) ?? before?.active ?? true,
    document: kept,
  }
}

/** As it can be changed by PATCH. */
export function wholeUser({ userName, externalId, active, document }: ScimUser): Document {
  return { userName, ...(externalId !== undefined && { externalId }), active, ...document }
}

/** Entra sends the word, with a capital, and some senders a list of one. What is neither yes nor no must not be taken for either. */
function activeIn(value: unknown): boolean | undefined {
  if (value === undefined || value === null) return undefined
  if (Array.isArray(value) && value.length === 1) return activeIn(documentSchema.safeParse(value[0]).data?.['value'] ?? value[0])
  const word = typeof value === 'string' ? value.toLowerCase() : JSON.stringify(value)
  if (word === 'true' || word === 'false') return word === 'true'
  throw new ScimError(400, 'active must be true or false', 'invalidValue')
}

/** As stored. */
export interface StoredUser extends ScimUser {
  readonly id: string
  /** Unix seconds. */
  readonly createdAt: number
  readonly changedAt: number
  readonly groups: readonly { readonly id: string; readonly name: string }[]
}

/** `base` is where SCIM of this provider is. */
export function presentedUser(user: StoredUser, base: string): Document {
  const { id, groups, createdAt, changedAt } = user
  const extensions = Object.keys(user.document).filter((key) => key.startsWith('urn:'))
  return {
    schemas: [USER_SCHEMA, ...extensions],
    id,
    ...wholeUser(user),
    groups: groups.map((group) => ({ value: group.id, display: group.name, $ref: `${base}/Groups/${group.id}` })),
    meta: metaOf('User', `${base}/Users/${id}`, createdAt, changedAt),
  }
}

export function metaOf(resourceType: string, location: string, createdAt: number, changedAt: number): Document {
  const [created, lastModified] = [createdAt, changedAt].map((at) => new Date(at * 1000).toISOString())
  return { resourceType, created, lastModified, location }
}
