// An issuer that signs whatever a test wants about anybody: its keys are published, it has no endpoints, and it can be made to fail.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTHeaderParameters } from 'jose'
import { close, listen } from './listening.ts'
import { nextRsaKeyPair } from './rsa-keys.ts'

export interface IssuerKey {
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

export type Claims = Readonly<Record<string, unknown>>

export async function newKey(alg = 'RS256', pair = generateKeyPair(alg, { extractable: true })): Promise<IssuerKey> {
  const { privateKey, publicKey } = await pair
  const kid = randomUUID()
  return { kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

export class TrustedIssuer {
  readonly issuer: string
  /** How often each document was asked for. */
  readonly calls = { metadata: 0, keys: 0 }
  /** Documents that are answered with this status instead. */
  readonly failing: { metadata?: number; keys?: number } = {}
  /** Replaces members of the metadata document. */
  lies: Claims = {}
  /** Where its documents are, below its origin, and so part of its name. */
  path = ''
  key: IssuerKey
  published: readonly IssuerKey[]
  readonly #stop: () => Promise<void>

  private constructor(issuer: string, key: IssuerKey, stop: () => Promise<void>) {
    this.issuer = issuer
    this.key = key
    this.published = [key]
    this.#stop = stop
  }

  static async start(): Promise<TrustedIssuer> {
    const server = createServer((request, response) => {
      const { status, body } = issuer.#answer(request.url ?? '')
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
    const port = await listen(server, 0)
    const issuer: TrustedIssuer = new TrustedIssuer(`http://127.0.0.1:${port}`, await newKey('RS256', nextRsaKeyPair()), () =>
      close(server),
    )
    return issuer
  }

  close(): Promise<void> {
    return this.#stop()
  }

  /** An ID token for `audience`, issued now, good for five minutes; every claim and header can be replaced, `undefined` takes one away. */
  async sign(claims: Claims = {}, header: Partial<JWTHeaderParameters> = {}, key = this.key): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const usual = { iss: this.issuer, sub: 'person-1', aud: 'broker', iat: now, exp: now + 300 }
    const { alg = 'RS256' } = key.publicJwk
    return await new SignJWT({ ...usual, ...claims }).setProtectedHeader({ alg, kid: key.kid, ...header }).sign(key.privateKey)
  }

  #answer(path: string): { readonly status: number; readonly body: object } {
    if (path === `${this.path}/.well-known/openid-configuration`) {
      this.calls.metadata += 1
      const metadata = {
        issuer: this.issuer + this.path,
        jwks_uri: `${this.issuer}/keys`,
        id_token_signing_alg_values_supported: ['RS256'],
      }
      return this.failing.metadata === undefined
        ? { status: 200, body: { ...metadata, ...this.lies } }
        : failed(this.failing.metadata)
    }
    if (path !== '/keys') return failed(404)
    this.calls.keys += 1
    if (this.failing.keys !== undefined) return failed(this.failing.keys)
    return { status: 200, body: { keys: this.published.map(({ publicJwk }) => publicJwk) } }
  }
}

function failed(status: number): { readonly status: number; readonly body: object } {
  return { status, body: { error: 'failing as told' } }
}
