// Why a person could not be connected to a downstream: a sentence for them, and what their administrator needs for the log alone.

import { RemoteError, type RemoteErrorOptions, type RemoteErrorReason } from '../oauth-client/remote-error.ts'

const MESSAGE: Readonly<Record<RemoteErrorReason, string>> = {
  unreachable: 'The sign-in of the MCP server does not answer',
  denied: 'You were not connected to the MCP server',
  refused: 'The sign-in of the MCP server refused the broker',
  invalid: 'The sign-in of the MCP server could not be verified',
}

export class LinkError extends RemoteError {
  override readonly name = 'LinkError'

  constructor(reason: RemoteErrorReason, detail: string, options: RemoteErrorOptions = {}) {
    super(MESSAGE[reason], reason, detail, options)
  }
}
