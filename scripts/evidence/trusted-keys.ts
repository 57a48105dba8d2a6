// The keys somebody trusts, and what the broker has signed with them: receipts, heads, and statements about lines that are kept no more.
import { calculateJwkThumbprint, compactVerify, importJWK, type JWK } from 'jose'
import * as z from 'zod'
import { GAP_TYPE, HEAD_TYPE, KEY_TYPE, RECEIPT_TYPE, type StatementType } from '../../src/evidence/statements.ts'

/** Says what is wrong, for whoever trusts nobody. */
export class EvidenceError extends Error {
  override readonly name = 'EvidenceError'
}

/** What else stands in a key counts for nothing, its `kid` and its `alg` neither. */
const publicKey = z.discriminatedUnion('kty', [
  z.object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string() }),
  z.object({ kty: z.literal('RSA'), n: z.string(), e: z.string() }),
])
export const keySet = z.object({ keys: z.array(publicKey) })
export const evidenceKey = z.object({
  kid: z.string(),
  jwk: publicKey,
  since: z.int().optional(),
  handover: z.string().optional(),
})
export const receiptClaims = z.object({
  iss: z.string(),
  iat: z.number(),
  jti: z.string(),
  receipt: z.looseObject({ id: z.string() }),
  line: z.object({ number: z.int(), digest: z.string(), hash: z.string() }).optional(),
})
const headClaims = z.object({ iss: z.string(), iat: z.number(), number: z.int(), hash: z.string() })
const gapClaims = z.object({ iss: z.string(), first: z.int(), last: z.int(), hash: z.string(), before: z.string() })
const keyClaims = z.object({ iss: z.string(), jwk: publicKey })

type OfferedKey = z.output<typeof evidenceKey>

/** As published by the broker, or named by the thumbprints that somebody wrote down: what a file brings along is not trusted by itself. */
export interface Trusted {
  readonly jwks?: readonly JWK[] | undefined
  readonly pins?: readonly string[] | undefined
}

/** By thumbprint, which nobody chooses. */
export class TrustedKeys {
  readonly #keys = new Map<string, JWK>()

  /** Those of a file count when they are pinned, or named by one that counts. */
  static async of({ jwks = [], pins = [] }: Trusted, offered: readonly OfferedKey[] = []): Promise<TrustedKeys> {
    const trusted = new TrustedKeys()
    for (const jwk of jwks) trusted.#keys.set(await calculateJwkThumbprint(jwk), jwk)
    const prints = await Promise.all(offered.map(async (one) => [await calculateJwkThumbprint(one.jwk), one] as const))
    for (const [print, { jwk }] of prints) if (pins.includes(print)) trusted.#keys.set(print, jwk)
    // A key that is handed over to may itself hand over: once for each of them is enough.
    for (let round = 0; round < prints.length; round += 1)
      for (const [print, { jwk, handover }] of prints) {
        if (handover === undefined || trusted.#keys.has(print)) continue
        const named = await trusted.#claims(handover, KEY_TYPE, keyClaims).catch(() => undefined)
        if (named && (await calculateJwkThumbprint(named.jwk)) === print) trusted.#keys.set(print, jwk)
      }
    return trusted
  }

  get size(): number {
    return this.#keys.size
  }

  async receipt(statement: string): Promise<z.output<typeof receiptClaims>> {
    return await this.#claims(statement, RECEIPT_TYPE, receiptClaims)
  }

  async head(statement: string): Promise<z.output<typeof headClaims>> {
    return await this.#claims(statement, HEAD_TYPE, headClaims)
  }

  async gap(statement: string): Promise<z.output<typeof gapClaims>> {
    return await this.#claims(statement, GAP_TYPE, gapClaims)
  }

  async #claims<Schema extends z.ZodType>(statement: string, type: StatementType, schema: Schema): Promise<z.output<Schema>> {
    const verified = await compactVerify(
      statement,
      async (header) => {
        const { kid, alg } = header
        const found = this.#keys.get(kid ?? '')
        if (!found) throw new EvidenceError(`it is signed by a key that is not trusted: ${String(kid).slice(0, 60)}`)
        // The key decides what signs with it, not the header.
        const own = found.kty === 'EC' ? 'ES256' : 'RS256'
        if (alg !== own) throw new EvidenceError(`it says ${String(alg).slice(0, 20)}, and its key signs ${own}`)
        return await importJWK(found, own)
      },
      { algorithms: ['ES256', 'RS256'] },
    ).catch((error: unknown) => {
      if (error instanceof EvidenceError) throw error
      throw new EvidenceError(`its signature does not hold: ${error instanceof Error ? error.message : 'no reason'}`)
    })
    const { typ } = verified.protectedHeader
    if (typ !== type) throw new EvidenceError(`it is a statement of another kind: ${String(typ).slice(0, 40)}, and not ${type}`)
    const parsed = schema.safeParse(JSON.parse(new TextDecoder().decode(verified.payload)))
    if (!parsed.success) throw new EvidenceError('its signature holds, and what it says is incomplete')
    return parsed.data
  }
}
