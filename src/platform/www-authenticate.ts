// What a `WWW-Authenticate` header asks for in its Bearer challenge (RFC 6750 section 3, RFC 9728 section 5.1).

/** The parameters of the challenge, by lower-case name; undefined where the header holds none of this scheme. */
export function bearerChallenge(header: string | null): ReadonlyMap<string, string> | undefined {
  const start = header === null ? undefined : /(?:^|,)\s*Bearer(?=\s|,|$)/i.exec(header)
  if (!header || !start) return undefined
  const rest = header.slice(start.index + start[0].length)
  const parameters = new Map<string, string>()
  // The next challenge begins where a word stands alone instead of before an equals sign.
  for (const [, name = '', quoted, plain, scheme] of rest.matchAll(PARAMETER)) {
    if (scheme !== undefined) break
    const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain
    if (value !== undefined && !parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), value)
  }
  return parameters
}

const PARAMETER = /([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|,\s*([\w-]+)(?=\s+[\w-]+\s*=)/g

/** RFC 6749 section 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/
const MOST_SCOPES = 50

/** The scopes of a challenge, as far as they are some; none where it names none, or says so with an empty text. */
export function scopesOf(challenge: ReadonlyMap<string, string> | undefined): readonly string[] {
  const words = (challenge?.get('scope') ?? '').split(' ')
  return words.filter((word) => SCOPE.test(word)).slice(0, MOST_SCOPES)
}
