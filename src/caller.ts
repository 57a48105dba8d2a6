// Who is speaking: what a verified access token says, the one value every layer passes along.

export interface Caller {
  /** Name of the person's `UserSession`: base64url(SHA-256(IdP issuer, NUL, IdP subject)). */
  readonly sub: string
  readonly clientId: string
  /** The client signs what it asks of the authorization server; on MCP requests that is of no account. */
  readonly clientSigns?: boolean
  readonly grantId: string
  /** Refresh generation the token was issued in. */
  readonly generation: number
  /** Canonical URL of the brokered downstream the token is for (RFC 8707). */
  readonly resource: string
  readonly scopes: readonly string[]
  /** Unix seconds. */
  readonly expiresAt: number
}

/** What the identity provider said about a person; never used as a key except `issuer` and `subject`. */
export interface Identity {
  readonly issuer: string
  readonly subject: string
  readonly email?: string | undefined
  readonly name?: string | undefined
  readonly groups: readonly string[]
}

/** Tokens the identity provider issued to the broker for one person. They never leave `UserSession` except sealed. */
export interface IdpTokens {
  readonly accessToken: string
  /** Unix seconds; absent when the provider does not say. */
  readonly expiresAt?: number | undefined
  readonly refreshToken?: string | undefined
  readonly idToken?: string | undefined
}
