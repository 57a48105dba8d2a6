// Signed signedTokens: codes, access and refresh tokens as JWTs (HS256), verified by arithmetic before any object is named.
import { jwtVerify, SignJWT } from 'jose'
import * as z from 'zod'
import type { Caller } from '../../caller.ts'
import type { KeyRing } from '../../issuer/keys.ts'
import { BoundedMap } from '../../platform/bounded-map.ts'
import { sha256 } from '../../platform/crypto.ts'

/** What every token says about the grant it belongs to. */
export interface GrantReference {
  /** Name of the person's `UserSession`. */
  readonly sub: string
  readonly grantId: string
  readonly clientId: string
  /** The client has to sign every request that comes with this token (private_key_jwt). */
  readonly clientSigns?: boolean
}

export interface CodeClaims extends GrantReference {
  readonly jti: string
  readonly expiresAt: number
}

/** The facts a token pair is made of. HS256 is deterministic, so equal facts give equal tokens: a replayed refresh needs no store. */
export interface PairFacts extends GrantReference {
  readonly resource: string
  readonly scopes: readonly string[]
  readonly generation: number
  readonly issuedAt: number
  /** End of the session; no token outlives it. */
  readonly endsAt: number
}

export interface Lifetimes {
  readonly accessTokenTtl: number
  readonly refreshTokenTtl: number
}

const reference = z.object({
  sub: z.string(),
  gid: z.string(),
  client_id: z.string(),
  client_signs: z.literal(true).optional(),
  jti: z.string(),
  iat: z.number(),
  exp: z.number(),
})
const accessClaims = reference.extend({ gen: z.number(), aud: z.string(), scope: z.string() })
const refreshClaims = reference.extend({ gen: z.number() })

type TokenType = 'code+jwt' | 'at+jwt' | 'rt+jwt'

/** RFC 7515 section 7.1, of three parts. */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/

export class SignedTokens {
  readonly #ring: KeyRing
  readonly #issuer: string
  readonly #now: () => number
  // Verified tokens are remembered until they expire: safe, because the object decides whether the grant still lives.
  readonly #verified = new BoundedMap<string, Caller>(5_000)

  constructor(ring: KeyRing, issuer: string, now: () => number) {
    this.#ring = ring
    this.#issuer = issuer
    this.#now = now
  }

  code(code: CodeClaims): Promise<string> {
    const claims = { gid: code.grantId, client_id: code.clientId, ...signs(code) }
    return this.#sign('code+jwt', claims, {
      sub: code.sub,
      aud: this.#issuer,
      jti: code.jti,
      iat: this.#now(),
      exp: code.expiresAt,
    })
  }

  async accessToken(facts: PairFacts, ttl: number, scopes: readonly string[] = facts.scopes): Promise<string> {
    const { sub, grantId, clientId, resource, generation, issuedAt, endsAt } = facts
    const jti = await sha256(`at ${grantId} ${generation} ${issuedAt}`)
    const claims = { gid: grantId, gen: generation, client_id: clientId, ...signs(facts), scope: scopes.join(' ') }
    return this.#sign('at+jwt', claims, { sub, aud: resource, jti, iat: issuedAt, exp: Math.min(issuedAt + ttl, endsAt) })
  }

  async refreshToken(facts: PairFacts, ttl: number): Promise<string> {
    const { sub, grantId, clientId, generation, issuedAt, endsAt } = facts
    const jti = await sha256(`rt ${grantId} ${generation} ${issuedAt}`)
    const claims = { gid: grantId, gen: generation, client_id: clientId, ...signs(facts) }
    return this.#sign('rt+jwt', claims, { sub, aud: this.#issuer, jti, iat: issuedAt, exp: Math.min(issuedAt + ttl, endsAt) })
  }

  async verifyCode(token: string): Promise<CodeClaims | undefined> {
    const claims = reference.safeParse(await this.#verify('code+jwt', token, this.#issuer)).data
    return claims && { ...referenceOf(claims), jti: claims.jti, expiresAt: claims.exp }
  }

  async verifyRefreshToken(
    token: string,
  ): Promise<(GrantReference & { generation: number; issuedAt: number; expiresAt: number }) | undefined> {
    const claims = refreshClaims.safeParse(await this.#verify('rt+jwt', token, this.#issuer)).data
    return claims && { ...referenceOf(claims), generation: claims.gen, issuedAt: claims.iat, expiresAt: claims.exp }
  }

  /**
   * The caller an access token speaks for, or undefined; at once of a token that was verified before. `resource` undefined accepts any of ours
   * (introspection).
   */
  verifyAccessToken(token: string, resource: string | undefined): Caller | undefined | Promise<Caller | undefined> {
    const known = this.#verified.get(token)
    if (!known) return this.#verifiedCaller(token).then((caller) => caller && isFor(caller, resource))
    if (known.expiresAt > this.#now()) return isFor(known, resource)
    this.#verified.delete(token)
    return undefined
  }

  async #verifiedCaller(token: string): Promise<Caller | undefined> {
    const claims = accessClaims.safeParse(await this.#verify('at+jwt', token, undefined)).data
    if (!claims) return undefined
    const { gen, aud, scope, exp } = claims
    const scopes = scope === '' ? [] : scope.split(' ')
    const caller = { ...referenceOf(claims), generation: gen, resource: aud, scopes, expiresAt: exp }
    this.#verified.set(token, caller)
    return caller
  }

  #sign(
    typ: TokenType,
    claims: Record<string, string | number | boolean>,
    registered: Record<string, string | number>,
  ): Promise<string> {
    return new SignJWT({ iss: this.#issuer, ...registered, ...claims })
      .setProtectedHeader({ alg: 'HS256', typ })
      .sign(this.#ring.current.signing)
  }

  async #verify(typ: TokenType, token: string, audience: string | undefined): Promise<unknown> {
    // A real token is a few hundred bytes; anything longer is not worth a MAC. jose forgives white space in base64url, we do not.
    if (token.length > 4_096 || !COMPACT.test(token)) return undefined
    for (const keys of [this.#ring.current, this.#ring.previous]) {
      if (!keys) continue
      try {
        const { payload } = await jwtVerify(token, keys.signing, {
          algorithms: ['HS256'],
          typ,
          issuer: this.#issuer,
          currentDate: new Date(this.#now() * 1000),
          ...(audience !== undefined && { audience }),
        })
        return payload
      } catch {
        // Not ours under this key; whether it was forged, expired or of another kind makes no difference to anyone.
      }
    }
    return undefined
  }
}

function isFor(caller: Caller, resource: string | undefined): Caller | undefined {
  return resource === undefined || caller.resource === resource ? caller : undefined
}

function signs({ clientSigns }: Pick<GrantReference, 'clientSigns'>): { readonly client_signs?: true } {
  return clientSigns ? { client_signs: true } : {}
}

function referenceOf({ sub, gid, client_id, client_signs }: z.output<typeof reference>): GrantReference {
  return { sub, grantId: gid, clientId: client_id, ...(client_signs && { clientSigns: true }) }
}
