// A bare client of a broker: registers, sends people through the sign-in, redeems, refreshes, revokes, calls; each step is one visible request.
import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { signInAs, type SignInOptions } from './browser.ts'
import { OpenStream } from './open-stream.ts'
import type { PersonKey } from './people.ts'

/** Nothing listens there: the browser made of fetch stops before it would be requested. */
export const REDIRECT_URI = 'http://127.0.0.1:33418/callback'
export const MODERN = '2026-07-28'
/** What the envelope of each request of 2026-07-28 says about its sender. */
export const MODERN_META = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientInfo': { name: 'bare client', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** What every client sends with a message. */
export function postHeaders(accessToken: string): Record<string, string> {
  return {
    authorization: `Bearer ${accessToken}`,
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
  }
}

export function modernHeaders(accessToken: string, method: string): Record<string, string> {
  return {
    ...postHeaders(accessToken),
    'mcp-protocol-version': MODERN,
    'mcp-method': method,
  }
}

const metadataSchema = z.object({
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  registration_endpoint: z.url(),
  revocation_endpoint: z.url(),
  introspection_endpoint: z.url(),
})
const registeredSchema = z.object({ client_id: z.string(), client_secret: z.string().optional() })
const grantedSchema = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.number(),
  scope: z.string(),
})

/** Parameters that replace or complete the usual ones; undefined takes one away, a list repeats it. */
export type Changes = Readonly<Record<string, string | readonly string[] | undefined>>

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

export interface Tokens {
  readonly accessToken: string
  readonly refreshToken: string
  /** Seconds. */
  readonly expiresIn: number
  readonly scope: string
}

export interface Code {
  readonly code: string
  readonly verifier: string
}

export interface KnownClient {
  readonly id: string
  readonly secret?: string
  readonly redirectUri: string
}

async function endpointsOf(issuer: string): Promise<z.output<typeof metadataSchema>> {
  return metadataSchema.parse(accepted(await answerTo(await fetch(`${issuer}/.well-known/oauth-authorization-server`))))
}

export class BrokerClient {
  readonly clientId: string
  readonly clientSecret: string | undefined
  readonly redirectUri: string
  readonly #endpoints: z.output<typeof metadataSchema>

  private constructor(
    endpoints: z.output<typeof metadataSchema>,
    registered: z.output<typeof registeredSchema>,
    redirectUri: string,
  ) {
    this.#endpoints = endpoints
    this.clientId = registered.client_id
    this.clientSecret = registered.client_secret
    this.redirectUri = redirectUri
  }

  /** A public client, unless the metadata says otherwise. */
  static async register(
    issuer: string,
    metadata: { redirect_uris?: readonly string[]; [member: string]: unknown } = {},
  ): Promise<BrokerClient> {
    const endpoints = await endpointsOf(issuer)
    const asked = {
      client_name: 'Test client',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      ...metadata,
    }
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(endpoints.registration_endpoint, { method: 'POST', headers, body: JSON.stringify(asked) })
    const [redirectUri = REDIRECT_URI] = asked.redirect_uris
    return new BrokerClient(endpoints, registeredSchema.parse(accepted(await answerTo(answer))), redirectUri)
  }

  /** A client that needs no registration: one that a document describes, or one the operator has entered. */
  static async known(issuer: string, { id, secret, redirectUri }: KnownClient): Promise<BrokerClient> {
    return new BrokerClient(await endpointsOf(issuer), { client_id: id, client_secret: secret }, redirectUri)
  }

  /** The link a client would open in a browser, and the PKCE verifier that goes with it. */
  authorizeUrl(changes: Changes = {}): { readonly url: string; readonly verifier: string } {
    const verifier = randomBytes(32).toString('base64url')
    const url = new URL(this.#endpoints.authorization_endpoint)
    url.search = parameters({
      response_type: 'code',
      client_id: this.clientId,
      redirect_uri: this.redirectUri,
      state: randomBytes(8).toString('hex'),
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...changes,
    }).toString()
    return { url: url.href, verifier }
  }

  async code(person: PersonKey, { changes = {}, ...options }: SignInOptions & { changes?: Changes } = {}): Promise<Code> {
    const { url, verifier } = this.authorizeUrl(changes)
    const back = await signInAs(person, url, { stopAt: this.redirectUri, ...options })
    const code = back.searchParams.get('code')
    if (code === null) throw new Error(`the sign-in ended without a code: ${back.href}`)
    return { code, verifier }
  }

  async redeem({ code, verifier }: Code, changes: Changes = {}): Promise<Answer> {
    return await this.token({
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      redirect_uri: this.redirectUri,
      ...changes,
    })
  }

  async refresh(refreshToken: string, changes: Changes = {}): Promise<Answer> {
    return await this.token({ grant_type: 'refresh_token', refresh_token: refreshToken, ...changes })
  }

  async token(changes: Changes): Promise<Answer> {
    return await this.#post(this.#endpoints.token_endpoint, changes)
  }

  async revoke(token: string): Promise<Answer> {
    return await this.#post(this.#endpoints.revocation_endpoint, { token })
  }

  async introspect(token: string): Promise<Answer> {
    return await this.#post(this.#endpoints.introspection_endpoint, { token })
  }

  /** The whole way from the client's link to a pair of tokens. */
  async signIn(person: PersonKey, options: SignInOptions & { changes?: Changes } = {}): Promise<Tokens> {
    return tokensOf(await this.redeem(await this.code(person, options)))
  }

  async #post(endpoint: string, changes: Changes): Promise<Answer> {
    const body = parameters({ client_id: this.clientId, client_secret: this.clientSecret, ...changes })
    return await answerTo(await fetch(endpoint, { method: 'POST', body }))
  }
}

/** Throws unless the token endpoint granted them. */
export function tokensOf(answer: Answer): Tokens {
  const granted = grantedSchema.parse(accepted(answer))
  return {
    accessToken: granted.access_token,
    refreshToken: granted.refresh_token,
    expiresIn: granted.expires_in,
    scope: granted.scope,
  }
}

/** The `error` of a refusal, as RFC 6749 section 5.2 words it. */
export function errorOf({ text }: Answer): unknown {
  const { error }: { error?: unknown } = JSON.parse(text)
  return error
}

export interface ToolCall {
  readonly tool?: string
  readonly arguments?: object
  readonly meta?: object
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Another way than the usual one to the URL. */
  readonly ask?: (url: string, init: RequestInit) => Promise<Response>
}

/** One `tools/call` of 2026-07-28, which needs no session; the answer as it comes, streams included. */
export async function callTool(mcpUrl: string, accessToken: string, call: ToolCall = {}): Promise<Response> {
  const { tool = 'echo', arguments: given = { message: 'hello' }, meta = {}, headers = {}, signal, ask = fetch } = call
  const _meta = { ...MODERN_META, ...meta }
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: given, _meta } }
  return await ask(mcpUrl, {
    method: 'POST',
    headers: { ...modernHeaders(accessToken, 'tools/call'), 'mcp-name': tool, ...headers },
    body: JSON.stringify(message),
    ...(signal && { signal }),
  })
}

/** A tool call that goes on for minutes and says something ten times a second. */
export async function countForLong(mcpUrl: string, accessToken: string, signal?: AbortSignal): Promise<OpenStream> {
  const answer = await callTool(mcpUrl, accessToken, {
    tool: 'count',
    arguments: { to: 6_000, interval_ms: 100 },
    meta: { progressToken: 'count' },
    ...(signal && { signal }),
  })
  if (answer.status !== 200) throw new Error(`the call was answered ${answer.status}: ${await answer.text()}`)
  const stream = new OpenStream(answer)
  await stream.untilSaid('"progress":2')
  return stream
}

/** The status of a plain call with this token: 200 where it is worth something. */
export async function statusWith(mcpUrl: string, accessToken: string): Promise<number> {
  const answer = await callTool(mcpUrl, accessToken)
  await answer.text()
  return answer.status
}

function parameters(changes: Changes): URLSearchParams {
  const given = new URLSearchParams()
  for (const [name, values] of Object.entries(changes)) for (const value of [values ?? []].flat()) given.append(name, value)
  return given
}

async function answerTo(response: Response): Promise<Answer> {
  return { status: response.status, headers: response.headers, text: await response.text() }
}

function accepted({ status, text }: Answer): unknown {
  if (status < 200 || status > 299) throw new Error(`the broker answered ${status}: ${text.slice(0, 500)}`)
  return JSON.parse(text)
}
