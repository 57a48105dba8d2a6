// The answer to "may this caller go on, and as whom": the one object call every MCP request costs.
import type { Identity } from '../../caller.ts'
import type { Watched } from './recording.ts'

/** State of the person's token bucket, for the RateLimit-* headers. */
export interface Rate {
  readonly limit: number
  readonly remaining: number
  /** Seconds until the bucket is full again. */
  readonly resetSeconds: number
}

/** What a downstream may be told: who the person is, and the credential that proves it. */
export interface Vouched {
  readonly identity: Identity
  /** Those it is told, where all of them would be too much for its headers. */
  readonly groups?: readonly string[]
  /** The `Authorization` value for the downstream, by its auth mode; absent in mode `none`. */
  readonly authorization?: string
  /** The person's IdP access token, only in mode `idp-token`. */
  readonly idpAccessToken?: string
  /** The secrets that let the broker itself in, in the modes that have such; lower-case names. */
  readonly headers?: Readonly<Record<string, string>>
}

interface Admitted extends Vouched {
  readonly admitted: true
  readonly rate: Rate
  /** Present while an administrator has this grant recorded. */
  readonly recording?: Watched
}

type RefusalReason =
  | 'credential_revoked'
  | 'session_expired'
  /** The person has to connect to the downstream itself, again or for the first time. */
  | 'not_linked'
  | 'access_denied'
  /** What is said about the person fits into no header. */
  | 'identity_too_large'
  | 'limit_exceeded'
  | 'auth_unavailable'

export interface Refused {
  readonly admitted: false
  readonly reason: RefusalReason
  /** Seconds. */
  readonly retryAfter?: number
  readonly rate?: Rate
  readonly recording?: Watched
}

export type Admission = Admitted | Refused
