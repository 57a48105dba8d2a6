// The outside of the objects under test: an MCP server that says yes to everything, and an identity provider at https://idp.example
// whose answer depends on the refresh token it is shown.
import { ASKING, askingServer, isTold, reading } from './asking-server.ts'
import { DOCUMENTS, documents } from './documents.ts'
import { afterHold, control, isHeld, reached } from './held.ts'

const ISSUER = 'https://idp.example'
const DOWNSTREAM = 'http://127.0.0.1:9'

interface Asked {
  readonly url: string
  readonly method: string
  readonly headers: { get(name: string): string | null }
  text(): Promise<string>
}

/**
 * Runs in Node, in place of the network. A refresh token named `ended` has ended, `down` meets an outage, any other is renewed, `renewed twice` two times; one that is
 * `held NAME …` is answered when the test says so. It stands for the authorization server of `notes` too; a token that is given back to it has `arrived`.
 */
export async function outside(request: Asked): Promise<Response> {
  const { origin, pathname } = new URL(request.url)
  if (request.url.startsWith(ASKING)) return askingServer(request)
  if (isTold(request)) return reading(request)
  if (origin === DOWNSTREAM) return downstream(request)
  if (origin === DOCUMENTS) return documents(request)
  if (isHeld(request)) return control(request)
  if (origin !== ISSUER) return new Response(null, { status: 502 })
  if (pathname === '/.well-known/openid-configuration') {
    const metadata = { issuer: ISSUER, authorization_endpoint: `${ISSUER}/authorize`, token_endpoint: `${ISSUER}/token` }
    return Response.json(metadata)
  }
  if (pathname === '/revoke') {
    reached(new URLSearchParams(await request.text()).get('token') ?? '')
    return new Response(null)
  }
  if (pathname !== '/token') return new Response(null, { status: 404 })
  const token = await afterHold(new URLSearchParams(await request.text()).get('refresh_token') ?? '')
  if (token === 'down') return Response.json({ error: 'temporarily_unavailable' }, { status: 503 })
  if (token === 'ended') return Response.json({ error: 'invalid_grant' }, { status: 400 })
  return Response.json({
    access_token: `renewed by ${token}`,
    token_type: 'Bearer',
    expires_in: 600,
    refresh_token: NEXT[token] ?? token,
  })
}

const NEXT: Readonly<Record<string, string>> = { 'renewed twice': 'renewed once', 'renewed once': 'ended' }

const EVENTS = [1, 2, 3, 4].map((step) => `id: ${step}\ndata: {"jsonrpc":"2.0","method":"step","params":{"step":${step}}}\n\n`)

/** A tool call is answered as a stream that can be resumed, everything else in JSON. */
async function downstream(request: Asked): Promise<Response> {
  const isCall = request.method === 'POST' && (await request.text()).includes('"tools/call"')
  const lastEventId = request.headers.get('last-event-id')
  if (!isCall && lastEventId === null) {
    return Response.json({ jsonrpc: '2.0', id: 1, result: {} }, { headers: { 'mcp-session-id': 'theirs' } })
  }
  const events = [...EVENTS, 'id: 5\ndata: {"jsonrpc":"2.0","id":1,"result":{}}\n\n']
  const told = isCall ? ['id: 0\ndata:\n\n', ...events] : events.slice(Number(lastEventId))
  return new Response(told.join(''), { headers: { 'content-type': 'text/event-stream' } })
}
