// Any text as the value of a header that can be read back: percent-encoded UTF-8 where it is not visible ASCII.

/** Everything but printable ASCII, and the two characters that mean something in these values themselves. */
const NEEDS_ENCODING = /[^\x20-\x7e]|%/gu
const NEEDS_ENCODING_IN_LIST = /[^\x20-\x7e]|[%,]/gu

/** Spaces stay, unless they are at an end, where HTTP would take them away. */
export function headerText(value: string): string {
  return encoded(value, NEEDS_ENCODING)
}

/** The same for one of several values with commas between them. */
export function headerListItem(value: string): string {
  return encoded(value, NEEDS_ENCODING_IN_LIST)
}

function encoded(value: string, needsEncoding: RegExp): string {
  const text = value.toWellFormed().replaceAll(needsEncoding, (character) => encodeURIComponent(character))
  const [inner, before] = [text.trim(), text.length - text.trimStart().length]
  return '%20'.repeat(before) + inner + '%20'.repeat(text.length - before - inner.length)
}
