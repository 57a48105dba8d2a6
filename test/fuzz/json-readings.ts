// A JSON parser that keeps every member of an object in its order, to read one text as different parsers would.
// It stands beside the product's own scanner as an oracle, so it shares no code with it.

export type Json =
  | { readonly kind: 'object'; readonly members: readonly (readonly [key: string, value: Json])[] }
  | { readonly kind: 'array'; readonly elements: readonly Json[] }
  | { readonly kind: 'scalar'; readonly raw: string }

/** Of several members of one name, which one a parser takes. */
export type Reading = (members: readonly (readonly [key: string, value: Json])[], name: string) => Json | undefined

export const READINGS: Readonly<Record<string, Reading>> = {
  'the last member': (members, name) => members.findLast(([key]) => key === name)?.[1],
  'the first member': (members, name) => members.find(([key]) => key === name)?.[1],
  'the last member in any case': (members, name) => members.findLast(([key]) => isSpelling(key, name))?.[1],
  'the first member in any case': (members, name) => members.find(([key]) => isSpelling(key, name))?.[1],
}

export function memberAt(value: Json | undefined, path: readonly string[], reading: Reading): Json | undefined {
  const [name, ...rest] = path
  if (name === undefined) return value
  return value?.kind === 'object' ? memberAt(reading(value.members, name), rest, reading) : undefined
}

/** Go's encoding/json folds by Unicode's simple folding. */
function isSpelling(key: string, name: string): boolean {
  return key.toLowerCase() === name.toLowerCase() || key.toUpperCase() === name.toUpperCase()
}

/** The text has to be JSON: JSON.parse has said so before. */
export function readJson(text: string): Json {
  let at = 0
  const space = (): void => {
    while (' \n\r\t'.includes(text[at] ?? '-')) at += 1
  }
  const string = (): string => {
    const start = at
    for (at += 1; text[at] !== '"'; at += 1) if (text[at] === '\\') at += 1
    at += 1
    return text.slice(start, at)
  }
  const list = <Item>(end: string, item: () => Item): Item[] => {
    const items: Item[] = []
    at += 1
    for (space(); text[at] !== end; space()) {
      items.push(item())
      space()
      if (text[at] === ',') at += 1
    }
    at += 1
    return items
  }
  const value = (): Json => {
    space()
    if (text[at] === '{') return { kind: 'object', members: list('}', member) }
    if (text[at] === '[') return { kind: 'array', elements: list(']', value) }
    if (text[at] === '"') return { kind: 'scalar', raw: string() }
    const start = at
    while (at < text.length && !',]} \n\r\t'.includes(text[at] ?? '')) at += 1
    return { kind: 'scalar', raw: text.slice(start, at) }
  }
  const member = (): readonly [string, Json] => {
    space()
    const key = String(JSON.parse(string()))
    space()
    at += 1
    return [key, value()]
  }
  return value()
}
