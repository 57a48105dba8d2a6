// Takes secrets out of recorded messages: by the name of the field they stand in, by their look, and by value where they are known.
//
// A message is JSON, and is read as such; of what is none only its size is kept. Whoever is recorded chooses the text, so nothing
// here looks at a character more than a few times.
import { BoundedMap } from '../../platform/bounded-map.ts'
import { redact } from '../../platform/redact.ts'
import type { WireEntry } from '../contract/recording.ts'

const GONE = '[redacted]'

/** In names of fields that hold credentials somewhere, written without what parts words. */
const SECRET_WORD =
  /token|secret|passw|passphrase|authorization|cookie|credential|(?:api|access|private|signing|encryption|shared|account)key|connectionstring|assertion|verifier|signature/
const PARTING = /[-_.\s]/g
/** Names that mean a secret only where a text stands behind them; an error has a number for its code. */
const SHORT_NAMES: readonly string[] = ['code', 'state', 'nonce', 'otp', 'pin', 'pwd', 'sig', 'auth', 'jwt', 'bearer']
/** SignedTokens, also the beginning of one: what was cut off is shorter than telemetry looks for. */
const ENVELOPE = /eyJ[\w-]{6,}[\w.-]*|eyJ[\w-]{0,5}$/g
/** Shorter ones would be found in words. */
const SHORTEST_SECRET = 8
/** JSON in a text in JSON counts too. */
const DEEPEST = 128

const LONGEST_NAME = 300

/** What an entry says, and apart from it its messages. */
export interface Redacted {
  readonly facts: Omit<WireEntry, 'request' | 'answer'>
  readonly request: string | undefined
  readonly answer: string | undefined
}

/** Names too: a client may put anything where a tool is named. Messages that nobody asked for do not come in, whoever sent them. */
export function redactEntries(
  entries: readonly WireEntry[],
  secrets: readonly string[],
  keepsMessages: boolean,
): readonly Redacted[] {
  // The same few for all of them.
  const known = new Map<string, string>()
  const name = (text: string | undefined): string | undefined => {
    if (text === undefined) return undefined
    const before = known.get(text)
    if (before !== undefined) return before
    const made = redactName(text.slice(0, LONGEST_NAME), secrets)
    known.set(text, made)
    return made
  }
  const message = (text: string | undefined): string | undefined => text && redactMessage(text, secrets)
  return entries.map(({ request, answer, ...facts }) => {
    const { method, about, refusal } = facts
    const told = { ...facts, method: name(method), about: name(about), refusal: refusal && redact(refusal) }
    return keepsMessages
      ? { facts: told, request: message(request), answer: message(answer) }
      : { facts: told, request: undefined, answer: undefined }
  })
}

/** `known` are secrets by value. */
export function redactMessage(text: string, known: readonly string[]): string {
  const parsed = jsonOf(text)
  if (!parsed) return sizeOf(text)
  return JSON.stringify(clean(parsed.value, known, 0))
}

/** What is no message: a method, or whatever a client put where a tool is named. It may have been cut off at its end. */
export function redactName(text: string, known: readonly string[]): string {
  return byLook(withoutBeginnings(withoutKnown(text, known), known))
}

/** Changes what it is given: nobody else has it. */
function clean(value: unknown, known: readonly string[], depth: number): unknown {
  if (depth > DEEPEST) return GONE
  if (typeof value === 'string') return cleanText(value, known, depth)
  if (Array.isArray(value)) return cleanList(value, known, depth)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  // As headers are listed: the name of the field is itself a value.
  const isNamed = entries.some(([key, said]) => nameOf(key).isOfName && typeof said === 'string' && isSecret(said))
  let isRenamed = false
  for (const entry of entries) {
    const [key, said] = entry
    const name = nameOf(key)
    const isGone = name.isSecretWord || (name.isShortName && typeof said === 'string') || (isNamed && name.isOfValue)
    const kept = isGone ? GONE : clean(said, known, depth + 1)
    const unknown = withoutKnown(key, known)
    const shown = unknown === key ? name.shown : byLook(unknown)
    isRenamed ||= shown !== key
    if (kept !== said) Reflect.set(value, key, kept)
    entry[0] = shown
    entry[1] = kept
  }
  return isRenamed ? Object.fromEntries(entries) : value
}

/** Headers as pairs: the first of two is the name of the other. */
function cleanList(list: readonly unknown[], known: readonly string[], depth: number): unknown {
  const [name, value, ...more] = list
  const isPair = more.length === 0 && typeof name === 'string' && typeof value === 'string' && isSecret(name)
  return isPair ? [byLook(withoutKnown(name, known)), GONE] : list.map((each) => clean(each, known, depth + 1))
}

/** Tools return JSON inside of texts. A text that seems to hold some, and can't be read, might hold anything. */
function cleanText(text: string, known: readonly string[], depth: number): string {
  const inner = /^\s*["[{]/.test(text) ? jsonOf(text) : undefined
  if (inner) return JSON.stringify(clean(inner.value, known, depth + 1))
  if (text.includes('"') && SECRET_WORD.test(plain(text))) return sizeOf(text)
  return byLook(withoutKnown(text, known))
}

function isSecret(name: string): boolean {
  const { isSecretWord, isShortName } = described(name)
  return isSecretWord || isShortName
}

/** What is known of the name of a field. */
interface FieldName {
  readonly isSecretWord: boolean
  /** Where a text stands behind it. */
  readonly isShortName: boolean
  /** In lists of headers: behind it stands the name, or the value. */
  readonly isOfName: boolean
  readonly isOfValue: boolean
  /** Without what looks like a credential. */
  readonly shown: string
}

/** Messages have the same few names again and again. */
const names = new BoundedMap<string, FieldName>(500)
const LONGEST_REMEMBERED = 60

function nameOf(name: string): FieldName {
  const before = names.get(name)
  if (before) return before
  const made = described(name)
  if (name.length <= LONGEST_REMEMBERED) names.set(name, made)
  return made
}

function described(name: string): FieldName {
  const word = plain(name)
  return {
    // A progress token is none, and debugging needs it.
    isSecretWord: word !== 'progresstoken' && SECRET_WORD.test(word),
    isShortName: SHORT_NAMES.includes(word),
    isOfName: /^(?:name|key)$/i.test(name),
    isOfValue: /^value$/i.test(name),
    shown: byLook(name),
  }
}

function plain(text: string): string {
  return text.toLowerCase().replaceAll(PARTING, '')
}

function byLook(text: string): string {
  return redact(text).replaceAll(ENVELOPE, GONE)
}

function jsonOf(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

function sizeOf(text: string): string {
  return `[${text.length} characters that are not JSON]`
}

function withoutKnown(text: string, known: readonly string[]): string {
  let rest = text
  for (const secret of known)
    if (secret.length >= SHORTEST_SECRET && secret.length <= rest.length) rest = rest.replaceAll(secret, GONE)
  return rest
}

function withoutBeginnings(text: string, known: readonly string[]): string {
  return known.reduce((rest, secret) => {
    const cut = cutOff(rest, secret)
    return cut > 0 ? `${rest.slice(0, -cut)}${GONE}` : rest
  }, text)
}

/** How many characters at the end of the text are the beginning of the secret. */
function cutOff(text: string, secret: string): number {
  for (let length = Math.min(text.length, secret.length - 1); length >= SHORTEST_SECRET / 2; length -= 1)
    if (text.charCodeAt(text.length - 1) === secret.charCodeAt(length - 1) && text.endsWith(secret.slice(0, length)))
      return length
  return 0
}
