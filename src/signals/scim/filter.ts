// The filters providers ask with (RFC 7644 section 3.4.2.2): one attribute equals a value, or several of them do.
import { ScimError } from './message.ts'

export interface Condition {
  /** As spelled in lower case, e.g. `username`, `members.value`. */
  readonly attribute: string
  readonly value: string | boolean
}

const MOST_CHARACTERS = 1_024
const MOST_CONDITIONS = 4
/** An attribute, `eq`, and a JSON string or a boolean. */
const CLAUSE = /^\s*([A-Za-z][\w$.:-]*)\s+eq\s+("(?:[^"\\]|\\.)*"|true|false)\s*/i
const AND = /^and\s+/i

/** All of them have to hold; throws for what is not understood, because to take it for everything would name the wrong person. */
export function conditionsIn(filter: string): readonly Condition[] {
  if (filter.length > MOST_CHARACTERS) throw unknown()
  const conditions: Condition[] = []
  let rest = filter
  do {
    const [whole, attribute, value] = CLAUSE.exec(rest) ?? []
    if (whole === undefined || attribute === undefined || value === undefined) throw unknown()
    conditions.push({ attribute: withoutSchema(attribute).toLowerCase(), value: valueIn(value) })
    rest = rest.slice(whole.length)
    const [and] = AND.exec(rest) ?? []
    if (rest !== '' && and === undefined) throw unknown()
    rest = rest.slice(and?.length ?? 0)
    if (and !== undefined && rest === '') throw unknown()
  } while (rest !== '' && conditions.length < MOST_CONDITIONS)
  if (rest !== '') throw unknown()
  return conditions
}

/** Attributes may be spelled with the schema they belong to (RFC 7644 section 3.10). */
export function withoutSchema(attribute: string): string {
  return attribute.replace(/^urn:ietf:params:scim:schemas:core:2\.0:(?:User|Group):/i, '')
}

function valueIn(text: string): string | boolean {
  if (!text.startsWith('"')) return text.toLowerCase() === 'true'
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'string') return value
  } catch {
    // Said below: no JSON string.
  }
  throw unknown()
}

function unknown(): ScimError {
  return new ScimError(400, 'only filters of the form: attribute eq "value", joined by “and”, are understood', 'invalidFilter')
}
