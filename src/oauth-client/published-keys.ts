// Where an issuer publishes its keys (`jwks_uri`): asked in a way nobody in between can answer, and read no further than a key set goes.
import * as z from 'zod'
import { isLoopback } from '../platform/loopback.ts'
import { jsonBody, type Ask } from './ask.ts'
import type { PublishedKeys } from './key-set.ts'

/** Large issuers publish some twenty; each may have to be tried for a token that names none. */
const MOST_KEYS = 100

const keySetSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(MOST_KEYS) })

export interface KeysCall {
  /** What the operator has written: where all of it is on this machine, the keys may be too. */
  readonly issuer: string
  readonly ask: Ask
  /** Makes the error of whoever asked; `isAway`: no answer, or none that can be read. */
  readonly failed: (detail: string, isAway: boolean) => Error
}

/** A document names the address, so nobody has looked at it: never in the clear. */
export async function keysPublishedAt(address: string, { issuer, ask, failed }: KeysCall): Promise<PublishedKeys> {
  const url = URL.parse(address)
  const isTrusted = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url) && isLoopback(new URL(issuer)))
  if (!isTrusted) throw failed('the signing keys are not published over https', false)
  const answer = await ask(address, { method: 'GET', headers: { accept: 'application/json' } })
  const { data: keys } = keySetSchema.safeParse(answer.status === 200 ? await jsonBody(answer) : undefined)
  if (keys) return { keys }
  if (!answer.bodyUsed) await answer.body?.cancel()
  throw failed(
    `the signing keys were answered with ${answer.status}${answer.status === 200 ? ', and can not be read' : ''}`,
    true,
  )
}
