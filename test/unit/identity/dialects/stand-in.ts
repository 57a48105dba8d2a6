// What the stand-ins of real providers are made of: a server on this machine, codes bound to their challenge, a key that signs.
import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { exportJWK, SignJWT, type JWTPayload } from 'jose'
import { PEOPLE } from '../../../world/people.ts'
import { close, listen } from '../../../world/listening.ts'
import { nextRsaKeyPair } from '../../../world/rsa-keys.ts'
import type { ProviderWorld } from '../contract.ts'

export type PersonKey = 'alice' | 'bob'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly form: URLSearchParams
  readonly headers: IncomingHttpHeaders
}

export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly text?: string
}

/** `down`: a gateway answers instead, as it does when nobody is behind it. */
export class StandIn {
  readonly origin: string
  readonly host: string
  isDown = false
  /** Paths that were asked, in order. */
  readonly asked: string[] = []
  readonly #close: () => Promise<void>

  private constructor(host: string, end: () => Promise<void>) {
    this.host = host
    this.origin = `http://${host}`
    this.#close = end
  }

  static async start(answer: (asked: Asked, self: StandIn) => Answer | Promise<Answer>): Promise<StandIn> {
    const server = createServer(async (req, res) => {
      const url = new URL(req.url ?? '', 'http://localhost')
      const chunks: Buffer[] = []
      for await (const chunk of req) chunks.push(chunk)
      const form = new URLSearchParams(Buffer.concat(chunks).toString())
      const { method = 'GET', headers } = req
      self.asked.push(url.pathname)
      const asked = { method, path: url.pathname, query: url.searchParams, form, headers }
      const said = self.isDown ? { status: 503, text: '<h1>Service unavailable</h1>' } : await answer(asked, self)
      const type = said.text === undefined ? 'application/json; charset=utf-8' : 'text/html'
      res.writeHead(said.status ?? 200, { 'content-type': type, ...said.headers }).end(said.text ?? JSON.stringify(said.json))
    })
    const port = await listen(server, 0)
    const self = new StandIn(`127.0.0.1:${port}`, () => close(server))
    return self
  }

  close(): Promise<void> {
    return this.#close()
  }
}

export const NOT_FOUND: Answer = { status: 404, text: '<h1>Not found</h1>' }

export function redirect(to: URL): Answer {
  return { status: 302, headers: { location: to.href }, text: '' }
}

/** Where an authorization request is answered, with the state it came with. */
export function answerTo({ query }: Asked, parameters: Readonly<Record<string, string>>): URL {
  const back = new URL(query.get('redirect_uri') ?? '')
  const state = query.get('state')
  for (const [name, value] of Object.entries(parameters)) back.searchParams.set(name, value)
  if (state !== null) back.searchParams.set('state', state)
  return back
}

export interface CodeFacts {
  readonly person: PersonKey
  readonly nonce: string | undefined
  readonly query: URLSearchParams
}

/** Codes work once, with the verifier of their challenge and the redirect URI they were asked for with (RFC 7636). */
export class Codes {
  readonly #codes = new Map<string, CodeFacts>()

  issue({ query }: Asked, person: PersonKey): string {
    const code = randomUUID()
    this.#codes.set(code, { person, nonce: query.get('nonce') ?? undefined, query })
    return code
  }

  redeem({ form }: Asked): CodeFacts | undefined {
    const code = form.get('code') ?? ''
    const facts = this.#codes.get(code)
    this.#codes.delete(code)
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    const isRight =
      facts?.query.get('code_challenge') === challenge && facts.query.get('redirect_uri') === form.get('redirect_uri')
    return isRight ? facts : undefined
  }
}

/** Tokens by what they belong to; revoked with their owner. */
export class Tokens {
  readonly #owners = new Map<string, PersonKey>()
  readonly #dropped = new Set<PersonKey>()

  issue(person: PersonKey, prefix = ''): string {
    const token = `${prefix}${randomUUID()}`
    this.#owners.set(token, person)
    return token
  }

  owner(token: string | undefined): PersonKey | undefined {
    const owner = this.#owners.get(token ?? '')
    return owner !== undefined && this.#dropped.has(owner) ? undefined : owner
  }

  bearer({ headers }: Asked): PersonKey | undefined {
    return this.owner(headers.authorization?.replace(/^Bearer /, ''))
  }

  spend(token: string): void {
    this.#owners.delete(token)
  }

  drop(person: PersonKey): void {
    this.#dropped.add(person)
  }
}

export interface Signer {
  readonly jwks: { readonly keys: readonly object[] }
  sign(claims: JWTPayload): Promise<string>
}

export async function newSigner(): Promise<Signer> {
  const { privateKey, publicKey } = await nextRsaKeyPair()
  const kid = randomUUID()
  const jwk = { ...(await exportJWK(publicKey)), kid, use: 'sig', alg: 'RS256' }
  return {
    jwks: { keys: [jwk] },
    sign: (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey),
  }
}

/** Who comes to a stand-in, and what a test has happen to them: the same at every provider. */
export class People {
  /** As every provider knows them here; the addresses can change. */
  readonly emails: Record<PersonKey, string> = { alice: PEOPLE.alice.email, bob: PEOPLE.bob.email }
  /** Who is at the browser; undefined: somebody who declines. */
  next: PersonKey | undefined = 'alice'

  handled(server: StandIn, tokens: readonly Tokens[]): Handled {
    return {
      signInAs: (person, url) => {
        this.next = person
        return visit(url)
      },
      decline: (url) => {
        this.next = undefined
        return visit(url)
      },
      changeEmail: (person, email) => void (this.emails[person] = email),
      drop: (person) => {
        for (const kind of tokens) kind.drop(person)
      },
      down: (isDown) => void (server.isDown = isDown),
      close: () => server.close(),
    }
  }
}

type Handled = Pick<ProviderWorld, 'signInAs' | 'decline' | 'changeEmail' | 'drop' | 'down' | 'close'>

/** The browser's part of a sign-in. */
async function visit(url: URL): Promise<URL> {
  const response = await fetch(url, { redirect: 'manual' })
  const location = response.headers.get('location')
  if (location === null) throw new Error(`no redirect but ${response.status}: ${await response.text()}`)
  return new URL(location)
}
