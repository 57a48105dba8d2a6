// Takes secrets out of recorded messages: by their look, by the name of the field they stand in, and by value where they are known.
import { redact } from '../platform/telemetry.ts'

const GONE = '[redacted]'

/** Names of fields that hold credentials somewhere; a progress token is none, and debugging needs it. */
const NAME =
  '(?!progress_?token\\b)[\\w.-]*(?:token|secret|passw|authorization|cookie|credential|api[-_]?key|private[-_]?key|assertion|verifier|signature)[\\w.-]*'
// Tools return JSON inside of strings, so quotes may be escaped, any number of times; the value may be cut off at the end.
const TEXT_FIELD = new RegExp(
  `(\\\\*")(${NAME}|code|state|nonce|otp|pin)\\1(\\s*:\\s*)\\1(?:(?!(?<!\\\\)\\1)[\\s\\S])*((?<!\\\\)\\1)?`,
  'gi',
)
const OTHER_FIELD = new RegExp(`(\\\\*")(${NAME})\\1(\\s*:\\s*)(?!\\\\*")(?:\\{[^{}]*\\}?|\\[[^\\[\\]]*\\]?|[^,}\\]\\s]+)`, 'gi')
/** Envelopes, also the beginning of one: what was cut off is shorter than telemetry looks for. */
const ENVELOPE = /eyJ[\w-]{6,}(?:\.[\w-]*)*|eyJ[\w-]*$/g
/** Shorter ones would be found in words. */
const SHORTEST_SECRET = 8

/** `known` are secrets by value. The text may have been cut off at its end, and a secret with it. */
export function redactMessage(text: string, known: readonly string[]): string {
  const byLook = redact(withoutKnown(text, known)).replaceAll(ENVELOPE, GONE)
  return byLook
    .replaceAll(
      TEXT_FIELD,
      (_, quote: string, name: string, colon: string) => `${quote}${name}${quote}${colon}${quote}${GONE}${quote}`,
    )
    .replaceAll(
      OTHER_FIELD,
      (_, quote: string, name: string, colon: string) => `${quote}${name}${quote}${colon}${quote}${GONE}${quote}`,
    )
}

function withoutKnown(text: string, known: readonly string[]): string {
  let rest = text
  for (const secret of known) {
    if (secret.length < SHORTEST_SECRET) continue
    rest = rest.replaceAll(secret, GONE)
    const cut = cutOff(rest, secret)
    if (cut > 0) rest = `${rest.slice(0, -cut)}${GONE}`
  }
  return rest
}

/** How many characters at the end of the text are the beginning of the secret. */
function cutOff(text: string, secret: string): number {
  for (let length = secret.length - 1; length >= SHORTEST_SECRET / 2; length -= 1)
    if (text.endsWith(secret.slice(0, length))) return length
  return 0
}
