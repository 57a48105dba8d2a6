// Headers that repeat what a body says (MCP 2026-07-28, "Standard Request Headers", SEP-2243): names, and parameters a tool asks for.

/** A parameter of a tool that is repeated in `Mcp-Param-<header>`. */
export interface ParamHeader {
  /** Names of members of `arguments`, outermost first. */
  readonly at: readonly string[]
  readonly header: string
}

const ANNOTATION = 'x-mcp-header'
/** RFC 9110 section 5.6.2. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/
const TYPES: readonly unknown[] = ['string', 'integer', 'boolean']
/** No schema of a tool is nested deeper, and what is has no header in it. */
const MAX_DEPTH = 64

interface Place {
  readonly schema: unknown
  readonly at: readonly string[]
  /** By a chain of `properties` alone. */
  readonly isReachable: boolean
  readonly depth: number
}

/**
 * The headers a tool asks for; undefined where it does so in a way that makes its definition invalid: elsewhere than on a property, for a
 * value that no header can repeat, under a name that is no token or is there twice.
 */
export function paramHeadersIn(inputSchema: unknown): readonly ParamHeader[] | undefined {
  const found: ParamHeader[] = []
  const names = new Set<string>()
  const places: Place[] = [{ schema: inputSchema, at: [], isReachable: true, depth: 0 }]
  for (let place = places.pop(); place; place = places.pop()) {
    const { schema, at, isReachable, depth } = place
    if (depth > MAX_DEPTH) continue
    if (Array.isArray(schema)) {
      for (const inner of schema) places.push({ schema: inner, at, isReachable: false, depth: depth + 1 })
      continue
    }
    if (!isObject(schema)) continue
    if (isReachable && Object.hasOwn(schema, ANNOTATION)) {
      const header = schema[ANNOTATION]
      const isFine = at.length > 0 && typeof header === 'string' && TOKEN.test(header) && TYPES.includes(schema['type'])
      if (!isFine || names.has(header.toLowerCase())) return undefined
      names.add(header.toLowerCase())
      found.push({ at, header })
    } else if (Object.hasOwn(schema, ANNOTATION)) return undefined
    for (const [keyword, inner] of Object.entries(schema)) {
      if (keyword === ANNOTATION || VALUES.includes(keyword)) continue
      const isProperties = keyword === 'properties' && isObject(inner)
      for (const [name, property] of isProperties ? Object.entries(inner) : [])
        places.push({ schema: property, at: [...at, name], isReachable, depth: depth + 1 })
      const isByName = BY_NAME.includes(keyword) && isObject(inner)
      for (const one of isByName ? Object.values(inner) : [])
        places.push({ schema: one, at, isReachable: false, depth: depth + 1 })
      if (!isProperties && !isByName) places.push({ schema: inner, at, isReachable: false, depth: depth + 1 })
    }
  }
  return found
}

/** Keywords whose values are no schemas: an annotation in there is somebody's data. */
const VALUES: readonly string[] = ['const', 'enum', 'default', 'examples']
/** Keywords whose values are schemas by name. */
const BY_NAME: readonly string[] = ['patternProperties', 'dependentSchemas', '$defs', 'definitions']

/** Of the arguments of a call; what is not there, or no single value, has none. */
export function paramHeaders(declared: readonly ParamHeader[], given: unknown): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {}
  for (const { at, header } of declared) {
    let value = given
    for (const name of at) value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
    const isValue = typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value)
    if (isValue) headers[`mcp-param-${header}`] = headerValue(String(value))
  }
  return headers
}

/** As a header can carry it; in Base64 where it could not, or would be taken for that. */
export function headerValue(text: string): string {
  const isPlain = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(text)
  if (isPlain && !(text.startsWith('=?base64?') && text.endsWith('?='))) return text
  const bytes = new TextEncoder().encode(text)
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return `=?base64?${btoa(binary)}?=`
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
