// Reads through JSON as text, one character after another: where a value begins and where it ends, without parsing it.
import { BACKSLASH, CLOSE_ARRAY, CLOSE_OBJECT, COMMA, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from './json-characters.ts'

/** Of text that is JSON; of any other it says nothing true. */
export class JsonCursor {
  protected readonly text: string
  protected at = 0

  constructor(text: string) {
    this.text = text
  }

  /** From the first character of a value to behind its last one. */
  protected skip(): void {
    const text = this.text
    let depth = 0
    this.next()
    for (; this.at < text.length; this.at++) {
      const code = text.charCodeAt(this.at)
      if (code === QUOTE) {
        this.skipString()
        if (depth === 0) return
        this.at--
      } else if (code === OPEN_OBJECT || code === OPEN_ARRAY) depth++
      else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
        // The end of what this value stands in: it was a number or a word.
        if (depth === 0) return
        if (--depth === 0) return void this.at++
      } else if (depth === 0 && (code === COMMA || isSpace(code))) return
    }
  }

  /** From the opening quote to behind the closing one. */
  protected skipString(): void {
    let end = this.text.indexOf('"', this.at + 1)
    while (end !== -1 && this.#isEscaped(end)) end = this.text.indexOf('"', end + 1)
    this.at = end === -1 ? this.text.length : end + 1
  }

  #isEscaped(quote: number): boolean {
    let first = quote
    while (this.text.charCodeAt(first - 1) === BACKSLASH) first--
    return (quote - first) % 2 === 1
  }

  /** The next character that is no white space. */
  protected next(): number {
    while (isSpace(this.text.charCodeAt(this.at))) this.at++
    return this.text.charCodeAt(this.at)
  }
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}
