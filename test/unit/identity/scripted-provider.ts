// An OpenID provider that is honest until a test scripts a lie: forged tokens, wrong metadata, failing endpoints, moved keys.
import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose'
import { close, listen } from '../../world/listening.ts'
import { nextRsaKeyPair } from '../../world/rsa-keys.ts'

export interface Account {
  readonly sub: string
  readonly email?: unknown
  readonly [claim: string]: unknown
}

export interface SigningKey {
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

type Told = Record<string, unknown>
type Endpoint = 'discovery' | 'authorization' | 'token' | 'jwks' | 'userinfo'
type Failure = number | 'web page' | 'nothing'

interface Code {
  readonly account: Account | undefined
  readonly nonce: string | undefined
  readonly challenge: string
}

/** Everything a test may bend; empty means honest. */
export interface Script {
  metadata?: (honest: Told) => Told
  /** Where discovery documents are served, relative to the origin; the default is OpenID Connect's. */
  wellKnown?: string
  claims?: (honest: Told) => Told
  idToken?: (claims: Told) => string | Promise<string>
  tokenAnswer?: (honest: Told) => Told
  userInfo?: (honest: Told) => Told
  fail?: Partial<Record<Endpoint, Failure>>
  tokenError?: readonly [status: number, error: string]
}

/** A lie by omission. */
export function without(...names: readonly string[]): (honest: Told) => Told {
  return (honest) => Object.fromEntries(Object.entries(honest).filter(([name]) => !names.includes(name)))
}

export async function newSigningKey(pair = generateKeyPair('RS256', { extractable: true })): Promise<SigningKey> {
  const { privateKey, publicKey } = await pair
  const kid = randomUUID()
  return { kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, use: 'sig', alg: 'RS256' } }
}

export function sign(key: Pick<SigningKey, 'kid' | 'privateKey'>, claims: Told): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: key.kid }).sign(key.privateKey)
}

export class ScriptedProvider {
  readonly origin: string
  readonly issuer: string
  readonly calls: Record<Endpoint, number> = { discovery: 0, authorization: 0, token: 0, jwks: 0, userinfo: 0 }
  /** What the last token request carried. */
  lastTokenRequest: { readonly authorization: string | undefined; readonly form: URLSearchParams } | undefined
  script: Script = {}
  /** Who signs in next; undefined declines. */
  account: Account | undefined = {
    sub: 'person-1',
    email: 'ada@example.com',
    email_verified: true,
    name: 'Ada',
    groups: ['engineers'],
  }
  published: SigningKey[]
  signingKey: SigningKey
  readonly #path: string
  readonly #codes = new Map<string, Code>()
  readonly #refreshTokens = new Map<string, string>()
  readonly #accessTokens = new Map<string, string>()
  readonly #accounts = new Map<string, Account>()
  readonly #stop: () => Promise<void>

  private constructor(origin: string, path: string, key: SigningKey, stop: () => Promise<void>) {
    this.origin = origin
    this.#path = path
    this.issuer = `${origin}${path}`
    this.signingKey = key
    this.published = [key]
    this.#stop = stop
  }

  static async start(path = ''): Promise<ScriptedProvider> {
    const server = createServer((req, res) => void provider.#answer(req, res))
    const port = await listen(server, 0)
    const provider = new ScriptedProvider(`http://127.0.0.1:${port}`, path, await newSigningKey(nextRsaKeyPair()), () =>
      close(server),
    )
    return provider
  }

  close(): Promise<void> {
    return this.#stop()
  }

  /** What the provider tells about the person from now on. */
  change(account: Account): void {
    this.#accounts.set(account.sub, account)
  }

  forget(sub: string): void {
    this.#accounts.delete(sub)
  }

  /** The browser's part of a sign-in: where the provider sends it back to. */
  async visit(url: URL): Promise<URL> {
    const response = await fetch(url, { redirect: 'manual' })
    return new URL(response.headers.get('location') ?? '')
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '', this.origin)
    const endpoint = this.#endpointOf(url.pathname)
    if (!endpoint) return json(res, 404, { error: 'not_found' })
    this.calls[endpoint] += 1
    const failure = this.script.fail?.[endpoint]
    if (failure === 'web page') return void res.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Maintenance</h1>')
    if (failure === 'nothing') return void res.destroy()
    if (failure !== undefined) return json(res, failure, { error: 'scripted_failure' })
    const form = new URLSearchParams(await bodyOf(req))
    if (endpoint === 'discovery') return json(res, 200, this.#metadata())
    if (endpoint === 'jwks') return json(res, 200, { keys: this.published.map(({ publicJwk }) => publicJwk) })
    if (endpoint === 'authorization') return void res.writeHead(302, { location: this.#authorized(url.searchParams).href }).end()
    if (endpoint === 'userinfo') return this.#userInfo(req, res)
    this.lastTokenRequest = { authorization: req.headers.authorization, form }
    if (this.script.tokenError) return json(res, this.script.tokenError[0], { error: this.script.tokenError[1] })
    return json(res, ...(await this.#tokens(form)))
  }

  #endpointOf(pathname: string): Endpoint | undefined {
    if (pathname === (this.script.wellKnown ?? `${this.#path}/.well-known/openid-configuration`)) return 'discovery'
    const name = pathname.startsWith(`${this.#path}/`) ? pathname.slice(this.#path.length + 1) : ''
    return name === 'authorization' || name === 'token' || name === 'jwks' || name === 'userinfo' ? name : undefined
  }

  #metadata(): Told {
    const honest = {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/authorization`,
      token_endpoint: `${this.issuer}/token`,
      jwks_uri: `${this.issuer}/jwks`,
      userinfo_endpoint: `${this.issuer}/userinfo`,
      id_token_signing_alg_values_supported: ['RS256'],
      code_challenge_methods_supported: ['S256'],
    }
    return this.script.metadata?.(honest) ?? honest
  }

  #authorized(asked: URLSearchParams): URL {
    const back = new URL(asked.get('redirect_uri') ?? '')
    back.searchParams.set('state', asked.get('state') ?? '')
    if (!this.account) {
      back.searchParams.set('error', 'access_denied')
      return back
    }
    this.change(this.account)
    const code = randomUUID()
    this.#codes.set(code, {
      account: this.account,
      nonce: asked.get('nonce') ?? undefined,
      challenge: asked.get('code_challenge') ?? '',
    })
    back.searchParams.set('code', code)
    return back
  }

  async #tokens(form: URLSearchParams): Promise<[number, Told]> {
    const code = this.#codes.get(form.get('code') ?? '')
    const refreshed = this.#refreshTokens.get(form.get('refresh_token') ?? '')
    this.#codes.delete(form.get('code') ?? '')
    this.#refreshTokens.delete(form.get('refresh_token') ?? '')
    const account = this.#accounts.get(code?.account?.sub ?? refreshed ?? '')
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (!account || (code && code.challenge !== challenge)) return [400, { error: 'invalid_grant' }]
    const now = Math.floor(Date.now() / 1000)
    const honest = { iss: this.issuer, aud: 'broker', iat: now, exp: now + 300, ...account, ...(code && { nonce: code.nonce }) }
    const claims = this.script.claims?.(honest) ?? honest
    const answer = {
      access_token: randomUUID(),
      token_type: 'Bearer',
      expires_in: 600,
      refresh_token: randomUUID(),
      id_token: (await this.script.idToken?.(claims)) ?? (await sign(this.signingKey, claims)),
    }
    this.#refreshTokens.set(answer.refresh_token, account.sub)
    this.#accessTokens.set(answer.access_token, account.sub)
    return [200, this.script.tokenAnswer?.(answer) ?? answer]
  }

  #userInfo(req: IncomingMessage, res: ServerResponse): void {
    const account = this.#accounts.get(this.#accessTokens.get(req.headers.authorization?.slice('Bearer '.length) ?? '') ?? '')
    if (!account) return json(res, 401, { error: 'invalid_token' })
    json(res, 200, this.script.userInfo?.(account) ?? account)
  }
}

function json(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
