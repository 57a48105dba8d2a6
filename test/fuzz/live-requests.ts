// Requests at the running broker: whatever a stranger, a client or a server of theirs sends, no 5xx without its reason, and no silence.
import * as fc from 'fast-check'
import { BrokerClient } from '../world/broker-client.ts'
import { startRawDownstream } from '../world/raw-downstream.ts'
import { startWorld } from '../world/world.ts'
import { hostileJson, hostileText, mutated } from './target.ts'

const ANSWER_WITHIN_MS = 10_000
const PARALLEL = 16

const PATHS = [
  '/',
  '/health',
  '/mcp',
  '/mcp/',
  '/mcp/x%20y',
  '/mcp/%2e%2e/%00',
  '/sse',
  '/messages',
  '/authorize',
  '/callback',
  '/callback/oauth',
  '/link/callback',
  '/token',
  '/register',
  '/revoke',
  '/introspect',
  '/.sts',
  '/backchannel-logout',
  '/account',
  '/admin',
  '/admin/people',
  '/admin/confirm',
  '/admin/api/people',
  '/admin/api/revocations',
  '/admin/api/events',
  '/admin/api/machines',
  '/admin/live',
  '/.well-known/oauth-authorization-server',
  '/.well-known/oauth-protected-resource/mcp',
  '/.well-known/jwks.json',
  '/nowhere',
]
const WORDS = [
  'grant_type=authorization_code',
  '&',
  '=',
  'code=',
  'client_id=',
  'token=',
  'refresh_token',
  '%',
  '%00',
  '{',
  '}',
  '"',
  'eyJ',
  '.',
  '..',
  '=?',
  'state=x',
  'response_type=code',
  'redirect_uri=http://127.0.0.1/cb',
  'scope=mcp',
  'é',
]
const METHODS = [
  'tools/call',
  'tools/list',
  'initialize',
  'notifications/initialized',
  'notifications/cancelled',
  'subscriptions/listen',
  'server/discover',
  'ping',
  'x',
]
const HEADERS = [
  'mcp-session-id',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'last-event-id',
  'accept',
  'content-type',
  'origin',
  'cookie',
  'x-user-email',
  'content-encoding',
  'traceparent',
  'if-none-match',
  'range',
]
const VALUES = [
  '2025-11-25',
  '2026-07-28',
  'application/json',
  'text/event-stream',
  'application/x-www-form-urlencoded',
  'tools/call',
  '*/*',
  'null',
  'https://evil.example',
  'gzip',
  'x=1; y',
  '=?base64?!?=',
  'a'.repeat(2_000),
]

const rpc = fc
  .record({
    id: fc.constantFrom(1, 'a', null, 1.5, undefined),
    method: fc.constantFrom(...METHODS),
    params: hostileJson(
      ['name', 'uri', '_meta', 'protocolVersion', 'capabilities', 'requestId', 'io.modelcontextprotocol/protocolVersion'],
      [...METHODS, '2025-11-25', '2026-07-28'],
    ),
  })
  .map((message) => JSON.stringify({ jsonrpc: '2.0', ...message }))
const body = fc.oneof(
  { weight: 3, arbitrary: rpc },
  { weight: 2, arbitrary: mutated(rpc) },
  { weight: 2, arbitrary: hostileText(WORDS, 20) },
  {
    weight: 1,
    arbitrary: hostileJson(['redirect_uris', 'client_name', 'kind', 'sub'], ['http://127.0.0.1/cb', 'person']).map((value) =>
      JSON.stringify(value),
    ),
  },
)
const requests = fc.record({
  method: fc.constantFrom('GET', 'POST', 'POST', 'POST', 'DELETE', 'PUT', 'OPTIONS', 'HEAD', 'PATCH'),
  path: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...PATHS, '/mcp', '/mcp', '/mcp') },
    hostileText(['/', '%2f', '.', '..', 'mcp', 'admin', '%']).map((text) => `/${encodeURI(text.toWellFormed())}`),
  ),
  query: fc.oneof(
    { weight: 3, arbitrary: fc.constant('') },
    hostileText(WORDS).map((text) => `?${encodeURI(text.toWellFormed())}`),
  ),
  headers: fc.dictionary(
    fc.constantFrom(...HEADERS),
    fc.oneof(fc.constantFrom(...VALUES), fc.stringMatching(/^[\x21-\x7e]{0,20}$/)),
    { maxKeys: 4 },
  ),
  body,
  isSignedIn: fc.boolean(),
})
type LiveRequest = typeof requests extends fc.Arbitrary<infer Value> ? Value : never

/** What the MCP server behind the broker answers, by chance. */
const answers = fc.record({
  status: fc.constantFrom(200, 200, 200, 202, 204, 301, 400, 401, 404, 500),
  headers: fc.dictionary(
    fc.constantFrom('content-type', 'mcp-session-id', 'www-authenticate', 'location', 'content-encoding', 'set-cookie'),
    fc.constantFrom('application/json', 'text/event-stream', 'text/html', 'Bearer a="', 's-1', '/x', 'none', 'gzip', 'a=b'),
    { maxKeys: 3 },
  ),
  body: fc.oneof(rpc, hostileText(['data: ', '\n\n', 'id: 1', 'event: ping', '{"jsonrpc":"2.0","id":1,"result":{}}', '\r'], 20)),
})

export interface LiveResult {
  readonly byStatus: ReadonlyMap<number, number>
  readonly complaints: readonly string[]
}

/** Reasons for a 5xx that are the server's behind the broker, or a setting's; each has a code of ours and a request id. */
const EXPLAINED =
  /^(?:downstream_\w+|auth_unavailable|temporarily_unavailable|server_error_downstream|not_configured|overloaded|busy)$/

export async function liveRequests(count: number, seed: number): Promise<LiveResult> {
  const scripted = fc.sample(answers, { numRuns: 500, seed })
  let asked = 0
  const downstream = await startRawDownstream((_req, _body, res) => {
    const { status, headers, body: text } = scripted[asked++ % scripted.length] ?? { status: 200, headers: {}, body: '' }
    res.writeHead(status, headers).end(text)
  })
  const world = await startWorld({
    overrides: { DOWNSTREAM_MCP_URL: downstream.url, RATE_LIMIT_REQUESTS: '100000000', RATE_LIMIT_REGISTRATIONS: '100000000' },
  })
  try {
    const client = await BrokerClient.register(world.brokerUrl)
    const { accessToken } = await client.signIn('alice')
    const byStatus = new Map<number, number>()
    const complaints: string[] = []
    const inputs = fc.sample(requests, { numRuns: count, seed }).values()
    const worker = async (): Promise<void> => {
      for (const input of inputs) {
        const { status, complaint } = await sent(world.brokerUrl, input, accessToken)
        byStatus.set(status, (byStatus.get(status) ?? 0) + 1)
        if (complaint !== undefined) complaints.push(`${complaint}: ${JSON.stringify(input).slice(0, 600)}`)
      }
    }
    await Promise.all(Array.from({ length: PARALLEL }, worker))
    for (const { event, line } of world.logs.map(asLogged))
      if (event === 'request.failed' || /uncaught|internal error/i.test(line))
        complaints.push(`in the log: ${line.slice(0, 600)}`)
    return { byStatus, complaints }
  } finally {
    await world.close()
    await downstream.close()
  }
}

async function sent(
  origin: string,
  { method, path, query, headers, body: text, isSignedIn }: LiveRequest,
  token: string,
): Promise<{ readonly status: number; readonly complaint?: string }> {
  const ending = new AbortController()
  const timer = setTimeout(() => ending.abort(), ANSWER_WITHIN_MS)
  try {
    const answer = await fetch(`${origin}${path}${query}`, {
      method,
      headers: { ...headers, ...(isSignedIn && { authorization: `Bearer ${token}` }) },
      ...(method !== 'GET' && method !== 'HEAD' && { body: text }),
      redirect: 'manual',
      signal: ending.signal,
    })
    const { status } = answer
    // A stream that stays open is an answer; whoever asked leaves.
    if (answer.headers.get('content-type')?.startsWith('text/event-stream') === true) {
      ending.abort()
      return { status }
    }
    const said = await answer.text()
    if (status < 500) return { status }
    const isExplained = EXPLAINED.test(codeOf(said)) && answer.headers.get('x-request-id') !== null
    // A status that the server gave stays as it is.
    return isExplained || !said.includes('request_id')
      ? { status }
      : { status, complaint: `unexplained ${status} ${said.slice(0, 200)}` }
  } catch (error) {
    return { status: 0, complaint: `no answer (${String(error)})` }
  } finally {
    clearTimeout(timer)
  }
}

function codeOf(text: string): string {
  return /"(?:error|code)":"([a-z_]+)"/.exec(text)?.[1] ?? ''
}

function asLogged(line: unknown): { readonly event: string; readonly line: string } {
  const text = JSON.stringify(line)
  return { event: /"event":"([\w.]+)"/.exec(text)?.[1] ?? '', line: text }
}
