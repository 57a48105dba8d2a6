// The keys somebody else signs with (JWK Set, RFC 7517): fetched when a signature needs one, kept for a while, asked for again when one is missing.
//
// Lifetime: as long as the isolate. Trade-off: a withdrawn key counts until the set is no longer fresh, and ten minutes longer where its
// publisher gives no answer. Without that, whoever makes the publisher unreachable would stop every sign-in, and every revocation that
// comes as a signed token.
import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWTVerifyOptions, type JWTVerifyResult } from 'jose'
import { BoundedMap } from '../platform/bounded-map.ts'
import { Remembered } from '../platform/shared-cache.ts'

/** A key that is published must never be one a caller could sign with: no HMAC, no `none` (RFC 8725 section 3.1). */
export const ASYMMETRIC: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

export interface PublishedKeys {
  readonly keys: JSONWebKeySet
  /** Seconds for which nobody needs to ask again; absent: five minutes. */
  readonly freshFor?: number | undefined
}

/** Rejects where the keys can not be had. It bounds its answer in bytes and in time, and knows whom it may ask. */
export type FetchKeys = () => Promise<PublishedKeys>

/** The keys could not be had, so nothing is known about the signature; its cause is what the fetch was rejected with. */
export class KeysAway extends Error {
  override readonly name = 'KeysAway'

  constructor(cause: unknown) {
    super('the signing keys can not be had', { cause })
  }
}

/** Seconds. */
const FRESH_FOR = 300
const WITHOUT_ANSWER = 600
/** One fetch in this time, whatever the tokens say that are shown: a flood of unknown key ids ends here. */
const AGAIN_MS = 30_000
/** As long as no key is known at all: whoever signs has only now come back, and their next word may be a logout. */
const FIRST_AGAIN_MS = 1_000
const MOST_SETS = 100

interface HeldKeys {
  readonly keys: JSONWebKeySet
  readonly freshUntil: number
}
type Outcome = { readonly keys: JSONWebKeySet } | { readonly error: unknown }

export class KeySet {
  readonly #fetchKeys: FetchKeys
  readonly #now: () => number
  // Failures are remembered too, and never promises: those belong to the request that made them.
  readonly #asked = new Remembered<Outcome>(() => (this.#held ? AGAIN_MS : FIRST_AGAIN_MS))
  #held: HeldKeys | undefined

  /** `now` in unix seconds. */
  constructor(fetchKeys: FetchKeys, now: () => number) {
    this.#fetchKeys = fetchKeys
    this.#now = now
  }

  /** Rejects with an error of jose when the token is not what the options want, and with `KeysAway` when that can't be known. */
  async verify(token: string, options: JWTVerifyOptions): Promise<JWTVerifyResult> {
    const held = this.#heldFor(0)
    const verified = held && (await verifiedWith(held, token, options))
    if (verified) return verified
    const outcome = await this.#asked.get(() => this.#fetch())
    const keys = 'keys' in outcome ? outcome.keys : this.#heldFor(WITHOUT_ANSWER)
    const verifiedNow = keys && (await verifiedWith(keys, token, options))
    if (verifiedNow) return verifiedNow
    if ('keys' in outcome) throw new errors.JWKSNoMatchingKey()
    throw new KeysAway(outcome.error)
  }

  #heldFor(seconds: number): JSONWebKeySet | undefined {
    return this.#held && this.#held.freshUntil + seconds > this.#now() ? this.#held.keys : undefined
  }

  async #fetch(): Promise<Outcome> {
    try {
      const { keys, freshFor = FRESH_FOR } = await this.#fetchKeys()
      this.#held = { keys, freshUntil: this.#now() + freshFor }
      return { keys }
    } catch (error) {
      return { error }
    }
  }
}

/** So many sets by their addresses; with one too many, the one that was used longest ago goes. */
export class KeySets {
  readonly #fetchKeys: (address: string) => Promise<PublishedKeys>
  readonly #now: () => number
  readonly #sets = new BoundedMap<string, KeySet>(MOST_SETS)

  /** `now` in unix seconds. */
  constructor(fetchKeys: (address: string) => Promise<PublishedKeys>, now: () => number) {
    this.#fetchKeys = fetchKeys
    this.#now = now
  }

  at(address: string): KeySet {
    const set = this.#sets.get(address) ?? new KeySet(() => this.#fetchKeys(address), this.#now)
    this.#sets.set(address, set)
    return set
  }
}

/**
 * Undefined when none of the keys is the one the token names, or without a name none has signed it; any other fault is an error of jose.
 * What jose makes of a set is made for each token: it keeps promises of the request in which a key was used first.
 */
export async function verifiedWith(
  keys: JSONWebKeySet,
  token: string,
  options: JWTVerifyOptions,
): Promise<JWTVerifyResult | undefined> {
  try {
    return await jwtVerify(token, createLocalJWKSet(keys), options)
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return undefined
    if (error instanceof errors.JWKSMultipleMatchingKeys) return await verifiedByOneOf(error, token, options)
    throw error
  }
}

/** Without a key id, every key of the right kind may have been the one. */
async function verifiedByOneOf(
  matching: errors.JWKSMultipleMatchingKeys,
  token: string,
  options: JWTVerifyOptions,
): Promise<JWTVerifyResult | undefined> {
  for await (const key of matching) {
    try {
      return await jwtVerify(token, key, options)
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error
    }
  }
  return undefined
}
