// Why a request to the admin API was refused: a status, a stable code and a sentence, for programs to act on and people to read.

const STATUS = {
  invalid_request: 400,
  unauthorized: 401,
  invalid_token: 401,
  forbidden: 403,
  forbidden_origin: 403,
  csrf_token_wrong: 403,
  sign_in_again: 403,
  not_found: 404,
  no_sealing_key: 409,
  sealing_key_changed: 409,
  stream_failed: 502,
} as const

export class AdminRefusal extends Error {
  override readonly name = 'AdminRefusal'
  readonly code: keyof typeof STATUS
  /** Who was refused, when it is known; for the log. */
  readonly actor: string | undefined

  constructor(code: keyof typeof STATUS, message: string, actor?: string) {
    super(message)
    this.code = code
    this.actor = actor
  }

  get status(): (typeof STATUS)[keyof typeof STATUS] {
    return STATUS[this.code]
  }
}
