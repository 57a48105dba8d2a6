// The contract every identity provider keeps: send a person there, understand the answer, ask again later.
import type { Identity, IdpTokens } from '../caller.ts'
import { RemoteError, type RemoteErrorOptions, type RemoteErrorReason, type RequestFault } from '../oauth-client/remote-error.ts'
import type { Claims } from './claims.ts'
import type { TokenRefresher } from '../session/contract/token-refresher.ts'

/** What the broker remembers while a person is away signing in; each value is random and used for one login. */
export interface Login {
  readonly state: string
  readonly nonce: string
  /** PKCE (RFC 7636); its S256 challenge goes to the provider. */
  readonly codeVerifier: string
  readonly redirectUri: string
}

/** Who has signed out: a person, or whoever had that session. At least one of both is named. */
export interface LoggedOut {
  readonly issuer: string
  readonly subject: string | undefined
  /** The `sid` of the provider's session. */
  readonly session: string | undefined
  readonly jti: string
  /** When nobody would take the token any more, in unix seconds. */
  readonly until: number
}

export interface SignedIn {
  readonly identity: Identity
  readonly tokens: IdpTokens
}

export interface IdentityProvider extends TokenRefresher {
  /** Which of the settings' providers this is. */
  readonly key: string
  /** The path its answers come to, and those of no other. */
  readonly callback: string
  /** Shown to people: "Cloudflare Access", or the issuer's host. */
  readonly name: string
  readonly host: string
  authorizationUrl(login: Login): Promise<URL>
  /** Whether a person may be one of this provider's. */
  issues(issuer: string): boolean
  /** By which its people are named. Where it stands for several, whatever its document names. Rejects with `IdentityError`. */
  ownIssuer(): Promise<string>
  /** A token for the broker itself (client_credentials); absent where there is none to have. Rejects with `IdentityError`. */
  ownToken?(scopes: readonly string[]): Promise<string>
  /** The issuer by which a sign-in names the people that this one signs about too; undefined where they are none of this provider's. */
  signInIssuer?(issuer: string): string | undefined
  /** Claims of a token of its issuer that came by another way than a sign-in, in the standard's words; absent: as they are. Throws `IdentityError`. */
  stated?(claims: Claims): Claims
  /**
   * `callback` is the URL the provider sent the browser back to, `assertion` what Cloudflare Access added to that request. Rejects with
   * `IdentityError`.
   */
  signIn(callback: URL, login: Login, assertion?: string): Promise<SignedIn>
  /** Who has signed out there, by a logout token that was verified. Rejects with `IdentityError`. */
  loggedOut(token: string): Promise<LoggedOut>
}

const SENTENCES: Readonly<Record<RemoteErrorReason, string>> = {
  unreachable: 'The identity provider did not answer. Please try again in a moment.',
  denied: 'The identity provider did not let you in.',
  refused: 'Token exchange failed: the identity provider refused to complete the sign-in.',
  invalid: 'The answer of the identity provider could not be verified, so the sign-in was stopped.',
}

const REFUSED_REQUESTS: Readonly<Record<RequestFault, string>> = {
  scope: 'The identity provider refused to begin the sign-in: it does not allow a scope that the broker asks for.',
  client: 'The identity provider refused to begin the sign-in: it does not let the broker ask.',
  request: 'The identity provider refused to begin the sign-in: it does not take the request as the broker sends it.',
}

export class IdentityError extends RemoteError {
  override readonly name = 'IdentityError'

  constructor(reason: RemoteErrorReason, detail: string, options: RemoteErrorOptions = {}) {
    super(options.fault === undefined ? SENTENCES[reason] : REFUSED_REQUESTS[options.fault], reason, detail, options)
  }
}
