// A real MCP server that wants people to sign in: the example server behind OAuth of its own, with one small authorization server on the same port.
import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { startDownstream, type Downstream } from './downstream.ts'
import { close, listen } from './listening.ts'

interface Issued {
  readonly access: string
  readonly refresh: string
  readonly clientId: string
}

interface Code {
  readonly clientId: string
  readonly redirectUri: string
  readonly challenge: string
  readonly resource: string
}

export interface ProtectedOptions {
  /** RFC 9207. */
  readonly namesIssuer?: boolean
  /** Gives out no secrets. */
  readonly publicClients?: boolean
  readonly scopes?: readonly string[]
}

/** The person is not asked: whoever comes is signed in, or turned away while `turnsAway`. */
export class ProtectedDownstream {
  /** Every token it has ever given, and every client secret: none of them may show anywhere else. */
  readonly secrets: string[] = []
  readonly revoked: string[] = []
  registrations = 0
  refreshes = 0
  signIns = 0
  /** Requests at the token endpoint that have not been answered. */
  waiting = 0
  /** What the token endpoint was sent. */
  readonly redeemed: URLSearchParams[] = []
  /** Where a malicious authorization server sends people instead of signing them in. */
  forwards: ((asked: URLSearchParams) => string) | undefined
  readonly #options: ProtectedOptions
  turnsAway = false
  /** The token endpoint answers when this has settled. */
  hold: Promise<unknown> | undefined
  readonly inner: Downstream
  readonly #server: Server
  readonly #taken = new Set<string>()
  readonly #codes = new Map<string, Code>()
  readonly #refreshable = new Map<string, string>()
  readonly #clients = new Map<string, { readonly secret: string; readonly redirectUris: readonly unknown[] }>()
  #origin = ''

  private constructor(inner: Downstream, options: ProtectedOptions) {
    this.inner = inner
    this.#options = options
    this.#server = createServer((req, res) => {
      this.#answer(req, res).catch((error: unknown) => {
        if (res.headersSent) res.destroy()
        else json(res, 500, { error: 'server_error', error_description: String(error) })
      })
    })
  }

  static async start(options: ProtectedOptions = {}): Promise<ProtectedDownstream> {
    const server = new ProtectedDownstream(await startDownstream(), options)
    server.#origin = `http://127.0.0.1:${await listen(server.#server, 0)}`
    return server
  }

  get url(): string {
    return `${this.#origin}/mcp`
  }

  /** Of every client that registered. */
  get clientIds(): readonly string[] {
    return [...this.#clients.keys()]
  }

  /** As when access tokens expire: refresh tokens are still good. */
  expireTokens(): void {
    this.#taken.clear()
  }

  /** As when somebody ends everything there. */
  forgetEverybody(): void {
    this.#taken.clear()
    this.#refreshable.clear()
  }

  async close(): Promise<void> {
    await close(this.#server)
    await this.inner.close()
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '/', this.#origin)
    const body = await buffer(req)
    const form = new URLSearchParams(body.toString())
    if (url.pathname === '/.well-known/oauth-protected-resource/mcp')
      return json(res, 200, {
        resource: this.url,
        authorization_servers: [this.#origin],
        scopes_supported: this.#options.scopes ?? ['files'],
      })
    if (url.pathname === '/.well-known/oauth-authorization-server') return json(res, 200, this.#metadata())
    if (url.pathname === '/register') return this.#register(res, JSON.parse(body.toString()))
    if (url.pathname === '/authorize') return this.#authorize(res, url.searchParams)
    if (url.pathname === '/token') {
      this.redeemed.push(form)
      this.waiting += 1
      await this.hold
      this.waiting -= 1
      return this.#token(req, res, form)
    }
    if (url.pathname === '/revoke') {
      const token = form.get('token') ?? ''
      this.revoked.push(token)
      this.#taken.delete(token)
      this.#refreshable.delete(token)
      return void res.end()
    }
    if (!this.#taken.has(req.headers.authorization?.replace(/^Bearer /, '') ?? '')) {
      const challenge = `Bearer resource_metadata="${this.#origin}/.well-known/oauth-protected-resource/mcp", error="invalid_token"`
      return json(res, 401, { error: 'invalid_token' }, { 'www-authenticate': challenge })
    }
    await this.#pass(req, res, body)
  }

  #metadata(): object {
    return {
      issuer: this.#origin,
      authorization_endpoint: `${this.#origin}/authorize`,
      token_endpoint: `${this.#origin}/token`,
      registration_endpoint: `${this.#origin}/register`,
      revocation_endpoint: `${this.#origin}/revoke`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: this.#options.publicClients ? ['none'] : ['client_secret_basic', 'none'],
      authorization_response_iss_parameter_supported: this.#options.namesIssuer ?? true,
    }
  }

  #register(res: ServerResponse, asked: Record<string, unknown>): void {
    this.registrations += 1
    const [id, secret] = [`client.${randomBytes(6).toString('hex')}`, this.#secret()]
    this.#clients.set(id, { secret, redirectUris: [asked['redirect_uris']].flat() })
    const given = this.#options.publicClients ? {} : { client_secret: secret, client_secret_expires_at: 0 }
    json(res, 201, { ...asked, client_id: id, ...given })
  }

  #authorize(res: ServerResponse, asked: URLSearchParams): void {
    if (this.forwards) return void res.writeHead(302, { location: this.forwards(asked) }).end()
    this.signIns += 1
    const redirectUri = asked.get('redirect_uri') ?? ''
    const isRegistered = this.#clients.get(asked.get('client_id') ?? '')?.redirectUris.includes(redirectUri)
    if (isRegistered !== true) return json(res, 400, { error: 'invalid_redirect_uri' })
    const back = new URL(redirectUri)
    back.searchParams.set('state', asked.get('state') ?? '')
    if (this.#options.namesIssuer ?? true) back.searchParams.set('iss', this.#origin)
    if (this.turnsAway) back.searchParams.set('error', 'access_denied')
    else {
      const code = this.#secret()
      const clientId = asked.get('client_id') ?? ''
      const [challenge, resource] = [asked.get('code_challenge') ?? '', asked.get('resource') ?? '']
      this.#codes.set(code, { clientId, redirectUri, challenge, resource })
      back.searchParams.set('code', code)
    }
    res.writeHead(302, { location: back.href }).end()
  }

  #token(req: IncomingMessage, res: ServerResponse, form: URLSearchParams): void {
    const clientId = this.#options.publicClients ? (form.get('client_id') ?? undefined) : this.#authenticated(req)
    if (clientId === undefined) return json(res, 401, { error: 'invalid_client' })
    if (form.get('grant_type') === 'refresh_token') {
      const old = form.get('refresh_token') ?? ''
      const isOwn = this.#refreshable.get(old) === clientId && form.get('resource') === this.url
      // Rotating: what came once is worth nothing any more.
      this.#refreshable.delete(old)
      if (!isOwn) return json(res, 400, { error: 'invalid_grant' })
      this.refreshes += 1
      return this.#issue(res, clientId)
    }
    const code = this.#codes.get(form.get('code') ?? '')
    this.#codes.delete(form.get('code') ?? '')
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    const agrees =
      code?.clientId === clientId &&
      code.challenge === challenge &&
      code.redirectUri === form.get('redirect_uri') &&
      code.resource === this.url &&
      form.get('resource') === this.url
    return agrees ? this.#issue(res, clientId) : json(res, 400, { error: 'invalid_grant' })
  }

  #issue(res: ServerResponse, clientId: string): void {
    const issued: Issued = { access: this.#secret(), refresh: this.#secret(), clientId }
    this.#taken.add(issued.access)
    this.#refreshable.set(issued.refresh, clientId)
    const { access: access_token, refresh: refresh_token } = issued
    json(res, 200, { access_token, refresh_token, token_type: 'Bearer', expires_in: 3600 }, { 'cache-control': 'no-store' })
  }

  #authenticated({ headers }: IncomingMessage): string | undefined {
    const [scheme, encoded = ''] = headers.authorization?.split(' ') ?? []
    const [id = '', secret = ''] = Buffer.from(encoded, 'base64').toString().split(':')
    return scheme === 'Basic' && this.#clients.get(id)?.secret === secret ? id : undefined
  }

  #secret(): string {
    const secret = `canary${randomBytes(18).toString('hex')}`
    this.secrets.push(secret)
    return secret
  }

  async #pass({ method = 'GET', headers }: IncomingMessage, res: ServerResponse, body: Buffer): Promise<void> {
    const gone = new AbortController()
    res.once('close', () => gone.abort())
    const given = new Headers()
    for (const [name, value] of Object.entries(headers))
      if (!['host', 'connection', 'content-length', 'transfer-encoding'].includes(name)) given.set(name, String(value))
    const hasBody = method === 'POST'
    const answer = await fetch(this.inner.url, {
      method,
      headers: given,
      signal: gone.signal,
      ...(hasBody && { body: new Uint8Array(body) }),
    })
    res.writeHead(answer.status, Object.fromEntries(answer.headers))
    try {
      for await (const part of answer.body ?? []) res.write(part)
      res.end()
    } catch {
      res.destroy()
    }
  }
}

function json(res: ServerResponse, status: number, value: object, headers: Record<string, string> = {}): void {
  res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
}
