// The peer: the library that Cloudflare's own MCP servers are made with, doing the same job for the same downstream.
//
// Its KV is in the memory of the isolate, which is the best it can have: in production a read of KV leaves the process, and what was
// deleted is served from its cache for up to a minute. It does not read the body, and nothing can end a request that is on its way.
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Neighbour } from '../../selfhost/workerd-config.ts'

const LIBRARY = fileURLToPath(import.meta.resolve('@cloudflare/workers-oauth-provider'))
const { version }: { version: string } = JSON.parse(readFileSync(join(dirname(LIBRARY), '../package.json'), 'utf8'))

export const PEER = `workers-oauth-provider ${version}, its KV in memory`

export function peer(downstreamUrl: string, port: number): Neighbour {
  const imports = { 'workers-oauth-provider.js': readFileSync(LIBRARY, 'utf8') }
  return { name: 'peer', port, module: worker(downstreamUrl, `http://localhost:${port}`), imports }
}

function worker(downstreamUrl: string, origin: string): string {
  return `import { OAuthProvider } from './workers-oauth-provider.js'
const DOWNSTREAM = ${JSON.stringify(downstreamUrl)}
const PROPS = {
  authorization: 'Bearer ' + 'j'.repeat(600),
  identity: { issuer: 'http://localhost:8789', subject: 'alice', email: 'alice@example.com', name: 'Alice', groups: ['one', 'two'] },
}
const PASSING = new Set(['accept', 'content-type', 'mcp-method', 'mcp-name', 'mcp-protocol-version', 'mcp-session-id', 'user-agent'])
const kept = new Map()
const OAUTH_KV = {
  get: async (key, { type } = {}) => {
    const value = kept.get(key)
    if (value === undefined) return null
    return type === 'json' ? JSON.parse(value) : value
  },
  put: async (key, value) => void kept.set(key, value),
  delete: async (key) => void kept.delete(key),
  list: async ({ prefix = '' } = {}) => ({ keys: [...kept.keys()].filter((name) => name.startsWith(prefix)).map((name) => ({ name })), list_complete: true }),
}
const env = { OAUTH_KV }
const mcp = {
  async fetch(request, _env, { props: { identity, authorization } }) {
    const headers = {
      'accept-encoding': 'identity', authorization, 'x-user-issuer': identity.issuer, 'x-user-sub': identity.subject, 'x-forwarded-user': identity.subject,
      'x-user-email': identity.email, 'x-forwarded-email': identity.email, 'x-user-name': identity.name,
      'x-forwarded-name': identity.name, 'x-user-groups': identity.groups.join(','),
    }
    for (const [name, value] of request.headers) if (PASSING.has(name)) headers[name] = value
    return fetch(DOWNSTREAM, { method: request.method, headers, body: request.body, redirect: 'manual' })
  },
}
const pages = {
  async fetch(request, { OAUTH_PROVIDER }) {
    const asked = await OAUTH_PROVIDER.parseAuthRequest(request)
    const granted = { request: asked, userId: 'alice', metadata: {}, scope: asked.scope, props: PROPS }
    return Response.redirect((await OAUTH_PROVIDER.completeAuthorization(granted)).redirectTo, 302)
  },
}
const provider = new OAuthProvider({
  apiRoute: '/mcp', apiHandler: mcp, defaultHandler: pages,
  authorizeEndpoint: '/authorize', tokenEndpoint: '/token', clientRegistrationEndpoint: '/register',
  scopesSupported: ['mcp'], requiredScopes: ['mcp'],
  resourceMetadata: { resource: '${origin}/mcp', authorization_servers: ['${origin}'] },
})
export default { fetch: (request, _env, ctx) => provider.fetch(request, env, ctx) }
`
}

const REDIRECT_URI = 'http://127.0.0.1:33418/callback'

/** An access token: registers a client, has its only person say yes, and redeems the code. */
export async function peerToken(port: number): Promise<string> {
  const origin = `http://localhost:${port}`
  const asked = { client_name: 'bench', redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'none' }
  const registration = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(asked) }
  const { client_id } = await answered(`${origin}/register`, registration, z.object({ client_id: z.string() }))
  const verifier = randomBytes(32).toString('base64url')
  const resource = `${origin}/mcp`
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const pkce = { code_challenge: challenge, code_challenge_method: 'S256' }
  const request = {
    response_type: 'code',
    client_id,
    redirect_uri: REDIRECT_URI,
    scope: 'mcp',
    state: 'bench',
    resource,
    ...pkce,
  }
  const back = await fetch(`${origin}/authorize?${new URLSearchParams(request).toString()}`, { redirect: 'manual' })
  const code = URL.parse(back.headers.get('location') ?? '')?.searchParams.get('code')
  if (!code) throw new Error(`the peer gave no code: ${back.status} ${await back.text()}`)
  const redeemed = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: REDIRECT_URI,
    client_id,
    code_verifier: verifier,
    resource,
  }
  const redemption = { method: 'POST', body: new URLSearchParams(redeemed) }
  return (await answered(`${origin}/token`, redemption, z.object({ access_token: z.string() }))).access_token
}

async function answered<Schema extends z.ZodType>(url: string, init: RequestInit, schema: Schema): Promise<z.output<Schema>> {
  const answer = await fetch(url, init)
  const text = await answer.text()
  if (!answer.ok) throw new Error(`the peer refused ${url}: ${answer.status} ${text}`)
  return schema.parse(JSON.parse(text))
}
