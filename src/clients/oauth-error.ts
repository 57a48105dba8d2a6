// Refusals of the authorization server: what the client is told and, apart from it, what our log is told.

/** Registered error codes (RFC 6749, 6750, 7009, 7591, 8707, OpenID Connect Core) and the status each is sent with. */
const STATUS = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  unsupported_response_type: 400,
  unsupported_token_type: 400,
  invalid_scope: 400,
  invalid_target: 400,
  invalid_redirect_uri: 400,
  invalid_client_metadata: 400,
  access_denied: 403,
  login_required: 400,
  consent_required: 400,
  server_error: 500,
  temporarily_unavailable: 503,
  too_many_requests: 429,
  request_timeout: 408,
  payload_too_large: 413,
} as const

export type OAuthErrorCode = keyof typeof STATUS

export interface OAuthErrorDetail {
  /** For the log only. */
  readonly reason?: string
  readonly cause?: unknown
  /** Seconds, for 429 and 503. */
  readonly retryAfter?: number
}

export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly code: OAuthErrorCode
  readonly status: number
  readonly reason: string | undefined
  readonly retryAfter: number | undefined

  /** `message` goes to the client and says what it can fix. */
  constructor(code: OAuthErrorCode, message: string, detail: OAuthErrorDetail = {}) {
    super(message, { cause: detail.cause })
    this.code = code
    this.status = STATUS[code]
    this.reason = detail.reason
    this.retryAfter = detail.retryAfter
  }
}
