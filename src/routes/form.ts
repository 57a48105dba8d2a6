// A posted form, as browsers and OAuth clients send it, and never more of it than any of ours needs.
import type { Context } from 'hono'
import { OAuthError } from '../oauth/errors.ts'

/** A few kilobytes are usual; the largest part is one of our own envelopes. */
const LARGEST_FORM = 64 * 1024

export async function readForm(c: Context): Promise<URLSearchParams> {
  const type = c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded')
    throw new OAuthError('invalid_request', 'the request body must be application/x-www-form-urlencoded')
  return new URLSearchParams(await readText(c, LARGEST_FORM, 'a form'))
}

/** `what` is in the sentence for whom it was too large. */
export async function readText(c: Context, mostBytes: number, what: string): Promise<string> {
  const tooLarge = (): OAuthError => new OAuthError('payload_too_large', `${what} may have ${mostBytes} bytes`)
  if (Number(c.req.header('Content-Length') ?? 0) > mostBytes) throw tooLarge()
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  // Counted while it comes: a body without a length must not be held whole to learn that it is too large.
  for await (const chunk of c.req.raw.body ?? []) {
    length += chunk.length
    if (length > mostBytes) throw tooLarge()
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
