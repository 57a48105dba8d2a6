// A posted form, as browsers and OAuth clients send it, and never more of it than any of ours needs.
import type { Context } from 'hono'
import { BodyError, readBounded } from '../platform/bounded-body.ts'
import { HeldBytes, HeldBytesError, type Holding } from '../platform/held-bytes.ts'
import { OAuthError } from '../clients/oauth-error.ts'

/** A few kilobytes are usual; the largest part is one of our own signedTokens. */
const LARGEST_FORM = 64 * 1024
/** Anybody may send one: whoever takes longer does not hold what others need. */
const WITHIN_MS = 10_000

/**
 * What is held of those that have not come whole. Apart from the bodies of MCP: anybody may send a form, and must not take the room
 * of people who are signed in.
 */
const forms = new HeldBytes(12 * 1024 * 1024, 4 * 1024 * 1024)

const BUSY = 'The broker has too much at once to do: try again in a moment'

export async function readForm(c: Context): Promise<URLSearchParams> {
  const type = c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded')
    throw new OAuthError('invalid_request', 'the request body must be application/x-www-form-urlencoded')
  return new URLSearchParams(await readText(c, LARGEST_FORM, 'a form'))
}

/** `what` is in the sentence for whom it was too large, or too slow. */
export async function readText(c: Context, mostBytes: number, what: string): Promise<string> {
  const tooLarge = (): OAuthError => new OAuthError('payload_too_large', `${what} may have ${mostBytes} bytes`)
  if (Number(c.req.header('Content-Length') ?? 0) > mostBytes) throw tooLarge()
  let room: Holding | undefined
  try {
    room = forms.open(shareOf(c))
    return new TextDecoder().decode(await readBounded(c.req.raw.body, { mostBytes, withinMs: WITHIN_MS, holds: room.hold }))
  } catch (error) {
    if (error instanceof HeldBytesError) throw new OAuthError('temporarily_unavailable', BUSY, { retryAfter: 5 })
    if (!(error instanceof BodyError)) throw error
    if (error.reason === 'too_large') throw tooLarge()
    throw new OAuthError('request_timeout', `${what} is sent within ${WITHIN_MS / 1000} seconds`)
  } finally {
    room?.release()
  }
}

/** `/admin/people/x` is `admin`: what is posted to one part of the broker by the thousand keeps nobody from the others. */
function shareOf(c: Context): string {
  return c.req.path.split('/')[1] ?? ''
}
