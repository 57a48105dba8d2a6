// What strangers wrote, made fit to be read: no invisible characters, no reversed text, no endless names.
//
// Escaping (hono/jsx does it) keeps a name from becoming markup. It does not keep a name from lying: U+202E turns text
// around, zero-width characters make two names look alike, stacked accents cover the lines above. A consent page is
// only worth something when the words on it are the words the person sees.

// Cc/Cf/Cs/Co: controls, formats (all bidi marks), lone surrogates, private use. Default_Ignorable adds what renders as
// nothing without being a format, such as the Hangul fillers; U+2800 is the one blank that Unicode calls a symbol.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Default_Ignorable_Code_Point}\u{2800}]/gu
const GAPS = /[\s\u{85}]+/gu
const STACKED_MARKS = /(\p{M}{3})\p{M}+/gu

export const LONGEST_NAME = 80
const LONGEST_TEXT = 600
// RFC 1035 section 2.3.4 allows 253 characters, plus a port.
const LONGEST_HOST = 260

/** Any text from outside, on one line, at most `longest` characters. */
export function shownText(text: string, longest = LONGEST_TEXT): string {
  const clean = text.replace(GAPS, ' ').replace(UNSEEN, '').replace(STACKED_MARKS, '$1').replace(GAPS, ' ').trim()
  const characters = Array.from(clean)
  return characters.length <= longest ? clean : `${characters.slice(0, longest).join('').trimEnd()}…`
}

/** A name somebody gave themselves; never empty, so that a sentence around it stays a sentence. */
export function shownName(name: string, whenEmpty: string): string {
  return shownText(name, LONGEST_NAME) || whenEmpty
}

/** A host is cut at the front: what decides about its owner stands at the end (`accounts.google.com.evil.example`). */
export function shownHost(host: string): string {
  const clean = shownText(host)
  return clean.length <= LONGEST_HOST ? clean : `…${clean.slice(-LONGEST_HOST)}`
}

/** One letter that stands for a name, for the small tile beside it. */
export function initialOf(name: string): string {
  return (/[\p{L}\p{N}]/u.exec(name)?.[0] ?? '?').toUpperCase()
}
