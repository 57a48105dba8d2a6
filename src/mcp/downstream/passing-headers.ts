// The headers that pass, in either direction; whatever is not named here stays behind.
import { isOfLaterEra, type Passage } from '../message/era.ts'
import { EVENT_STREAM, NOT_HELD_BACK } from '../../platform/event-stream.ts'
import { McpRefusal } from '../message/refusal.ts'

/** Never `Authorization`, `Cookie`, `Origin` or anything that could pose as identity: those are the broker's to consume or to set. */
const TOWARD_DOWNSTREAM: readonly string[] = [
  'accept',
  'baggage',
  'content-type',
  'mcp-protocol-version',
  'traceparent',
  'tracestate',
  'user-agent',
]
/** Sessions and replay do not exist in the modern era; passing them on would bring them back. */
const TOWARD_LEGACY_DOWNSTREAM: ReadonlySet<string> = new Set([...TOWARD_DOWNSTREAM, 'last-event-id', 'mcp-session-id'])
/** They repeat what the body says and are compared with it in the modern era only. */
const TOWARD_MODERN_DOWNSTREAM: ReadonlySet<string> = new Set([...TOWARD_DOWNSTREAM, 'mcp-method', 'mcp-name'])
const PARAMETER_PREFIX = 'mcp-param-'

/** Never `Mcp-Session-Id`: a client knows the broker's id of a session, and some take the downstream's for it wherever it comes. */
const TOWARD_CLIENT: readonly string[] = ['allow', 'content-type', 'mcp-protocol-version', 'retry-after']

/** What runtimes agree about; obs-text (RFC 9110 section 5.5) is read as Latin-1 by one and as UTF-8 by another. */
const PRINTABLE = /^[\t\x20-\x7e]*$/

export function requestHeaders(
  client: Headers,
  { era, kind }: Passage,
  identity: Readonly<Record<string, string>>,
  /** What the operator lets through to this server. */
  alsoPassing: readonly string[] = [],
): Record<string, string> {
  const isModern = era === 'modern'
  const passing = isModern ? TOWARD_MODERN_DOWNSTREAM : TOWARD_LEGACY_DOWNSTREAM
  // A compressed event stream would be held back until a block of it is full.
  const headers: Record<string, string> = { 'accept-encoding': 'identity' }
  // By their names: most of a request's bytes are in the token, which stays behind.
  for (const name of client.keys()) {
    const isParameter = name.startsWith(PARAMETER_PREFIX)
    if (!passing.has(name) && !isParameter && !alsoPassing.includes(name)) continue
    const value = client.get(name) ?? ''
    // Nothing is negotiated yet, and a server of both eras that went by it would not see the initialize.
    if (kind === 'initialize' && name === 'mcp-protocol-version' && isOfLaterEra(value)) continue
    if (PRINTABLE.test(value)) {
      if (isModern || !isParameter) headers[name] = value
    } else if (name === 'content-type') {
      // It has been judged to be this; a text that goes without a type is given one, of plain text.
      headers[name] = 'application/json'
    } else if (name.startsWith('mcp-'))
      throw new McpRefusal('malformed_header', `the header ${name} has characters outside ASCII`)
  }
  return Object.assign(headers, identity)
}

/** A record, as for requests. */
export function responseHeaders({ headers: answered }: Response): Record<string, string> {
  const headers: Record<string, string> = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }
  for (const name of TOWARD_CLIENT) {
    const value = answered.get(name)
    if (value !== null && PRINTABLE.test(value)) headers[name] = value
  }
  const type = mediaType(answered)
  if (type === EVENT_STREAM) Object.assign(headers, NOT_HELD_BACK)
  // An error page of the downstream must not become a page of the broker's origin.
  else if (type !== 'application/json') headers['content-security-policy'] = "default-src 'none'; sandbox"
  return headers
}

export function isEventStream(answer: Response): boolean {
  return mediaType(answer.headers) === EVENT_STREAM
}

function mediaType(headers: Headers): string | undefined {
  const type = headers.get('content-type')
  // As nearly everybody spells it.
  if (type === null || type === 'application/json' || type === EVENT_STREAM) return type ?? undefined
  return type.split(';')[0]?.trim().toLowerCase()
}
