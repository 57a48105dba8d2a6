// The provider's signing keys: fetched when a token needs one, at most once a minute whatever the tokens say.
import * as oauth from 'oauth4webapi'
import { ask, jsonOf } from './ask.ts'
import { IdentityError } from './provider.ts'
import { Remembered } from '../platform/shared-cache.ts'

const MINUTE_MS = 60_000

/**
 * oauth4webapi decides when keys are too old (five minutes) or a key is missing (then after one minute); it does so on a
 * copy, because what it keeps for itself would tie one request to the promises of another. The document it then asks for
 * comes from here, and so a flood of unknown key ids ends at the remembered one.
 */
export class KeySet {
  readonly #document = new Remembered<string>(MINUTE_MS)
  #cache: oauth.JWKSCacheInput = {}

  /** The keys as they are published, as JSON text: for signatures the library does not look at. */
  published(url: string): Promise<string> {
    return this.#document.get(() => fetchKeys(url, { accept: 'application/json' }))
  }

  /** Runs one signature check with the keys it needs. */
  async verify(check: (options: oauth.ValidateSignatureOptions) => Promise<void>): Promise<void> {
    const cache = structuredClone(this.#cache)
    try {
      await check({
        [oauth.jwksCache]: cache,
        [oauth.customFetch]: async (url, init) => {
          const text = await this.#document.get(() => fetchKeys(url, init.headers))
          return new Response(text, { headers: { 'content-type': 'application/json' } })
        },
      })
    } finally {
      if ((cache.uat ?? 0) > (this.#cache.uat ?? 0)) this.#cache = cache
    }
  }
}

async function fetchKeys(url: string, headers: Record<string, string>): Promise<string> {
  const response = await ask(url, { method: 'GET', headers })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new IdentityError('unreachable', `the signing keys were answered with ${response.status}`)
  }
  return JSON.stringify(await jsonOf(response, 'the signing keys'))
}
