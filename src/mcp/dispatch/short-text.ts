// Bodies that are short go between the router and the object as text in a header: as a stream, each costs several times as much to send and
// to read.

/** In bytes. Escaped, each of them is at most six characters of a header. */
const SHORT = 4 * 1024

// The bytes that are made of the text must be the bytes that came: nothing is replaced, and no byte order mark goes.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Undefined of a body that is longer, or is no text. */
export function shortText(bytes: Uint8Array): string | undefined {
  if (bytes.length > SHORT) return undefined
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
