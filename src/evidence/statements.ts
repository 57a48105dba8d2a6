// What the broker signs about its evidence, each of a type of its own: no statement passes for another, and none for a token.

export const RECEIPT_TYPE = 'mcp-receipt+jws'
export const HEAD_TYPE = 'mcp-evidence-head+jws'
export const GAP_TYPE = 'mcp-evidence-gap+jws'
export const KEY_TYPE = 'mcp-evidence-key+jws'

export type StatementType = typeof RECEIPT_TYPE | typeof HEAD_TYPE | typeof GAP_TYPE | typeof KEY_TYPE

/** A public key that signs statements, or did. */
export interface EvidenceKey {
  readonly kid: string
  /** As `/.well-known/jwks.json` has it. */
  readonly jwk: Readonly<Record<string, string>>
  /** Unix seconds. */
  readonly since: number
  /** The statement by which the key before it names this one; absent of the first, and where the one before was taken away at once. */
  readonly handover?: string | undefined
}

/** Signs statements with the key of identity JWTs. */
export interface EvidenceSigner {
  readonly kid: string
  readonly jwk: Readonly<Record<string, string>>
  readonly sign: (type: StatementType, claims: Readonly<Record<string, unknown>>) => Promise<string>
  /** The same by the key before, while it is being changed. */
  readonly signBefore?: { readonly kid: string; readonly sign: EvidenceSigner['sign'] } | undefined
}
