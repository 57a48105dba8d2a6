// What a `WWW-Authenticate` header asks for in its Bearer challenge (RFC 6750 section 3, RFC 9728 section 5.1).

/** What a server of MCP says has some hundred characters; whatever stands behind these is not read. */
const LONGEST = 8_192

// Each is tried at one place and reads on from there, so that a header costs as much as it is long, whatever is in it.
const SEPARATORS = /[\s,]*/y
const WORD = /[\w!#$%&'*+.^`|~/-]+/y
const BLANKS = /\s*/y
const PLAIN = /[^\s,"]*/y

/** The parameters of the challenge, by lower-case name; undefined where the header holds none of this scheme. */
export function bearerChallenge(header: string | null): ReadonlyMap<string, string> | undefined {
  const text = (header ?? '').slice(0, LONGEST)
  let parameters: Map<string, string> | undefined
  let at = 0
  while (at < text.length) {
    const separators = taken(SEPARATORS, text, at)
    const word = taken(WORD, text, at + separators.length)
    const isFirst = at === 0 || separators.includes(',')
    at += separators.length + word.length
    if (word === '') {
      // Nothing that belongs to a challenge.
      at += 1
      continue
    }
    const blanks = taken(BLANKS, text, at)
    const next = text[at + blanks.length]
    if (next === '=') {
      const value = valueAt(text, at + blanks.length + 1)
      at = value.end
      const name = word.toLowerCase()
      if (parameters && value.text !== undefined && !parameters.has(name)) parameters.set(name, value.text)
      continue
    }
    // A challenge begins with its scheme, at the beginning or behind a comma.
    const isScheme = isFirst && (next === undefined || next === ',' || blanks !== '')
    if (parameters && isScheme && next !== undefined && next !== ',') break
    if (!parameters && isScheme && word.toLowerCase() === 'bearer') parameters = new Map()
  }
  return parameters
}

function taken(expression: RegExp, text: string, at: number): string {
  expression.lastIndex = at
  return expression.exec(text)?.[0] ?? ''
}

/** A quoted text, or one that needs no quotes; undefined where there is none, or where the quotes do not end. */
function valueAt(text: string, behindEquals: number): { readonly text: string | undefined; readonly end: number } {
  const at = behindEquals + taken(BLANKS, text, behindEquals).length
  if (text[at] !== '"') {
    const plain = taken(PLAIN, text, at)
    return { text: plain === '' ? undefined : plain, end: at + plain.length }
  }
  let value = ''
  for (let end = at + 1; end < text.length; end += 1) {
    if (text[end] === '"') return { text: value, end: end + 1 }
    if (text[end] === '\\') end += 1
    value += text[end] ?? ''
  }
  return { text: undefined, end: text.length }
}

/** RFC 6749 section 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/
const MOST_SCOPES = 50

/** The scopes of a challenge, as far as they are some; none where it names none, or says so with an empty text. */
export function scopesOf(challenge: ReadonlyMap<string, string> | undefined): readonly string[] {
  const words = (challenge?.get('scope') ?? '').split(' ')
  return words.filter((word) => SCOPE.test(word)).slice(0, MOST_SCOPES)
}
