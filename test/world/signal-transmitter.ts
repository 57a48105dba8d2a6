// Stand-ins for transmitters of security events (Shared Signals Framework), in the dialects of Okta and Keycloak: they push, or are polled.
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { z } from 'zod'
import { close, listen } from './listening.ts'
import { newPair, publicJwk, signedJwt, type Pair } from './signed.ts'

type Members = Readonly<Record<string, unknown>>

export const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/'
export const RISC = 'https://schemas.openid.net/secevent/risc/event-type/'
const VERIFICATION = 'https://schemas.openid.net/secevent/ssf/event-type/verification'

export interface Pushed {
  readonly status: number
  readonly text: string
  readonly answeredAt: number
}

const wantedSchema = z.looseObject({
  delivery: z.looseObject({
    method: z.string(),
    endpoint_url: z.string().optional(),
    authorization_header: z.string().optional(),
  }),
})
const verifySchema = z.object({ stream_id: z.string(), state: z.string() })
const pollSchema = z.object({ ack: z.array(z.string()), setErrs: z.record(z.string(), z.looseObject({ err: z.string() })) })

export class SignalTransmitter {
  readonly issuer: string
  readonly dialect: 'okta' | 'keycloak'
  readonly pair: Pair
  readonly calls = { keys: 0, configuration: 0, polls: 0 }
  /** Tokens that the broker has shown. */
  readonly bearers = new Set<string>()
  delivery: { readonly method: string; readonly endpointUrl: string; readonly header: string } | undefined
  /** What waits to be polled, and what became of it. */
  readonly queue = new Map<string, string>()
  readonly acknowledged: string[] = []
  readonly refused = new Map<string, string>()
  /** Answers polls without an end. */
  isEndless = false
  /** Keys are answered with this. */
  failing: number | undefined
  verifies = true
  readonly streamId = 'stream-1'
  readonly audience = 'https://mcp.example/receiver'
  readonly #stop: () => Promise<void>

  private constructor(origin: string, dialect: 'okta' | 'keycloak', pair: Pair, stop: () => Promise<void>) {
    this.issuer = dialect === 'okta' ? origin : `${origin}/realms/acme`
    this.dialect = dialect
    this.pair = pair
    this.#stop = stop
  }

  static async start(dialect: 'okta' | 'keycloak', pair: Pair = newPair()): Promise<SignalTransmitter> {
    const server = createServer((request, response) => void transmitter.#serve(request, response))
    const origin = `http://127.0.0.1:${await listen(server, 0)}`
    const transmitter: SignalTransmitter = new SignalTransmitter(origin, dialect, pair, () => close(server))
    return transmitter
  }

  close(): Promise<void> {
    return this.#stop()
  }

  /** An event as the dialect words it; members of the claims can be replaced, undefined takes one away. */
  claims(type: string, subject: unknown, event: Members = {}, changes: Members = {}): Members {
    const usual = { iss: this.issuer, aud: this.audience, iat: Math.floor(Date.now() / 1000), jti: randomUUID() }
    const isOld = this.dialect === 'okta'
    const members = { event_timestamp: Date.now(), ...event, ...(isOld && subject !== undefined && { subject }) }
    return { ...usual, ...(!isOld && subject !== undefined && { sub_id: subject }), events: { [type]: members }, ...changes }
  }

  signed(claims: Members, header: Members = { typ: 'secevent+jwt' }): string {
    return signedJwt(this.pair, claims, header)
  }

  async push(token: string, headers: Readonly<Record<string, string>> = {}): Promise<Pushed> {
    const { endpointUrl = '', header = '' } = this.delivery ?? {}
    const answer = await fetch(endpointUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/secevent+jwt', accept: 'application/json', authorization: header, ...headers },
      body: token,
    })
    const text = await answer.text()
    return { status: answer.status, text, answeredAt: Date.now() }
  }

  /** Puts an event where it is polled. */
  enqueue(token: string, jti: string): void {
    this.queue.set(jti, token)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, origin } = new URL(request.url ?? '/', this.issuer)
    const base = `${origin}/ssf`
    const say = (status: number, body?: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(body === undefined ? '' : JSON.stringify(body))
    }
    if (request.headers.authorization) this.bearers.add(request.headers.authorization)
    const known = this.dialect === 'okta' ? '/.well-known/ssf-configuration' : '/realms/acme/.well-known/ssf-configuration'
    if (pathname === known) {
      this.calls.configuration += 1
      return say(200, {
        issuer: this.issuer,
        jwks_uri: `${origin}/keys`,
        configuration_endpoint: `${base}/streams`,
        verification_endpoint: `${base}/verify`,
        delivery_methods_supported: ['urn:ietf:rfc:8935', 'urn:ietf:rfc:8936'],
        critical_subject_members: ['tenant'],
      })
    }
    if (pathname === '/keys') {
      this.calls.keys += 1
      return this.failing === undefined ? say(200, { keys: [publicJwk(this.pair)] }) : say(this.failing)
    }
    const body: unknown = await jsonOf(request)
    if (pathname === '/ssf/streams') return this.#stream(request.method ?? '', body, `${base}/poll`, say)
    if (pathname === '/ssf/verify') {
      const { state, stream_id } = verifySchema.parse(body)
      say(204)
      const claims = this.claims(VERIFICATION, undefined, { state }, { sub_id: { format: 'opaque', id: stream_id } })
      if (!this.verifies) return
      if (this.delivery?.method === 'urn:ietf:rfc:8936') this.enqueue(this.signed(claims), String(claims['jti']))
      else await this.push(this.signed(claims))
      return
    }
    return pathname === '/ssf/poll' ? this.#poll(body, response, say) : say(404)
  }

  #stream(method: string, body: unknown, pollUrl: string, say: (status: number, body?: unknown) => void): void {
    const stream = (): object => {
      const { method: by = '', endpointUrl = '' } = this.delivery ?? {}
      return {
        stream_id: this.streamId,
        iss: this.issuer,
        aud: this.audience,
        delivery: { method: by, endpoint_url: endpointUrl },
      }
    }
    if (method === 'GET') return say(200, [stream()])
    if (method === 'POST' && this.delivery) return say(409, { error: 'one stream for each receiver' })
    const { delivery } = wantedSchema.parse(body)
    const { method: by, endpoint_url: endpointUrl = pollUrl, authorization_header: header = '' } = delivery
    this.delivery = { method: by, endpointUrl, header }
    return say(method === 'POST' ? 201 : 200, stream())
  }

  #poll(body: unknown, response: ServerResponse, say: (status: number, body?: unknown) => void): void {
    this.calls.polls += 1
    const { ack, setErrs } = pollSchema.parse(body)
    for (const jti of [...ack, ...Object.keys(setErrs)]) this.queue.delete(jti)
    this.acknowledged.push(...ack)
    for (const [jti, { err }] of Object.entries(setErrs)) this.refused.set(jti, err)
    if (!this.isEndless) return say(200, { sets: Object.fromEntries(this.queue), moreAvailable: false })
    response.writeHead(200, { 'content-type': 'application/json' }).write('{"sets":{')
    const timer = setInterval(() => response.write(`"${randomUUID()}":"${'x'.repeat(10_000)}",`), 10)
    response.on('close', () => clearInterval(timer))
  }
}

async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(Buffer.from(part))
  const text = Buffer.concat(parts).toString()
  return text === '' ? undefined : JSON.parse(text)
}
