// Why a person could not be connected to a downstream: a sentence for them, and what their administrator needs for the log alone.

export type LinkErrorReason =
  /** The downstream or its authorization server did not answer, or not with anything readable. */
  | 'unreachable'
  /** The person, or the server on their behalf, said no. */
  | 'denied'
  /** The authorization server refused the broker. */
  | 'refused'
  /** What came back failed a check: no part of it is used. */
  | 'invalid'

const MESSAGE: Readonly<Record<LinkErrorReason, string>> = {
  unreachable: 'The sign-in of the MCP server does not answer',
  denied: 'You were not connected to the MCP server',
  refused: 'The sign-in of the MCP server refused the broker',
  invalid: 'The sign-in of the MCP server could not be verified',
}

export class LinkError extends Error {
  override readonly name = 'LinkError'
  readonly reason: LinkErrorReason
  /** For the log; may quote the server. */
  readonly detail: string
  /** The OAuth error code, where the server gave one. */
  readonly code: string | undefined

  constructor(reason: LinkErrorReason, detail: string, { code, cause }: { code?: string; cause?: unknown } = {}) {
    super(MESSAGE[reason], { cause })
    this.reason = reason
    this.detail = detail.slice(0, 300)
    this.code = code
  }
}
