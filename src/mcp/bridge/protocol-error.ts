// Errors that a server of 2026-07-28 answers with, worded by the broker where it stands in for one.
import { MODERN_VERSION } from '../message/revision.ts'

/**
 * Stable codes and how each is sent. -32020…-32099 are the protocol's (2026-07-28, "Error Codes"); the status is the one it names, and 200
 * for what a server says after it has begun to work.
 */
const ERRORS = {
  invalid_request_meta: { status: 400, rpc: -32602 },
  unsupported_protocol_version: { status: 400, rpc: -32022 },
  capability_required: { status: 400, rpc: -32021 },
  method_not_found: { status: 404, rpc: -32601 },
  invalid_params: { status: 200, rpc: -32602 },
  request_state_refused: { status: 200, rpc: -32602 },
  not_translatable: { status: 200, rpc: -32603 },
} as const

export type ProtocolErrorCode = keyof typeof ERRORS

/** What the broker answers a request of 2026-07-28 with in place of the server behind it. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ProtocolErrorCode
  readonly status: number
  readonly #data: Readonly<Record<string, unknown>>

  /** `message` goes to the client and says what it can fix. */
  constructor(code: ProtocolErrorCode, message: string, data: Readonly<Record<string, unknown>> = {}) {
    super(message)
    this.code = code
    this.status = ERRORS[code].status
    this.#data = data
  }

  /** The JSON-RPC error response; `id` as the client spelled it, in JSON. */
  toJson(id: string, requestId: string): string {
    const data = { ...this.#data, code: this.code, request_id: requestId }
    const error = { code: ERRORS[this.code].rpc, message: this.message, data }
    return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify(error)}}`
  }
}

export function methodNotFound(method: string): ProtocolError {
  const shown = method.length > 100 ? `${method.slice(0, 100)}…` : method
  return new ProtocolError(
    'method_not_found',
    `Method not found: ${shown} is not one of MCP ${MODERN_VERSION}, or not of this server`,
  )
}

export function capabilityRequired(required: Readonly<Record<string, unknown>>): ProtocolError {
  const names = Object.keys(required).join(', ')
  const message = `This MCP server asks its client something while it works: declare the capability ${names}`
  return new ProtocolError('capability_required', message, { requiredCapabilities: required })
}
