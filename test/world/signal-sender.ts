// Stand-ins for what identity systems send: an organisation at Okta that revokes (Global Token Revocation), its keys published by discovery.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { close, listen } from './listening.ts'
import { newPair, publicJwk, signedJwt, type Pair } from './signed.ts'

type Members = Readonly<Record<string, unknown>>

export interface Sent {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

export class OktaOrg {
  readonly issuer: string
  readonly pair: Pair
  readonly calls = { metadata: 0, keys: 0 }
  /** Keys and metadata are answered with this instead. */
  failing: number | undefined
  readonly #stop: () => Promise<void>

  private constructor(issuer: string, pair: Pair, stop: () => Promise<void>) {
    this.issuer = issuer
    this.pair = pair
    this.#stop = stop
  }

  static async start(pair: Pair = newPair()): Promise<OktaOrg> {
    const server = createServer((request, response) => {
      const body = org.#answer(request.url ?? '')
      const status = org.failing ?? (body ? 200 : 404)
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? {}))
    })
    const org: OktaOrg = new OktaOrg(`http://127.0.0.1:${await listen(server, 0)}`, pair, () => close(server))
    return org
  }

  close(): Promise<void> {
    return this.#stop()
  }

  /** The token of a revocation as Okta makes it; every claim and header can be replaced, undefined takes one away. */
  revocationClaims(url: string, clientId: string, changes: Members = {}): Members {
    const now = Math.floor(Date.now() / 1000)
    const usual = { iss: this.issuer, sub: clientId, aud: url, iat: now, nbf: now - 300, exp: now + 300, jti: randomUUID() }
    return { ...usual, ...changes }
  }

  /** Signs and sends one. */
  async revoke(url: string, clientId: string, body: unknown, changes: Members = {}): Promise<Sent> {
    const token = signedJwt(this.pair, this.revocationClaims(url, clientId, changes), { typ: 'global-token-revocation+jwt' })
    return await revocation(url, token, body)
  }

  #answer(path: string): object | undefined {
    if (path === '/.well-known/openid-configuration') {
      this.calls.metadata += 1
      return { issuer: this.issuer, jwks_uri: `${this.issuer}/oauth2/v1/keys`, id_token_signing_alg_values_supported: ['RS256'] }
    }
    if (path !== '/oauth2/v1/keys') return undefined
    this.calls.keys += 1
    return { keys: [publicJwk(this.pair)] }
  }
}

export async function revocation(url: string, token: string | undefined, body: unknown): Promise<Sent> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: answer.status, text: await answer.text(), headers: answer.headers }
}
