// Groups as providers write them, under whatever claim the settings name: lists, texts, and objects of several kinds.
import * as z from 'zod'

const list = z.array(z.unknown())
const fields = z.record(z.string(), z.unknown())

/**
 * Members of a list; of an object that describes one group (`value` as in SCIM, or `name`, `id`, `display`) that; of any other object the keys that
 * hold something (as Zitadel has roles); of a text what stands between its commas. A space is part of a name, for it often is.
 */
export function groupsIn(claim: unknown): readonly string[] | undefined {
  if (typeof claim === 'string') return textsIn(claim)
  const listed = list.safeParse(claim).data
  if (listed) return listed.flatMap(nameOf)
  const described = nameOf(claim)
  if (described.length > 0) return described
  const keys = fields.safeParse(claim).data
  return keys && Object.keys(keys).filter((key) => isHeld(keys[key]))
}

function nameOf(one: unknown): readonly string[] {
  if (typeof one === 'string') return [one]
  if (typeof one === 'number' && Number.isSafeInteger(one)) return [String(one)]
  const { value, name, id, display } = fields.safeParse(one).data ?? {}
  return [value, name, id, display].filter((text) => typeof text === 'string').slice(0, 1)
}

function isHeld(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== 0 && value !== ''
}

/** A list that became a text: of JSON (`["a","b"]`), or as Amazon Cognito writes it (`[a, b]`). The name in a directory (`CN=a,OU=b`) is one. */
function textsIn(text: string): readonly string[] {
  const inner = /^\s*\[(.*)\]\s*$/s.exec(text)?.[1]
  if (inner !== undefined) return jsonList(text) ?? split(inner)
  return /^\s*(?:CN|OU|DC|UID)=/i.test(text) ? [text.trim()] : split(text)
}

function jsonList(text: string): readonly string[] | undefined {
  try {
    return list.parse(JSON.parse(text)).flatMap(nameOf)
  } catch {
    return undefined
  }
}

function split(text: string): readonly string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
}
