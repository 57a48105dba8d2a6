// An MCP server that wants people to sign in, and its authorization server: honest until a test bends a document or an answer.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { keyRing } from '../../../src/issuer/keys.ts'
import type { Registrar } from '../../../src/linking/registration.ts'
import type { Downstream } from '../../../src/settings/downstreams.ts'
import { close, listen } from '../../world/listening.ts'

export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export interface Asked {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly body: string
}

type Answer = Reply | ((asked: Asked) => Reply)

export class ScriptedServer {
  readonly asked: Asked[] = []
  /** By path; what is not there is answered 404. */
  readonly answers = new Map<string, Answer>()
  readonly origin: string
  readonly close: () => Promise<void>

  private constructor(origin: string, ending: () => Promise<void>) {
    this.origin = origin
    this.close = ending
    this.answers.set('/mcp', { status: 401, headers: { 'www-authenticate': 'Bearer' } })
    this.answers.set('/.well-known/oauth-protected-resource/mcp', { body: this.resource() })
    this.answers.set('/.well-known/oauth-authorization-server', { body: this.metadata() })
    this.answers.set('/register', () => ({ status: 201, body: { client_id: 'registered', client_secret: 'its secret' } }))
    this.answers.set('/token', {
      body: { access_token: 'access', refresh_token: 'refresh', token_type: 'Bearer', expires_in: 60 },
    })
    this.answers.set('/revoke', {})
  }

  static async start(): Promise<ScriptedServer> {
    const server = createServer((req, res) => {
      void scripted.#serve(req, res)
    })
    const port = await listen(server, 0)
    const scripted = new ScriptedServer(`http://127.0.0.1:${port}`, () => close(server))
    return scripted
  }

  get downstream(): Downstream {
    return downstreamAt(`${this.origin}/mcp`)
  }

  resource(): Record<string, unknown> {
    return { resource: `${this.origin}/mcp`, authorization_servers: [this.origin] }
  }

  metadata(): Record<string, unknown> {
    return {
      issuer: this.origin,
      authorization_endpoint: `${this.origin}/authorize`,
      token_endpoint: `${this.origin}/token`,
      registration_endpoint: `${this.origin}/register`,
      revocation_endpoint: `${this.origin}/revoke`,
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['client_secret_basic'],
    }
  }

  bendResource(change: Record<string, unknown>): void {
    this.answers.set('/.well-known/oauth-protected-resource/mcp', { body: { ...this.resource(), ...change } })
  }

  bendMetadata(change: Record<string, unknown>): void {
    this.answers.set('/.well-known/oauth-authorization-server', { body: { ...this.metadata(), ...change } })
  }

  paths(): readonly string[] {
    return this.asked.map(({ path }) => path)
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { status = 200, headers, body = '' } = await this.#answer(req)
    res.writeHead(status, { 'content-type': 'application/json', ...headers })
    res.end(typeof body === 'string' ? body : JSON.stringify(body))
  }

  async #answer(req: IncomingMessage): Promise<Reply> {
    const path = new URL(req.url ?? '/', 'http://server').pathname
    const asked = { method: req.method ?? '', path, authorization: req.headers.authorization, body: await text(req) }
    this.asked.push(asked)
    const answer = this.answers.get(path) ?? { status: 404 }
    return typeof answer === 'function' ? answer(asked) : answer
  }
}

export function downstreamAt(url: string): Downstream {
  return {
    name: 'vault',
    path: '/servers/vault/mcp',
    resource: 'https://broker.example/servers/vault/mcp',
    url,
    auth: 'oauth',
    transport: 'auto',
    scopes: ['mcp'],
  }
}

/** With a Directory that is a Map. */
export async function registrar(baseUrl = 'https://broker.example'): Promise<Registrar & { readonly kept: Map<string, string> }> {
  const kept = new Map<string, string>()
  const store = {
    registration: async (resource: string) => kept.get(resource),
    keepRegistration: async (resource: string, sealed: string) => void kept.set(resource, sealed),
  }
  const secret = Uint8Array.from({ length: 32 }, (_, index) => index * 7)
  return { baseUrl, keys: await keyRing({ secret }), store, opensHere: () => false, now: () => 1_800_000_000, kept }
}
