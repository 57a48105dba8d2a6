// The token of an Authorization header: one scheme, one token (RFC 6750 section 2.1); a list of two credentials is none.
const BEARER = /^Bearer +([\w.~+/-]+=*)$/i

export function bearerToken(authorization: string | undefined): string | undefined {
  return BEARER.exec(authorization ?? '')?.[1]
}
