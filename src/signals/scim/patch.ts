// PATCH (RFC 7644 section 3.5.2) as Okta and Entra send it: operations in any case, paths inside values, booleans as text.
import * as z from 'zod'
import { conditionsIn, withoutSchema, type Condition } from './filter.ts'
import { attribute, documentSchema, keyOf, ScimError, type Document } from './message.ts'

export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove'
  /** Absent: the value names the attributes. */
  readonly path: Path | undefined
  readonly value: unknown
}

interface Path {
  /** The schema of an extension, where its attributes stand in an object of that name. */
  readonly extension: string | undefined
  readonly attribute: string
  /** Which values of an attribute that has several. */
  readonly where: readonly Condition[] | undefined
  readonly sub: string | undefined
}

/** Entra sends at most 1,000 members in one of them, Okta fewer. */
const MOST_OPERATIONS = 2_000

const patchSchema = z.object({
  operations: z
    .array(
      z.record(z.string(), z.unknown()).transform((operation) => ({
        op: attribute(operation, 'op'),
        path: attribute(operation, 'path'),
        value: attribute(operation, 'value'),
      })),
    )
    .min(1)
    .max(MOST_OPERATIONS),
})

const kinds = z.enum(['add', 'replace', 'remove'])

export function operationsIn(body: Document): readonly PatchOperation[] {
  const { data } = patchSchema.safeParse({ operations: attribute(body, 'Operations') })
  if (!data) throw new ScimError(400, 'the body needs Operations: a list of at most 2,000', 'invalidSyntax')
  return data.operations.flatMap(({ op, path, value }) => {
    const kind = kinds.safeParse(typeof op === 'string' ? op.toLowerCase() : op).data
    if (!kind) throw new ScimError(400, 'op must be add, replace or remove', 'invalidSyntax')
    if (path !== undefined && path !== null && path !== '') return [{ op: kind, path: pathIn(path), value }]
    if (kind === 'remove') throw new ScimError(400, 'remove needs a path', 'noTarget')
    // Each name in the value is a path by itself: Okta and Entra write "name.givenName" there as well.
    const named = documentSchema.safeParse(value).data
    if (!named) throw new ScimError(400, 'without a path the value must be an object', 'invalidValue')
    return Object.entries(named).map(([name, each]) => ({ op: kind, path: pathIn(name), value: each }))
  })
}

const PATH = /^([A-Za-z][\w$-]*)(?:\[(.+)\])?(?:\.([A-Za-z][\w$-]*))?$/
/** As in urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department: the schema ends with its version and the resource. */
const EXTENSION = /^urn:(?:[\w-]+:){1,8}\d\.\d:\w+/i

function pathIn(path: unknown): Path {
  if (typeof path !== 'string' || path.length > 1_024) throw noPath()
  const plain = withoutSchema(path)
  const [extension] = EXTENSION.exec(plain) ?? []
  if (extension === plain) return { extension: undefined, attribute: extension, where: undefined, sub: undefined }
  const inside = extension === undefined ? plain : plain.slice(extension.length + 1)
  const [, name, where, sub] = PATH.exec(inside) ?? []
  if (name === undefined) throw noPath()
  return { extension, attribute: name, where: where === undefined ? undefined : conditionsIn(where), sub }
}

function noPath(): ScimError {
  return new ScimError(400, 'this path is not understood', 'invalidPath')
}

/** The document after all operations; the given one is left as it is. */
export function patched(document: Document, operations: readonly PatchOperation[]): Document {
  return operations.reduce((current, operation) => applied(current, operation), document)
}

function applied(document: Document, { op, path, value }: PatchOperation): Document {
  if (!path) return document
  const { extension, ...inside } = path
  if (extension === undefined) return changed(document, inside.attribute, (before) => next(before, op, inside, value))
  return changed(document, extension, (before) =>
    applied(objectIn(before), { op, path: { extension: undefined, ...inside }, value }),
  )
}

/** With one attribute changed, in the place and the spelling it has; undefined takes it out. */
function changed(document: Document, name: string, change: (before: unknown) => unknown): Document {
  const key = keyOf(document, name)
  const after = change(key === undefined ? undefined : document[key])
  const entries = Object.entries(document)
  if (key === undefined) return Object.fromEntries(after === undefined ? entries : [...entries, [name, after]])
  return Object.fromEntries(
    entries.flatMap(([each, value]) => (each === key ? (after === undefined ? [] : [[each, after]]) : [[each, value]])),
  )
}

function next(before: unknown, op: PatchOperation['op'], { where, sub }: Omit<Path, 'extension'>, value: unknown): unknown {
  if (where) return ofMatching(arrayIn(before), op, where, sub, value)
  if (sub !== undefined) return ofSub(before, op, sub, value)
  if (op === 'remove') return without(before, value)
  return op === 'add' ? joined(before, value) : value
}

function ofSub(before: unknown, op: PatchOperation['op'], sub: string, value: unknown): unknown {
  const change = (one: unknown): Document => changed(objectIn(one), sub, () => (op === 'remove' ? undefined : value))
  return Array.isArray(before) ? before.map(change) : change(before)
}

function ofMatching(
  before: readonly unknown[],
  op: PatchOperation['op'],
  where: readonly Condition[],
  sub: string | undefined,
  value: unknown,
): readonly unknown[] {
  const change = (one: unknown): unknown => {
    if (sub !== undefined) return ofSub(one, op, sub, value)
    return op === 'remove' ? undefined : { ...objectIn(one), ...objectIn(value) }
  }
  const after = before.map((one) => (matches(one, where) ? change(one) : one)).filter((one) => one !== undefined)
  if (op === 'remove' || before.some((one) => matches(one, where))) return after
  // Entra replaces the work address of somebody who has none yet, and expects it to be there afterwards.
  const described = Object.fromEntries(where.map((condition) => [condition.attribute, condition.value]))
  return [...after, change(described)]
}

function matches(one: unknown, where: readonly Condition[]): boolean {
  const element = objectIn(one)
  return where.every(({ attribute: name, value }) => {
    const found = attribute(element, name)
    return typeof found === 'string' && typeof value === 'string' ? found.toLowerCase() === value.toLowerCase() : found === value
  })
}

/** `add` to what has several values appends those that are new; to an object it adds members. */
function joined(before: unknown, value: unknown): unknown {
  if (Array.isArray(before)) {
    const known = new Set(before.map((one) => JSON.stringify(one)))
    return [...before, ...arrayIn(value).filter((one) => !known.has(JSON.stringify(one)))]
  }
  const [old, added] = [documentSchema.safeParse(before).data, documentSchema.safeParse(value).data]
  return old && added ? { ...old, ...added } : value
}

/** Entra names in the value what is to be taken out of a list; nothing named means all of it. */
function without(before: unknown, value: unknown): unknown {
  if (!Array.isArray(before) || value === undefined || value === null) return undefined
  const named = new Set(arrayIn(value).map((one) => JSON.stringify(valueOf(one))))
  return before.filter((one) => !named.has(JSON.stringify(valueOf(one))))
}

/** What identifies an element of a list (RFC 7643 section 2.4). */
function valueOf(one: unknown): unknown {
  const value = attribute(objectIn(one), 'value')
  return value === undefined ? one : value
}

function arrayIn(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  return value === undefined || value === null ? [] : [value]
}

function objectIn(value: unknown): Document {
  return documentSchema.safeParse(value).data ?? {}
}
