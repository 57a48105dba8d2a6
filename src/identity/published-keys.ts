// The keys an issuer publishes: kept for a while, and asked for again when one is missing, at most once a minute whatever is shown.
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet, type JWTVerifyOptions, type JWTVerifyResult } from 'jose'
import * as z from 'zod'
import { Remembered } from '../platform/shared-cache.ts'

const keySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) })

const MINUTE_MS = 60_000

/** None of the keys there are signed this, and there may be others by now. */
const UNKNOWN_KEY = Symbol('unknown key')

type Resolver = ReturnType<typeof createLocalJWKSet>
type Fetched = { readonly keys: Resolver } | { readonly error: unknown }

/** The keys could not be had: nothing is known about the token. */
export class KeysAway extends Error {
  override readonly name = 'KeysAway'
}

export class PublishedKeys {
  readonly #fetchKeys: () => Promise<unknown>
  readonly #goodForMs: number
  readonly #now: () => number
  // Failures are remembered too: a flood of tokens asks at most once a minute, whatever the answer.
  readonly #fetched = new Remembered<Fetched>(MINUTE_MS)
  #known: { readonly keys: Resolver; readonly until: number } | undefined

  /** `goodFor` is how long a key that was withdrawn may still count, in seconds; `now` in unix seconds. */
  constructor(fetchKeys: () => Promise<unknown>, goodFor: number, now: () => number) {
    this.#fetchKeys = fetchKeys
    this.#goodForMs = goodFor * 1000
    this.#now = now
  }

  /** Rejects with an error of jose when the token is not what the options want, and with `KeysAway` when that can't be known. */
  async verify(token: string, options: JWTVerifyOptions): Promise<JWTVerifyResult> {
    const known = this.#known && this.#known.until > this.#now() * 1000 ? this.#known.keys : undefined
    const verdict = known ? await this.#with(known, token, options) : UNKNOWN_KEY
    if (verdict !== UNKNOWN_KEY) return verdict
    const fetched = await this.#fetched.get(() => this.#fetch())
    if ('keys' in fetched) return await jwtVerify(token, fetched.keys, options)
    throw new KeysAway('the signing keys can not be had', { cause: fetched.error })
  }

  async #fetch(): Promise<Fetched> {
    try {
      const published: JSONWebKeySet = keySet.parse(await this.#fetchKeys())
      const keys = createLocalJWKSet(published)
      this.#known = { keys, until: this.#now() * 1000 + this.#goodForMs }
      return { keys }
    } catch (error) {
      return { error }
    }
  }

  async #with(keys: Resolver, token: string, options: JWTVerifyOptions): Promise<JWTVerifyResult | typeof UNKNOWN_KEY> {
    try {
      return await jwtVerify(token, keys, options)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ERR_JWKS_NO_MATCHING_KEY') return UNKNOWN_KEY
      throw error
    }
  }
}
