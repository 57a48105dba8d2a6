// The door for JSON-RPC bodies: what the broker decides by is read from a copy, and a body that two parsers could read
// differently does not get through.
//
// The bytes are forwarded untouched, so the downstream's parser reads them again. Where ours takes the last of two equal keys,
// another takes the first; Go's matches keys without regard to case. A decision about such a body would be about another one.
import { BACKSLASH, CLOSE_ARRAY, CLOSE_OBJECT, COLON, COMMA, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from './json-characters.ts'
import { McpRefusal } from './refusal.ts'
import { META } from './revision.ts'

/** The parts of one JSON-RPC message that anything here is decided by. */
export interface Message {
  readonly kind: 'request' | 'notification' | 'response'
  /** As the client spelled it, in JSON. */
  readonly id: string | undefined
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
  readonly meta: Readonly<Record<string, unknown>>
}

export interface Envelope {
  readonly isBatch: boolean
  readonly messages: readonly Message[]
}

/** Deep enough for any schema; a recursive parser of a downstream survives it. */
const MAX_DEPTH = 64

/** An id longer than this would be an amplifier: refusals and broken streams repeat it. */
const MAX_ID_LENGTH = 1024

/** It is kept for as long as its session, which is opened again with it; clients send a few hundred bytes. */
const MOST_OF_INITIALIZE = 256 * 1024

/** One object of the envelope: the keys that are known there, by their name and by the form that all its spellings share. */
interface Level {
  readonly exact: ReadonlyMap<string, Key>
  readonly folded: ReadonlyMap<string, Key>
}

interface Key {
  readonly name: string
  /** One of its own in its level. */
  readonly bit: number
  /** It means something here, and no other spelling of it may. */
  readonly isMeant: boolean
  /** Of an envelope object in turn. */
  readonly inner: Level | undefined
}

/** The keys of one object so far. */
interface Seen {
  bits: number
  others: Set<string> | undefined
}

// Keys that mean nothing here stand last: they are in nearly every message, and need not be folded.
const META_LEVEL = level([META.version], [META.clientInfo, META.capabilities])
const PARAMS = level(['_meta', 'name', 'uri', 'taskId', 'protocolVersion'], ['arguments'], { _meta: META_LEVEL })
const TOP = level(['jsonrpc', 'id', 'method', 'params', 'result', 'error'], [], { params: PARAMS })

// With `ignoreBOM` a byte order mark stays in the text, where JSON.parse refuses it: other parsers skip it or don't.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function openEnvelope(body: Uint8Array): Envelope {
  const text = decoded(body)
  const scan = new Scan(text)
  scan.value(0, TOP)
  const parsed = parse(text)
  if (!Array.isArray(parsed)) return { isBatch: false, messages: [bounded(message(parsed, scan.ids[0]), body)] }
  if (parsed.length === 0) throw new McpRefusal('invalid_message', 'a batch has at least one message')
  return { isBatch: true, messages: parsed.map((element: unknown, index) => bounded(message(element, scan.ids[index]), body)) }
}

function bounded(one: Message, body: Uint8Array): Message {
  if (one.method !== 'initialize' || body.length <= MOST_OF_INITIALIZE) return one
  throw new McpRefusal('body_too_large', `an initialize message may have ${MOST_OF_INITIALIZE} bytes`).for(one)
}

/** A message that `openEnvelope` has let through, alone and with this id: as it was read, and not judged again. */
export function readAgain(text: string, id: string | undefined): Message {
  return message(parse(text), id)
}

function decoded(body: Uint8Array): string {
  try {
    return utf8.decode(body)
  } catch {
    throw new McpRefusal('malformed_json', 'the body is not UTF-8')
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own words quote the body, which may hold a secret, and would end up in the log.
    throw new McpRefusal('malformed_json', 'the body is not JSON')
  }
}

/**
 * One pass over the text. It trusts the grammar, because JSON.parse judges that afterwards: on text that is no JSON the scan may
 * find anything, as long as it ends.
 */
class Scan {
  readonly #text: string
  #at = 0
  /** Raw ids of the messages, in their order; undefined where a message has none. */
  readonly ids: (string | undefined)[] = []

  constructor(text: string) {
    this.#text = text
  }

  value(depth: number, envelope: Level | undefined): void {
    const code = this.#next()
    if (envelope === undefined) this.#skipValue(depth)
    else if (code === OPEN_OBJECT) this.#object(depth + 1, envelope)
    // Only the top level may be an array of messages; `params` by position are refused later.
    else if (code === OPEN_ARRAY && envelope === TOP && depth === 0) this.#batch()
    else this.#skipValue(depth)
  }

  #batch(): void {
    this.#at++
    while (this.#at < this.#text.length && this.#next() !== CLOSE_ARRAY) {
      const start = this.#at
      const before = this.ids.length
      this.value(1, TOP)
      if (this.ids.length === before) this.ids.push(undefined)
      if (this.#next() === COMMA) this.#at++
      else if (this.#at === start) return
    }
  }

  #object(depth: number, envelope: Level): void {
    const seen: Seen = { bits: 0, others: undefined }
    const index = this.ids.length
    if (envelope === TOP) this.ids.push(undefined)
    this.#at++
    while (this.#next() === QUOTE) {
      const key = known(this.#key(), envelope, seen)
      if (this.#next() === COLON) this.#at++
      this.#next()
      const start = this.#at
      this.value(depth, key?.inner)
      if (envelope === TOP && key?.name === 'id') this.ids[index] = this.#text.slice(start, this.#at).trimEnd()
      if (this.#next() === COMMA) this.#at++
    }
    this.#at++
  }

  #key(): string {
    const start = this.#at
    this.#skipString()
    const plain = this.#text.slice(start + 1, this.#at - 1)
    if (!plain.includes('\\')) return plain
    const key = parse(this.#text.slice(start, this.#at))
    if (typeof key !== 'string' || !key.isWellFormed()) throw ambiguous('a key has half a surrogate pair')
    return key
  }

  /** Everything below the envelope: only depth counts there, and what is inside strings does not. */
  #skipValue(outer: number): void {
    const text = this.#text
    let depth = outer
    for (; this.#at < text.length; this.#at++) {
      const code = text.charCodeAt(this.#at)
      if (code === QUOTE) {
        this.#skipString()
        this.#at--
      } else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
        if (++depth > MAX_DEPTH) throw ambiguous(`it is nested deeper than ${MAX_DEPTH} levels`)
      } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
        if (depth === outer) return
        depth--
      } else if (code === COMMA && depth === outer) return
    }
  }

  /** From the opening quote to behind the closing one. */
  #skipString(): void {
    let end = this.#text.indexOf('"', this.#at + 1)
    while (end !== -1 && this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1)
    this.#at = end === -1 ? this.#text.length : end + 1
  }

  #isEscaped(quote: number): boolean {
    let first = quote
    while (this.#text.charCodeAt(first - 1) === BACKSLASH) first--
    return (quote - first) % 2 === 1
  }

  /** The next character that is no white space; NaN at the end. */
  #next(): number {
    let code = this.#text.charCodeAt(this.#at)
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = this.#text.charCodeAt(++this.#at)
    return code
  }
}

/** What a key is known as where it is spelled exactly so; throws where it comes twice, or could be taken for one that is known. */
function known(key: string, { exact, folded }: Level, seen: Seen): Key | undefined {
  const same = exact.get(key)
  const form = same ? '' : fold(key)
  const similar = same ?? folded.get(form)
  if (similar ? (seen.bits & similar.bit) !== 0 : seen.others?.has(form) === true) {
    throw ambiguous(`${shown(key)} occurs twice, or in two spellings`)
  }
  if (similar) seen.bits |= similar.bit
  else (seen.others ??= new Set()).add(form)
  if (similar?.isMeant === true && !same) throw ambiguous(`${shown(key)} could be read as "${similar.name}"`)
  return same
}

function message(value: unknown, id: string | undefined): Message {
  if (!isRecord(value)) throw invalid('a message is a JSON object')
  const { jsonrpc, method, id: idValue } = value
  // Clients in languages whose empty list is null say so where they have none, and most servers take it.
  const params = value['params'] ?? {}
  if (jsonrpc !== '2.0') throw invalid('a message says "jsonrpc": "2.0"')
  const isResponse = 'result' in value || 'error' in value
  const hasId = 'id' in value
  // An error about a message nobody could read has the id null (JSON-RPC 2.0 section 5); nothing else has.
  const idIsFine = typeof idValue === 'string' || typeof idValue === 'number' || (idValue === null && 'error' in value)
  if (hasId && (!idIsFine || (id?.length ?? 0) > MAX_ID_LENGTH))
    throw invalid('the id of a message is a short string or a number')
  if (isResponse) {
    if (method !== undefined || ('result' in value && 'error' in value)) throw ambiguous('it is a request and a response at once')
    return { kind: 'response', id, method: '', params: {}, meta: {} }
  }
  if (typeof method !== 'string') throw invalid('a message has a method, a result or an error')
  if (!method.isWellFormed()) throw ambiguous('its method has half a surrogate pair')
  if (!isRecord(params)) throw new McpRefusal('invalid_message', 'the params of a message are a JSON object').for({ id })
  for (const key of ['name', 'uri', 'taskId'] as const) {
    const named = params[key]
    if (typeof named === 'string' && !named.isWellFormed()) throw ambiguous(`params.${key} has half a surrogate pair`)
  }
  const meta = params['_meta']
  return { kind: hasId ? 'request' : 'notification', id, method, params, meta: isRecord(meta) ? meta : {} }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What spellings that a case-insensitive parser takes for one key have in common; ſ and the Kelvin sign are such spellings too. */
function fold(key: string): string {
  return key.toUpperCase().toLowerCase()
}

function level(meant: readonly string[], usual: readonly string[], inner: Readonly<Record<string, Level>> = {}): Level {
  const keys = [...meant, ...usual].map((name, index): Key => {
    return { name, bit: 1 << index, isMeant: index < meant.length, inner: inner[name] }
  })
  return {
    exact: new Map(keys.map((key) => [key.name, key])),
    folded: new Map(keys.map((key) => [fold(key.name), key])),
  }
}

function shown(key: string): string {
  return JSON.stringify(key.length > 40 ? `${key.slice(0, 40)}…` : key)
}

function ambiguous(why: string): McpRefusal {
  return new McpRefusal('ambiguous_json', `the message could be read in two ways: ${why}`)
}

function invalid(why: string): McpRefusal {
  return new McpRefusal('invalid_message', `the body is not a JSON-RPC message: ${why}`)
}
