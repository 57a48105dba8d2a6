// Patterns in settings: `*` is any characters, everything else is itself, and the whole text has to fit.

/** Piece after piece from the left, so that no pattern can make this more than one walk over the text. */
export function fitsWildcard(text: string, pattern: string): boolean {
  const [first = '', ...others] = pattern.split('*')
  const last = others.pop()
  if (last === undefined) return text === first
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const piece of others) {
    const found = text.indexOf(piece, at)
    if (found === -1) return false
    at = found + piece.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}
