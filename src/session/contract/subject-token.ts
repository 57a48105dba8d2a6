// What an issuer the operator trusts has said about a person, and for which use it said so; `identity` verifies it, `oauth` acts on it.
import type { Identity } from '../../caller.ts'

/** What a token claims to be: subject tokens as RFC 8693 section 3 names them, or an assertion for a client (ID-JAG). */
export type StatementKind = 'id_token' | 'access_token' | 'jwt' | 'id-jag'

export interface Statement {
  readonly identity: Identity
  /** A token without groups says nothing about them, unlike the answer to a sign-in. */
  readonly saysGroups: boolean
  /** It names an address that is not verified: the one known before counts no longer. */
  readonly losesEmail?: boolean
  /** Unix seconds. */
  readonly issuedAt: number
  readonly expiresAt: number
}

export interface VerifiedStatement extends Statement {
  /** The one of ours it is for. */
  readonly audience: string
  /** An access token says how long its bearer may act; an ID token says how long it may be shown. */
  readonly isAccessToken: boolean
  /** Of an assertion: which client may use it, once, for what. */
  readonly jti: string
  readonly clientId: string | undefined
  readonly resources: readonly string[]
  readonly scope: string | undefined
}

export type Verdict =
  | { readonly verified: true; readonly statement: VerifiedStatement }
  /** `why` is for our log; `unknown` means that the issuer's keys can't be had. */
  | { readonly verified: false; readonly refusal: 'expired' | 'invalid' | 'unknown'; readonly why: string }

/** How a token of an issuer is read; undefined where the settings name no issuer for it. */
export interface StatementReaders {
  readonly subject: ((token: string, kind: StatementKind) => Promise<Verdict>) | undefined
  readonly assertion: ((token: string) => Promise<Verdict>) | undefined
}
