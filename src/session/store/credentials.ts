// Identity JWTs for the downstreams, each reused for half its life: signing is the dearest step of an admission.
import { identityJwt, type IdentityClaims } from '../../issuer/identity-jwt.ts'
import type { KeyRing } from '../../issuer/keys.ts'
import type { Settings } from '../../settings/settings.ts'

export class Credentials {
  readonly #settings: Settings
  readonly #keys: KeyRing
  readonly #jwts = new Map<string, { readonly header: string; readonly freshUntil: number }>()

  constructor(settings: Settings, keys: KeyRing) {
    this.#settings = settings
    this.#keys = keys
  }

  /** The `Authorization` value; memory only, bounded by the number of grants. */
  identityJwt(claims: IdentityClaims, now: number): Promise<string> | string {
    const name = `${claims.grantId} ${claims.audience}`
    const kept = this.#jwts.get(name)
    return kept && kept.freshUntil > now ? kept.header : this.#signed(name, claims, now)
  }

  async #signed(name: string, claims: IdentityClaims, now: number): Promise<string> {
    const ttl = this.#settings.limits.identityJwtTtl
    const jwt = await identityJwt(this.#keys.identity.active, this.#settings.baseUrl, claims, now, ttl)
    const header = `Bearer ${jwt}`
    this.#jwts.set(name, { header, freshUntil: now + Math.floor(ttl / 2) })
    return header
  }

  /** After a change of identity or a revocation nothing signed before may be used again. */
  forget(): void {
    this.#jwts.clear()
  }
}
