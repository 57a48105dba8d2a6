// What every SCIM message has in common (RFC 7643, RFC 7644): names of schemas, attributes without case, errors.
import * as z from 'zod'

export const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User'
export const GROUP_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Group'
const LIST_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'
export const ERROR_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:Error'
/** RFC 7644 section 3.1; providers send `application/json` as well. */
export const SCIM_MEDIA_TYPE = 'application/scim+json'

/** A resource as it was sent: what the broker has no use for is kept, because a provider compares. */
export type Document = Readonly<Record<string, unknown>>

export const documentSchema = z.record(z.string(), z.unknown())

export type ScimErrorType =
  | 'invalidFilter'
  | 'uniqueness'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue'
  | 'tooMany'

/** RFC 7644 section 3.12. */
export class ScimError extends Error {
  readonly status: 400 | 401 | 403 | 404 | 409 | 413
  readonly scimType: ScimErrorType | undefined

  constructor(status: ScimError['status'], message: string, scimType?: ScimErrorType) {
    super(message)
    this.status = status
    this.scimType = scimType
  }
}

export function noSuchResource(): ScimError {
  return new ScimError(404, 'there is no such resource')
}

/** Names of attributes have no case (RFC 7643 section 2.1); undefined where it is absent. */
export function attribute(document: Document, name: string): unknown {
  const key = keyOf(document, name)
  return key === undefined ? undefined : document[key]
}

/** How the document spells it. */
export function keyOf(document: Document, name: string): string | undefined {
  if (Object.hasOwn(document, name)) return name
  return Object.keys(document).find((key) => key.toLowerCase() === name.toLowerCase())
}

/** Undefined where it is absent, null or empty (RFC 7643 section 2.5: all the same). Throws where it is no text, or too long. */
export function textOf(document: Document, name: string, longest: number): string | undefined {
  const value = attribute(document, name)
  if (value === undefined || value === null || value === '') return undefined
  // A number is sent by scripts for an id; what it says is clear.
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value
  if (typeof text !== 'string' || text.length > longest)
    throw new ScimError(400, `${name} must be a text of at most ${longest} characters`, 'invalidValue')
  return text
}

/** A page of results (RFC 7644 section 3.4.2.4); `startIndex` counts from 1. */
export function listOf(resources: readonly Document[], total: number, startIndex: number): Document {
  return { schemas: [LIST_SCHEMA], totalResults: total, startIndex, itemsPerPage: resources.length, Resources: resources }
}

/** Without what the client did not ask for: `attributes` and `excludedAttributes` (RFC 7644 section 3.9), of the first level. */
export function withAttributes(document: Document, only: readonly string[], without: readonly string[]): Document {
  const entries = Object.entries(document).filter(
    ([key]) => ALWAYS.includes(key) || ((only.length === 0 || isNamed(only, key)) && !isNamed(without, key)),
  )
  return Object.fromEntries(entries)
}

function isNamed(names: readonly string[], key: string): boolean {
  return names.some((name) => name.split('.')[0]?.toLowerCase() === key.toLowerCase())
}

const ALWAYS: readonly string[] = ['schemas', 'id']
