// Refusals of the proxy: what a client of MCP is told when the broker, not the downstream, ends its request.

/**
 * Stable codes and how each is sent. The JSON-RPC codes are those of JSON-RPC 2.0, of MCP where it names one (-32020), or
 * from -32000…-32019, which MCP leaves to implementations; -32020…-32099 are reserved and would be taken for evidence of an era.
 */
const REFUSALS = {
  malformed_json: { status: 400, rpc: -32700 },
  ambiguous_json: { status: 400, rpc: -32600 },
  invalid_message: { status: 400, rpc: -32600 },
  batch_not_allowed: { status: 400, rpc: -32600 },
  malformed_header: { status: 400, rpc: -32600 },
  missing_envelope: { status: 400, rpc: -32602 },
  header_mismatch: { status: 400, rpc: -32020 },
  not_found: { status: 404, rpc: -32600 },
  session_not_found: { status: 404, rpc: -32001 },
  cursor_not_found: { status: 404, rpc: -32001 },
  stream_finished: { status: 405, rpc: -32000 },
  stream_not_offered: { status: 405, rpc: -32000 },
  body_too_slow: { status: 408, rpc: -32600 },
  body_too_large: { status: 413, rpc: -32600 },
  unsupported_media_type: { status: 415, rpc: -32600 },
  credential_revoked: { status: 401, rpc: -32003 },
  session_expired: { status: 401, rpc: -32003 },
  not_linked: { status: 401, rpc: -32003 },
  access_denied: { status: 403, rpc: -32006 },
  // An answer like any other of the server's: behind another status SDKs show the body as text, or nothing of it, and take the
  // connection for broken. None of them begins an authorization, which would not help.
  tool_not_allowed: { status: 200, rpc: -32007 },
  // With a challenge; the SDKs of both eras authorize again by themselves.
  insufficient_scope: { status: 403, rpc: -32008 },
  identity_too_large: { status: 403, rpc: -32009 },
  limit_exceeded: { status: 429, rpc: -32004 },
  broker_busy: { status: 503, rpc: -32009 },
  auth_unavailable: { status: 503, rpc: -32005 },
  // Nobody reads it; it keeps a client that left apart from a downstream that failed. 499 is what access logs call that.
  client_left: { status: 499, rpc: -32000 },
  downstream_unreachable: { status: 502, rpc: -32603 },
  downstream_timeout: { status: 504, rpc: -32603 },
  downstream_redirect: { status: 502, rpc: -32603 },
  downstream_unauthorized: { status: 502, rpc: -32603 },
  downstream_malformed: { status: 502, rpc: -32603 },
  downstream_no_stream: { status: 502, rpc: -32603 },
  downstream_endpoint: { status: 502, rpc: -32603 },
  downstream_broken: { status: 502, rpc: -32603 },
  downstream_event_too_large: { status: 502, rpc: -32603 },
} as const

export type McpRefusalCode = keyof typeof REFUSALS

export function isRefusalCode(code: string): code is McpRefusalCode {
  return Object.hasOwn(REFUSALS, code)
}

/** JSON-RPC ids as their client spelled them, in JSON: a number above 2^53 must come back unchanged. */
export interface RequestIds {
  /** The request's, where the message is one. */
  readonly id: string | undefined
  /** Those of all requests in the body. */
  readonly ids?: readonly string[]
}

export interface McpRefusalDetail {
  /** Each request of a batch is answered, and not the batch as a whole. */
  readonly isForEach?: boolean | undefined
  /** All that a token needs which gets through, where it lacks some. */
  readonly scopes?: readonly string[] | undefined
  /** The client has read it on a stream it has open. */
  readonly isTold?: boolean | undefined
  /** Sent with it: when to come again, what is left of an allowance. */
  readonly headers?: Headers | undefined
  /** For the log only. */
  readonly reason?: string | undefined
}

export class McpRefusal extends Error {
  override readonly name = 'McpRefusal'
  readonly code: McpRefusalCode
  readonly status: number
  readonly isForEach: boolean
  readonly scopes: readonly string[] | undefined
  readonly isTold: boolean
  readonly headers: Headers
  readonly reason: string | undefined
  #waiting: RequestIds | undefined

  /** `message` goes to the client and says what it can fix. */
  constructor(code: McpRefusalCode, message: string, detail: McpRefusalDetail = {}) {
    super(message)
    this.code = code
    this.status = REFUSALS[code].status
    this.isForEach = detail.isForEach ?? false
    this.scopes = detail.scopes
    this.isTold = detail.isTold ?? false
    this.headers = detail.headers ?? new Headers()
    this.reason = detail.reason
  }

  /** The code of the JSON-RPC error it is sent as. */
  get rpcCode(): number {
    return REFUSALS[this.code].rpc
  }

  /** Says who waits for an answer, where that is known. What refuses knows nothing of ids: whoever catches it does. */
  for(waiting: RequestIds): this {
    this.#waiting ??= waiting
    return this
  }

  /** The JSON-RPC error object, with where its code is explained; `id` is null where the request has none or can't be trusted (JSON-RPC 2.0 section 5). */
  toJson(requestId: string, docs?: string): string {
    const answers = this.answers(requestId, docs)
    return this.isForEach ? `[${answers.join(',')}]` : answers.join('')
  }

  /** One answer for each request, where they do not go together. */
  answers(requestId: string, docs?: string): readonly string[] {
    const { id, ids = [] } = this.#waiting ?? { id: undefined }
    return (this.isForEach ? ids : [id]).map((answered) =>
      this.#answer(answered, { code: this.code, request_id: requestId, docs }),
    )
  }

  #answer(id: string | undefined, data: object): string {
    const error = { code: this.rpcCode, message: this.message, data }
    return `{"jsonrpc":"2.0","id":${id ?? 'null'},"error":${JSON.stringify(error)}}`
  }
}

/** For whoever catches: a refusal says whose requests it answers, anything else stays what it is. */
export function namingRequests(error: unknown, waiting: RequestIds): unknown {
  return error instanceof McpRefusal ? error.for(waiting) : error
}

/** What everybody is told whose permission has ended, wherever the request or the stream was at that moment. */
export const ENDED = {
  credential_revoked: 'Unauthorized: access was taken back, sign in again',
  session_expired: 'Unauthorized: the session is over, sign in again',
} as const

/** Said where the MCP server itself wants the person to sign in: their client does what it does about every 401. */
export const NOT_LINKED = 'Unauthorized: this MCP server wants you to sign in there as well, sign in again'

/** Said to everybody who is not one of those a server is for, or not any more. */
export const DENIED =
  'Forbidden: this server is for some people and groups only, and your account is not one of them: ask your administrator'

/** 405 is what every client takes for a server that has nothing to say unasked (MCP 2025-11-25, "Listening for Messages from the Server"). */
export function notOffered(status: number): McpRefusal {
  const message = 'This MCP server offers no stream to listen to: all it has to say comes with the answers to requests'
  const headers = new Headers({ allow: 'POST, DELETE' })
  return new McpRefusal('stream_not_offered', message, { headers, reason: `GET was answered ${status}` })
}

/** A request that was under way when its permission ended, or the rules changed. */
export function interrupted(reason: unknown): McpRefusal {
  return reason === 'policy_changed' ? new McpRefusal('access_denied', DENIED) : revoked()
}

export function revoked(): McpRefusal {
  return new McpRefusal('credential_revoked', ENDED.credential_revoked)
}
