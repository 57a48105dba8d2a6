// By what a signal of an identity system is found again: at the sender, and in receipts.

/** The ways by which a signal comes in. */
export type Door = 'backchannel-logout' | 'global-token-revocation' | 'shared-signals' | 'scim'

/** As receipts name it. */
export interface SignalFacts {
  readonly door: Door
  /** Who has signed it, or by whose credential it came. */
  readonly issuer: string
  readonly jti: string
  /** A short name, or the URI of the event type. */
  readonly event: string
  /** Of the transaction at the sender (RFC 8417 section 2.2), where it says one. */
  readonly txn?: string | undefined
  /** Unix milliseconds. */
  readonly receivedAt: number
}
