// One request of an MCP client on its way through the router, in four steps: read, dispatch or admit, forward.
//
// Order matters: the token has been verified before a byte of the body is read, and the body is judged before the person's object is
// asked. A request that costs the object a call is one that would be forwarded.
import type { Caller, Identity } from '../../caller.ts'
import { randomId } from '../../platform/crypto.ts'
import { sharedTimer } from '../../platform/deadlines.ts'
import { describeError, log } from '../../platform/telemetry.ts'
import type { Admission, Rate, Refused } from '../../session/contract/admission.ts'
import { softwareOf } from '../../session/contract/client-software.ts'
import type { Watched } from '../../session/contract/recording.ts'
import type { StreamMeter } from '../../session/contract/stream-traffic.ts'
import type { Downstream } from '../../settings/downstreams.ts'
import type { Settings } from '../../settings/settings.ts'
import { rateHeaders, refusedAdmission } from '../dispatch/object-answer.ts'
import type { EraMemory } from '../bridge/era-verdict.ts'
import { identityHeaders } from '../downstream/identity-headers.ts'
import { challengedFor, type AskChallenge, type Challenged } from '../downstream/token-retry.ts'
import type { ToldTogether } from '../recording/told-together.ts'
import type { Tapped } from '../recording/wire-tap.ts'
import { passageOf, type Passage } from '../message/era.ts'
import { openEnvelope, type Envelope } from '../message/json-rpc-body.ts'
import { labelOf, requestIdsOf, waitingIn } from '../message/label.ts'
import { readBody } from '../message/read-body.ts'
import { McpRefusal, namingRequests, type RequestIds } from '../message/refusal.ts'
import { KEEP_ALIVE_MS } from '../sse/keep-alive.ts'
import { beginOperation, type Begun, type Operation } from '../telemetry/operation.ts'
import { editing, hasRules, ToolGate } from '../tools/gate.ts'
import type { ToolMemory } from '../tools/memory.ts'
import { carryGet, handOver, type LeashedConditions, type LegacyPost, type StreamToLeash } from './dispatch.ts'
import { forward, type Forwarding, type ForwardingConditions, type Way } from './forward.ts'
import { translated } from './legacy-downstream.ts'
import { openLeash, type Leash, type LeashPost, type NoLeash } from './leash.ts'
import { openLease, type Admitted, type HeldLease, type LeaseMemory } from './lease.ts'
import { recordedWork, type RecordedCallers, type RecordingPost } from './recorder.ts'
import type { OpenLeash } from './request-lifetime.ts'
import { gated } from './tool-rules.ts'
import { META } from '../message/revision.ts'

/** The part of `UserSession` that MCP requests need; each of them costs one call, a long stream a second. */
export interface McpPost extends LegacyPost, LeashPost, RecordingPost {
  admit(caller: Caller, label: string): Promise<Admission>
  /** A question of the broker's own to the downstream; only where one is asked. */
  charge(resource: string): Promise<Refused | undefined>
  challenged: AskChallenge
}

/** A request whose token has been verified. */
export interface VerifiedRequest {
  readonly client: Request
  readonly method: string
  /** Where it goes; undefined where its path, or its query, can't be carried over. */
  readonly target: string | undefined
  readonly requestId: string
  readonly caller: Caller
  readonly downstream: Downstream
  /** Counts bytes of the body against what may be held; throws where there is no room. */
  readonly hold: (bytes: number) => void
  readonly waitUntil: (work: Promise<unknown>) => void
}

export interface RouterContext {
  readonly limits: Settings['limits']
  /** The object of a caller, by its name. */
  readonly session: (sub: string) => McpPost
  readonly recorded: RecordedCallers
  readonly together: ToldTogether
  readonly memory: ToolMemory
  readonly leases: LeaseMemory
  readonly eras: EraMemory
  readonly keepAliveMs: number | undefined
  /** Unix seconds. */
  readonly now: () => number
}

interface Read extends Begun {
  readonly target: string
  readonly body: Uint8Array<ArrayBuffer> | undefined
  readonly envelope: Envelope | undefined
  readonly passage: Passage
  readonly label: string
}

export class McpRequest {
  readonly #request: VerifiedRequest
  readonly #context: RouterContext
  readonly #startedAt = Date.now()
  readonly #deadline = sharedTimer()
  #waiting: RequestIds = { id: undefined }
  #operation: Operation | undefined

  constructor(request: VerifiedRequest, context: RouterContext) {
    this.#request = request
    this.#context = context
  }

  /** The caller's object: most requests need nothing of it. */
  get #post(): McpPost {
    return this.#context.session(this.#request.caller.sub)
  }

  /** The answer for the client; throws an `McpRefusal` for what is not carried to the downstream, or not back. */
  async answer(): Promise<Response> {
    const { client, method, target, hold } = this.#request
    let read: Read | undefined
    try {
      if (!target) throw new McpRefusal('not_found', 'this path, or its query, could mean another one to the downstream')
      const { maxBodyBytes } = this.#context.limits
      const body = method === 'POST' ? await readBody(client, maxBodyBytes, hold, this.#deadline) : undefined
      read = this.#judged(target, body)
      return await (read.passage.era === 'legacy' ? this.#dispatch(read) : this.#admit(read))
    } catch (error) {
      if (!read) await this.#recordUnread(error)
      this.#operation?.failed(error)
      throw namingRequests(error, this.#waiting)
    }
  }

  /** Nobody can say what it was, but that it was refused. */
  async #recordUnread(refusal: unknown): Promise<void> {
    const { recorded, now } = this.#context
    const watched = recorded.find(this.#request.caller, now())
    const unread = { era: 'unknown', label: '', body: undefined } as const
    if (watched) await this.#watched(watched, () => Promise.reject(refusal), unread).catch(() => undefined)
  }

  #judged(target: string, body: Read['body']): Read {
    const { client, method, downstream, waitUntil } = this.#request
    const { headers } = client
    const envelope = body && openEnvelope(body)
    this.#waiting = waitingIn(envelope)
    const begun = beginOperation({ envelope, body, headers, downstream, startedAt: this.#startedAt, waitUntil })
    this.#operation = begun.operation
    return { ...begun, target, body, envelope, passage: passageOf(method, headers, envelope), label: labelOf(envelope) }
  }

  /** Eras with sessions: the person's object carries the request, or says how the router is to carry it. */
  #dispatch(read: Read): Promise<Response> {
    const { caller, downstream } = this.#request
    const { envelope, label, passage } = read
    const { tools } = downstream
    const legacy = {
      ...this.#forwarding(read),
      caller,
      requestIds: requestIdsOf(envelope),
      count: envelope?.messages.length,
      label,
    }
    if (passage.kind !== 'stream') return handOver(legacy, this.#post)
    const conditions: LeashedConditions = {
      ...this.#bounds(read),
      leash: (stream) => (meter) => this.#leash(read, stream, meter),
      record: (watched, work) => this.#recorded(read, watched, work),
      challengedFor: (authorization) => this.#challengedFor(authorization),
      editFor: tools && ((person: Identity) => editing(tools, person)),
    }
    return carryGet(legacy, conditions, this.#post)
  }

  /** 2026-07-28: at most one question to the person's object, and the router carries the rest. */
  #admit(read: Read): Promise<Response> {
    const now = Date.now()
    const lease = this.#context.leases.find(this.#request.caller, now)
    const rate = lease?.use(read.label, now)
    if (!lease || !rate) return this.#asked(read, now)
    if (lease.isNearlyOver(now)) this.#renew(now)
    const { admission, identity } = lease
    return this.#recorded(read, admission.recording, () => this.#forward(read, admission, rate, identity, lease))
  }

  async #asked(read: Read, now: number): Promise<Response> {
    const admission = await this.#ask(read.label, now)
    this.#context.recorded.note(this.#request.caller, admission.recording)
    return await this.#recorded(read, admission.recording, async () => {
      if (!admission.admitted) throw refusedAdmission(admission)
      return await this.#forward(read, admission, admission.rate)
    })
  }

  /** One of those who ask at the same time brings back a lease for the others. */
  async #ask(label: string, now: number): Promise<Admission> {
    const { caller, waitUntil } = this.#request
    const { leases } = this.#context
    if (!leases.mayAsk(caller, now)) return await this.#post.admit(caller, label)
    const { admission, lease } = await openLease(this.#post, { caller, label }, waitUntil)
    if (lease) leases.keep(caller, lease)
    return admission
  }

  #renew(now: number): void {
    const { caller, waitUntil } = this.#request
    const { leases } = this.#context
    if (!leases.mayAsk(caller, now)) return
    const renewing = openLease(this.#post, { caller }, waitUntil).then(({ lease }) => lease && leases.keep(caller, lease))
    // Whoever comes when the lease is over asks again, and hears why.
    waitUntil(renewing.catch((error: unknown) => log('info', 'lease.not_renewed', { reason: describeError(error) })))
  }

  #forward(
    read: Read,
    admission: Admitted,
    rate: Rate,
    identity = identityHeaders(admission),
    lease?: HeldLease,
  ): Promise<Response> {
    const { caller, downstream } = this.#request
    const { leases } = this.#context
    const isAdmitted = (): boolean => {
      const now = Date.now()
      return lease?.holds(now) === true || leases.find(caller, now) !== undefined
    }
    const leash: OpenLeash = (meter) => this.#leash(read, { id: undefined, kind: 'request' }, meter)
    const conditions = { ...this.#bounds(read), leash, isAdmitted, headers: rateHeaders(rate) }
    const challenged = this.#challengedFor(admission.authorization)
    const way = downstream.eraBridge === true ? this.#translated(read) : undefined
    const vouched = { ...this.#forwarding(read), identity, challenged, way }
    if (!read.envelope || !hasRules(downstream)) return forward(vouched, conditions)
    const ruled = gated(this.#gate(read, admission.identity), read.envelope, vouched, () => this.#charge())
    return forward(vouched, { ...conditions, ...ruled })
  }

  #translated({ target, label, envelope }: Read): Way | undefined {
    const { caller, downstream, requestId } = this.#request
    const { eras } = this.#context
    const charge = (): Promise<void> => this.#charge()
    const order = { caller, requestId, label, id: envelope?.messages[0]?.id }
    const requestState = envelope?.messages[0]?.params['requestState']
    return translated({ downstream, target, order, requestState, post: this.#post, eras, charge })
  }

  #forwarding({ passage, target, sent: body, operation, traceHeaders }: Read): Omit<Forwarding, 'identity'> {
    const { client, requestId, caller, downstream } = this.#request
    const { passHeaders } = downstream
    const [deadline, person] = [this.#deadline, caller.sub]
    return { passage, target, client, body, operation, traceHeaders, requestId, deadline, person, passHeaders }
  }

  #bounds({ passage }: Read): Pick<ForwardingConditions, 'headersWithinMs' | 'maxEventBytes' | 'keepAliveMs'> {
    const { limits, keepAliveMs = KEEP_ALIVE_MS[passage.era] } = this.#context
    return { headersWithinMs: limits.downstreamTimeout * 1000, maxEventBytes: limits.maxEventBytes, keepAliveMs }
  }

  #challengedFor(authorization: string | null | undefined): Challenged | undefined {
    const { caller, downstream } = this.#request
    const ask: AskChallenge = (told) => this.#post.challenged(told)
    return challengedFor(downstream, { grantId: caller.grantId, authorization }, ask, refusedAdmission)
  }

  #leash({ envelope, label }: Read, { id, ...stream }: StreamToLeash, meter: StreamMeter): Promise<Leash | NoLeash> {
    const [streamId, software] = [id ?? randomId(9), softwareOf(envelope?.messages[0]?.meta[META.clientInfo])]
    const shown = { label, openedAt: this.#context.now(), ...(software && { software }) }
    return openLeash(this.#post, { ...stream, ...shown, streamId, grantId: this.#request.caller.grantId }, meter)
  }

  #gate({ target }: Read, { issuer, groups }: Identity): ToolGate {
    const { caller, downstream } = this.#request
    const list = `${caller.sub} ${target}`
    return new ToolGate(downstream, { scopes: caller.scopes, issuer, groups }, { memory: this.#context.memory, list })
  }

  async #charge(): Promise<void> {
    const denied = await this.#post.charge(this.#request.downstream.resource)
    if (denied) throw refusedAdmission(denied)
  }

  #recorded({ passage, label, body }: Read, watched: Watched | undefined, work: () => Promise<Response>): Promise<Response> {
    return watched ? this.#watched(watched, work, { era: passage.era, label, body }) : work()
  }

  #watched(watched: Watched, work: () => Promise<Response>, seen: Pick<Tapped, 'era' | 'label' | 'body'>): Promise<Response> {
    const { method: verb, requestId, caller, waitUntil } = this.#request
    const { grantId, clientId, sub } = caller
    const { together } = this.#context
    const tapped = { ...seen, grantId, clientId, requestId, verb, startedAt: this.#startedAt }
    return recordedWork(tapped, watched, work, { sub, together, post: () => this.#post, waitUntil })
  }
}
