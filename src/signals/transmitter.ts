// The transmitter of a provider (Shared Signals Framework 1.0, CAEP interoperability profile): found, asked for a stream, verified and polled.
import type { JWTVerifyOptions, JWTVerifyResult } from 'jose'
import * as z from 'zod'
import { asking, jsonBody } from '../oauth-client/ask.ts'
import { KeySet } from '../oauth-client/key-set.ts'
import { keysPublishedAt } from '../oauth-client/published-keys.ts'
import { firstPublished, isSameIssuer } from '../oauth-client/published-document.ts'
import { Remembered } from '../platform/shared-cache.ts'
import { describeError } from '../platform/telemetry.ts'
import type { PollAnswers, Polled, SignalStream, StreamEvent, StreamSender } from '../session/contract/signal-stream.ts'
import { EVENTS_WANTED } from './event-effects.ts'
import { EventRefusal, readSecurityEvent } from './security-event-token.ts'
import { SignalRefusal, untrue, type SignalSource, type Signer } from './signer.ts'
import { streamEventOf } from './stream-event.ts'

const HOUR_MS = 3_600_000
const PUSH = 'urn:ietf:rfc:8935'
const POLL = 'urn:ietf:rfc:8936'
const MOST_EVENTS = 100
/** As Okta calls them; a transmitter that has none leaves them out of its metadata. */
const SCOPES = 'ssf.manage ssf.read'.split(' ')

const address = z.url().max(2_000)
const configurationSchema = z.looseObject({
  issuer: z.string().min(1),
  jwks_uri: address,
  configuration_endpoint: address,
  verification_endpoint: address.optional(),
  critical_subject_members: z.array(z.string()).default([]),
})
type Configuration = z.output<typeof configurationSchema>

const audience = z.union([z.string().transform((one) => [one]), z.array(z.string()).min(1)])
const streamSchema = z.looseObject({
  stream_id: z.string().min(1).max(512),
  iss: z.string().min(1),
  aud: audience,
  delivery: z.looseObject({ method: z.string(), endpoint_url: address.optional() }),
})
const polledSchema = z.looseObject({
  sets: z.record(z.string().max(512), z.string()).default({}),
  moreAvailable: z.boolean().default(false),
})

const ask = asking({
  withinMs: 15_000,
  mostBytes: 1024 * 1024,
  by: () => 'operator',
  unanswered: (cause, url) => new Error(`${new URL(url).host} did not answer: ${describeError(cause)}`),
})

export interface TransmitterTerms {
  readonly source: SignalSource
  readonly issuer: string
  /** Where a transmitter that pushes comes. */
  readonly endpoint: string
  /** Unix seconds. */
  readonly now: () => number
}

export class Transmitter implements StreamSender {
  readonly #terms: TransmitterTerms
  readonly #found = new Remembered<Configuration>(HOUR_MS)
  readonly #keys: KeySet
  readonly #signer: Signer

  constructor(terms: TransmitterTerms) {
    this.#terms = terms
    this.#keys = new KeySet(async () => {
      return await keysPublishedAt((await this.#configuration()).jwks_uri, { issuer: terms.issuer, ask, failed: asError })
    }, terms.now)
    this.#signer = {
      isNamedBy: () => true,
      signed: (token, options) => this.#signed(token, options),
    }
  }

  async setUp(token?: string): Promise<SignalStream> {
    const { source, endpoint } = this.#terms
    const { settings, pushSecrets, key } = source
    const { configuration_endpoint: url, issuer } = await this.#configuration()
    const delivery =
      settings.delivery === 'push'
        ? { method: PUSH, endpoint_url: endpoint, authorization_header: `Bearer ${pushSecrets[0]}` }
        : { method: POLL }
    const wanted = { delivery, events_requested: EVENTS_WANTED, description: `MCP Session Broker at ${new URL(endpoint).host}` }
    const made = await this.#call('POST', url, wanted, token)
    // It has one already, and takes no second one: that one is used, as we want it.
    const stream = made.status === 409 ? await this.#replaced(url, wanted, token) : await this.#stream(made)
    if (stream.iss !== issuer) throw new Error(`the stream is of ${stream.iss}, and the transmitter is ${issuer}`)
    const { stream_id: streamId, aud, delivery: agreed } = stream
    const isPoll = settings.delivery === 'poll'
    if (isPoll && agreed.endpoint_url === undefined) throw new Error('the transmitter does not say where to poll')
    return {
      provider: key,
      streamId,
      issuer,
      audience: aud,
      delivery: settings.delivery,
      ...(isPoll && { pollUrl: agreed.endpoint_url }),
    }
  }

  async requestVerification({ streamId }: SignalStream, state: string, token?: string): Promise<void> {
    const { verification_endpoint: url } = await this.#configuration()
    if (url === undefined) throw new Error('the transmitter has no verification_endpoint')
    const answer = await this.#call('POST', url, { stream_id: streamId, state }, token)
    if (!answer.ok) throw new Error(`the verification was answered ${answer.status}`)
  }

  async poll({ pollUrl = '' }: SignalStream, { ack, setErrs }: PollAnswers): Promise<Polled> {
    const answer = await this.#call('POST', pollUrl, { maxEvents: MOST_EVENTS, returnImmediately: true, ack, setErrs })
    if (!answer.ok) throw new Error(`the poll was answered ${answer.status}`)
    const { sets, moreAvailable } = polledSchema.parse(await jsonBody(answer))
    return { sets, more: moreAvailable }
  }

  async read({ issuer, audience: aud }: SignalStream, token: string, receivedAt: number): Promise<StreamEvent> {
    const { source, now } = this.#terms
    try {
      const event = await readSecurityEvent(token, { signer: this.#signer, issuer, audience: aud, now: now() })
      const { critical_subject_members: critical } = await this.#configuration()
      return await streamEventOf(event, { source, critical, receivedAt })
    } catch (error) {
      if (error instanceof EventRefusal) return { kind: 'refused', err: error.err, why: error.message }
      const why = error instanceof SignalRefusal ? (error.detail ?? error.message) : describeError(error)
      return { kind: 'unknowable', why }
    }
  }

  async #signed(token: string, options: JWTVerifyOptions): Promise<JWTVerifyResult> {
    return await this.#keys.verify(token, options)
  }

  /** SSF section 7.2.1: the path of the issuer stands behind the well-known one; Keycloak has it before, too. */
  async #configuration(): Promise<Configuration> {
    const { issuer } = this.#terms
    return await this.#found.get(async () => {
      const { origin, pathname } = new URL(issuer)
      const path = pathname.replace(/\/$/, '')
      const wellKnown = '/.well-known/ssf-configuration'
      const { found, failures } = await firstPublished({
        addresses: new Set([`${origin}${wellKnown}${path}`, `${origin}${path}${wellKnown}`]),
        schema: configurationSchema,
        ask,
        faultOf: (document) => (isSameIssuer(document.issuer, issuer) ? undefined : `names another issuer, ${document.issuer}`),
      })
      if (!found) throw untrue(failures.join('; '))
      return found
    })
  }

  async #replaced(url: string, wanted: object, token?: string): Promise<z.output<typeof streamSchema>> {
    const listed = await jsonBody(await this.#call('GET', url, undefined, token))
    const [known] = z.array(streamSchema).parse([listed].flat())
    if (!known) throw new Error('the transmitter says that there is a stream, and names none')
    const replaced = await this.#call('PATCH', url, { stream_id: known.stream_id, ...wanted }, token)
    return replaced.ok ? await this.#stream(replaced) : known
  }

  async #stream(answer: Response): Promise<z.output<typeof streamSchema>> {
    const { data } = streamSchema.safeParse(answer.ok ? await jsonBody(answer) : undefined)
    if (!data) throw new Error(`the stream was answered ${answer.status}${answer.ok ? ' without what a stream consists of' : ''}`)
    return data
  }

  async #call(method: string, url: string, body: object | undefined, token?: string): Promise<Response> {
    const bearer = token ?? (await this.#terms.source.accessToken(SCOPES))
    const headers = { authorization: `Bearer ${bearer}`, accept: 'application/json', 'content-type': 'application/json' }
    return await ask(url, { method, headers, body: body && JSON.stringify(body) })
  }
}

function asError(detail: string): Error {
  return new Error(detail)
}
