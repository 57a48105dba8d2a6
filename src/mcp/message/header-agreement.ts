// Headers and body of a modern message must say the same (SEP-2243): whoever routes by the headers decides about this body.
//
// Only for the modern era. Clients are known to send Mcp-Method on legacy requests too, and not always the right one.
import type { Message } from './json-rpc-body.ts'
import { McpRefusal } from './refusal.ts'

/** Which member of `params` the Mcp-Name header repeats. The rows for tasks come from SEP-2663. */
export const NAMED_BY: ReadonlyMap<string, 'name' | 'uri' | 'taskId'> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
])

const SENTINEL = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** `version` is what the body says; anything but a string is the downstream's to judge. */
export function checkAgreement(message: Message, version: unknown, headers: Headers): void {
  const { kind, method, params } = message
  const isRequired = kind === 'request'
  if (typeof version === 'string') agree('MCP-Protocol-Version', headers.get('mcp-protocol-version'), version, isRequired)
  agree('Mcp-Method', headers.get('mcp-method'), method, isRequired)
  const member = NAMED_BY.get(method)
  const name = member === undefined ? undefined : params[member]
  if (typeof name === 'string') agree('Mcp-Name', nameOf(headers.get('mcp-name')), name, isRequired)
}

function agree(header: string, said: string | null, body: string, isRequired: boolean): void {
  if (said === body || (said === null && !isRequired)) return
  throw mismatch(said === null ? `the ${header} header is missing` : `the ${header} header and the body disagree`)
}

/** A name that no header can hold travels as `=?base64?…?=`. */
function nameOf(value: string | null): string | null {
  if (value === null || !value.startsWith('=?base64?') || !value.endsWith('?=')) return value
  const encoded = SENTINEL.exec(value)?.[1]
  const name = encoded === undefined ? undefined : decoded(encoded)
  if (name === undefined) throw mismatch('the Mcp-Name header is not valid Base64 of UTF-8')
  return name
}

function decoded(encoded: string): string | undefined {
  try {
    const bytes = atob(encoded)
    // Only the canonical spelling: two of them for one name would be two names to whoever compares headers.
    if (btoa(bytes) !== encoded) return undefined
    return strictUtf8.decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)))
  } catch {
    return undefined
  }
}

function mismatch(message: string): McpRefusal {
  return new McpRefusal('header_mismatch', message)
}
