// How the broker proves itself at a token endpoint of somebody else: the same at an identity provider and at a server's authorization server.
import * as oauth from 'oauth4webapi'
import type { SecretMethod } from '../settings/authorization-parameters.ts'

export function clientSecret(secret: string, method: SecretMethod): oauth.ClientAuth {
  if (method === 'client_secret_post') return oauth.ClientSecretPost(secret)
  const encoded = method === 'client_secret_basic_raw' ? (text: string) => text : formEncoded
  return (_server, client, _body, headers) => {
    headers.set('authorization', `Basic ${base64(`${encoded(client.client_id)}:${encoded(secret)}`)}`)
  }
}

/**
 * RFC 6749 section 2.3.1 and its Appendix B: the form encoding of browsers, which leaves `-`, `.` and `_` alone. The library's own escapes
 * them as well, which is allowed, and lost on the many servers that decode nothing.
 */
function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

/** RFC 7617 section 2.1: characters outside of ASCII go as UTF-8. */
function base64(text: string): string {
  return btoa(String.fromCodePoint(...new TextEncoder().encode(text)))
}
