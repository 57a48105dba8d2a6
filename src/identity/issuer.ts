// An issuer the operator trusts to sign something, without signing anybody in with it: found by discovery, believed by its keys.
import { decodeJwt, type JWTVerifyOptions, type JWTVerifyResult } from 'jose'
import { ASYMMETRIC, KeySet, type PublishedKeys } from '../oauth-client/key-set.ts'
import { askForKeys } from './ask.ts'
import { discoverKeys, type Signing } from './discovery.ts'
import { IdentityError } from './provider.ts'
import { Remembered } from '../platform/shared-cache.ts'
import { CLOCK_TOLERANCE } from '../platform/clock-tolerance.ts'

const HOUR_MS = 3_600_000

export class Issuer {
  readonly #configured: URL
  readonly #now: () => number
  readonly #document = new Remembered<Signing>(HOUR_MS)
  readonly #keys: KeySet
  #signing: Signing | undefined

  /** `now` in unix seconds. */
  constructor(configured: string, now: () => number) {
    this.#configured = new URL(configured)
    this.#now = now
    this.#keys = new KeySet(() => this.#fetchKeys(), now)
  }

  /** Whether the token says that it is from here, which costs nothing; nothing about whether it is. */
  isNamedBy(token: string): boolean {
    try {
      return withoutSlash(decodeJwt(token).iss ?? '') === withoutSlash(this.#configured.href)
    } catch {
      return false
    }
  }

  /**
   * Signature, times and the exact name of the issuer. Rejects with an error of jose when one of them is wrong, and with `KeysAway` when
   * that can't be known.
   */
  async verify(token: string): Promise<void> {
    const { protectedHeader } = await this.signed(token, {
      algorithms: [...ASYMMETRIC],
      requiredClaims: ['exp', 'iat', 'sub'],
      clockTolerance: CLOCK_TOLERANCE,
      currentDate: new Date(this.#now() * 1000),
    })
    const { id_token_signing_alg_values_supported: algorithms = [] } = this.#signing ?? {}
    if (!algorithms.includes(protectedHeader.alg))
      throw new IdentityError('invalid', `the issuer does not sign with ${protectedHeader.alg}`)
  }

  /** The same for a token that is no ID token: of the options those count that are given. */
  async signed(token: string, options: JWTVerifyOptions): Promise<JWTVerifyResult> {
    const verified = await this.#keys.verify(token, options)
    const { iss } = verified.payload
    // The keys came with the document that says so: there is one by now.
    const { issuer = '' } = this.#signing ?? {}
    if (iss !== issuer) throw new IdentityError('invalid', `iss is ${String(iss)}, and the issuer is ${issuer}`)
    return verified
  }

  async #fetchKeys(): Promise<PublishedKeys> {
    this.#signing = await this.#document.get(() => discoverKeys(this.#configured.href))
    return await askForKeys(this.#signing.jwks_uri, this.#configured.href)
  }
}

function withoutSlash(issuer: string): string {
  return issuer.replace(/\/$/, '')
}
