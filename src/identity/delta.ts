// What one provider does differently from any OpenID Connect issuer.
import type { Claims } from './claims.ts'
import type { Metadata } from './discovery.ts'

/** What a provider's own API can be asked with, about the person it belongs to. */
export interface Asking {
  readonly metadata: Metadata
  readonly accessToken: string
}

export interface Delta {
  readonly name?: string
  readonly clientAuthentication?: 'client_secret_post'
  /** Endpoints of a provider that publishes none. */
  readonly metadata?: Metadata
  /** Whether a document that names this issuer is the one that was looked for, where it is not exactly the one configured. */
  readonly publishes?: (issuer: string) => boolean
  /** Userinfo tells less than the ID token, and is not asked. */
  readonly hasNoUserInfo?: true
  /** Added to the authorization request, or with undefined taken from it. */
  readonly parameters?: Readonly<Record<string, string | undefined>>
  /** Whether a person may be of this issuer, where one document stands for several. */
  readonly issues?: (issuer: string) => boolean
  /** The issuer that a sign-in names, of one that signs about the same people by another name. */
  readonly signInIssuer?: (issuer: string) => string | undefined
  /** The document as it is for whoever the claims of an ID token are about; they are not verified yet, and will be against what comes back. */
  readonly metadataFor?: (published: Metadata, unverified: Claims | undefined) => Metadata
  /**
   * Verified claims in the standard's words, completed by what the provider's API knows. Rejects with `denied` whom the settings do not
   * let in.
   */
  readonly claims?: (spelled: Claims, asking: Asking) => Claims | Promise<Claims>
  /**
   * The same for a token that came by another way than a sign-in: nobody can be asked with it, and what it does not say stays absent.
   * Whoever it is about has to be who they are when they sign in: a person who is blocked must not come back under another subject.
   */
  readonly stated?: (spelled: Claims) => Claims
  /** Who an access token belongs to, where no ID token and no userinfo of OpenID Connect says so. `refused` with invalid_token: nobody, any more. */
  readonly owner?: (asking: Asking) => Promise<Claims>
}
