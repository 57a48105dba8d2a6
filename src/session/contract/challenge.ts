// What the person's object is told of a downstream that does not take the person's token.

/** The downstream's 401, or its 403 for want of a scope. */
export interface Challenge {
  readonly grantId: string
  /** Our own resource. */
  readonly resource: string
  readonly status: 401 | 403
  readonly scopes: readonly string[]
  /** The `Authorization` it did not take. */
  readonly used: string
  /** It was given a newer one already, for this very request. */
  readonly again: boolean
}
