// Changes to JSON as text: what is not named keeps every byte, because nothing is written anew.
//
// A bridge between two revisions adds, replaces and takes away a few members of messages that are somebody else's. Parsed and
// written again, a number above 2^53 would be another one, and a member that two readers take differently would be decided.
import { CLOSE_ARRAY, COLON, COMMA, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from '../message/json-characters.ts'
import { JsonCursor } from '../message/json-cursor.ts'

/** One change to one member of nested objects. */
export interface JsonChange {
  /** Names of members, outermost first; at least one. */
  readonly at: readonly string[]
  /**
   * JSON that takes the place of the member or is added, with the objects it stands in; undefined takes the member away. A function is
   * given the JSON of a member that is there, and decides by it.
   */
  readonly to: string | undefined | ((raw: string) => string | undefined)
}

/**
 * The text with these changes. It has to be JSON, which nobody judges here. A member that stands there twice is changed as a whole: one is
 * left where it is set, and none where it is taken away. What is not an object has no members; one is set all the same, in its place.
 */
export function editJson(text: string, changes: readonly JsonChange[]): string {
  if (changes.length === 0) return text
  return new JsonText(text).edited(treeOf(changes))
}

/** The JSON of a member, as spelled; of two of the same name the last, which is the one JSON.parse takes. */
export function memberOf(text: string, at: readonly string[]): string | undefined {
  let raw: string | undefined = text
  for (const name of at)
    raw = raw === undefined ? undefined : new JsonText(raw).members()?.findLast(({ key }) => key === name)?.raw
  return raw
}

/** The members of an object, as spelled and in their order; undefined for what is no object. */
export function membersOf(text: string): readonly (readonly [name: string, raw: string])[] | undefined {
  return new JsonText(text).members()?.map(({ key, raw }) => [key, raw] as const)
}

/** The elements of a list, as spelled; undefined for what is no list. */
export function elementsOf(text: string): readonly string[] | undefined {
  return new JsonText(text).elements()
}

interface Node {
  readonly inner: Map<string, Node>
  change: Pick<JsonChange, 'to'> | undefined
}

interface Member {
  readonly key: string
  /** Of the quote the key begins with. */
  readonly start: number
  readonly valueStart: number
  readonly end: number
  readonly raw: string
}

function treeOf(changes: readonly JsonChange[]): Node {
  const root: Node = { inner: new Map(), change: undefined }
  for (const { at, to } of changes) {
    let node = root
    for (const name of at) {
      const next = node.inner.get(name) ?? { inner: new Map<string, Node>(), change: undefined }
      node.inner.set(name, next)
      node = next
    }
    node.change = { to }
  }
  return root
}

/** What a node comes to where there was nothing before; undefined where it only takes away, or changes what is there. */
function built(node: Node): string | undefined {
  if (node.change) return typeof node.change.to === 'string' ? node.change.to : undefined
  const members = [...node.inner].flatMap(([key, inner]) => {
    const value = built(inner)
    return value === undefined ? [] : [`${JSON.stringify(key)}:${value}`]
  })
  return members.length > 0 ? `{${members.join(',')}}` : undefined
}

/** One pass over text that is known to be JSON, so the grammar is trusted. How deep it is nested takes no stack, only how deep a change is. */
class JsonText extends JsonCursor {
  edited(node: Node): string {
    const members = this.members()
    if (!members) return built(node) ?? this.text
    const isThere = (key: string): boolean => members.some((member) => member.key === key)
    const added = [...node.inner].flatMap(([key, inner]) => {
      const value = isThere(key) ? undefined : built(inner)
      return value === undefined ? [] : [`${JSON.stringify(key)}:${value}`]
    })
    return this.#joined(members, (member) => valueOf(member, members, node), added)
  }

  members(): readonly Member[] | undefined {
    if (this.next() !== OPEN_OBJECT) return undefined
    const text = this.text
    const members: Member[] = []
    this.at++
    while (this.next() === QUOTE) {
      const start = this.at
      this.skipString()
      const spelled = text.slice(start, this.at)
      const key = spelled.includes('\\') ? String(JSON.parse(spelled)) : spelled.slice(1, -1)
      if (this.next() === COLON) this.at++
      this.next()
      const valueStart = this.at
      this.skip()
      members.push({ key, start, valueStart, end: this.at, raw: text.slice(valueStart, this.at) })
      if (this.next() === COMMA) this.at++
    }
    return members
  }

  elements(): readonly string[] | undefined {
    if (this.next() !== OPEN_ARRAY) return undefined
    const elements: string[] = []
    this.at++
    while (this.at < this.text.length && this.next() !== CLOSE_ARRAY) {
      const start = this.at
      this.skip()
      elements.push(this.text.slice(start, this.at))
      if (this.next() === COMMA) this.at++
    }
    return elements
  }

  /** What stands between two members that stay is left; what goes takes the comma before it along, or at the beginning the one behind it. */
  #joined(members: readonly Member[], valueIn: (member: Member) => string | undefined, added: readonly string[]): string {
    const text = this.text
    const [first] = members
    const last = members.at(-1)
    if (!first || !last) {
      const open = text.indexOf('{') + 1
      return added.length === 0 ? text : text.slice(0, open) + added.join(',') + text.slice(open)
    }
    let written = text.slice(0, first.start)
    let isFirst = true
    let before = first
    for (const member of members) {
      const value = valueIn(member)
      if (value !== undefined) {
        if (!isFirst) written += text.slice(before.end, member.start)
        written += text.slice(member.start, member.valueStart) + value
        isFirst = false
      }
      before = member
    }
    for (const member of added) {
      written += isFirst ? member : `,${member}`
      isFirst = false
    }
    return written + text.slice(last.end)
  }
}

/** Undefined for one that goes. */
function valueOf(member: Member, members: readonly Member[], { inner: nodes }: Node): string | undefined {
  const inner = nodes.get(member.key)
  if (!inner) return member.raw
  // A change as a whole leaves one of the name; one inside is made in each.
  if (inner.change && members.findLast(({ key }) => key === member.key) !== member) return undefined
  return changed(member.raw, inner)
}

function changed(raw: string, { change, inner }: Node): string | undefined {
  if (!change) return editedInside(raw, inner)
  return typeof change.to === 'function' ? change.to(raw) : change.to
}

function editedInside(raw: string, inner: Node['inner']): string {
  return new JsonText(raw).edited({ inner, change: undefined })
}
