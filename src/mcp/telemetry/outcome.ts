// What an answer says went wrong, as OpenTelemetry's conventions for MCP call it (`error.type`); nothing else of it is looked at.
import { memberOf } from '../bridge/json-edit.ts'
import { idKey, isResponse, jsonIn } from '../message/response.ts'

/** Class of error, and the code of the JSON-RPC error where it is one. */
export interface Failure {
  readonly type: string
  readonly code?: string
}

const TOOL_ERROR = 'tool_error'

const utf8 = new TextDecoder()

/** By the id of the request: of one response whatever its id is, or of those in a batch of 2025-03-26. */
export function failuresIn(message: string | Uint8Array): (id: string | undefined) => Failure | undefined {
  const text = textOf(message)
  const list = /^\s*\[/.test(text) ? jsonIn(text) : undefined
  if (!Array.isArray(list)) {
    const failure = failureIn(text)
    return () => failure
  }
  const ofEach = new Map<string | undefined, Failure | undefined>()
  for (const each of list) if (isResponse(each)) ofEach.set(idKey(each.id), failureIn(JSON.stringify(each)))
  return (id) => ofEach.get(id)
}

/** Of a JSON-RPC response; undefined where it succeeded. */
export function failureIn(message: string | Uint8Array): Failure | undefined {
  const text = textOf(message)
  // Most results say nothing of the kind, and are not read any further.
  if (text.includes('"error"')) {
    const error = memberOf(text, ['error'])
    const code = error === undefined ? undefined : (memberOf(error, ['code']) ?? '')
    if (code !== undefined) return /^-?\d{1,9}$/.test(code) ? { type: code, code } : { type: '_OTHER' }
  }
  return text.includes('"isError"') && memberOf(text, ['result', 'isError']) === 'true' ? { type: TOOL_ERROR } : undefined
}

function textOf(message: string | Uint8Array): string {
  return typeof message === 'string' ? message : utf8.decode(message)
}

/** Of an answer by its status, where it says nothing else. */
export function failureOf(status: number): Failure | undefined {
  return status >= 400 ? { type: String(status) } : undefined
}

/** A server answers with whatever codes it likes; as labels there are those that are known. */
export function labelOfFailure({ type }: Failure): string {
  return KNOWN.has(type) ? type : '_OTHER'
}

const KNOWN: ReadonlySet<string> = new Set(
  `${TOOL_ERROR} cancelled
  -32700 -32600 -32601 -32602 -32603 -32000 -32001 -32002 -32003 -32004 -32005 -32006 -32007 -32008 -32009 -32020 -32021 -32022 -32042
  400 401 403 404 405 406 408 409 410 411 412 413 415 422 429 500 501 502 503 504`
    .split(/\s+/)
    .filter((word) => word !== ''),
)
