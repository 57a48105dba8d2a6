// Streamable HTTP, both eras: reads one MCP request, has it admitted, forwards it, and words every refusal.
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import type { Caller, Identity } from '../caller.ts'
import { challengedFor, type AskChallenge, type Challenged } from '../mcp/downstream/token-retry.ts'
import { passageOf, type Passage } from '../mcp/message/era.ts'
import { forward } from '../mcp/router/forward.ts'
import { gated } from '../mcp/router/tool-rules.ts'
import { identityHeaders } from '../mcp/downstream/identity-headers.ts'
import { openEnvelope, type Envelope } from '../mcp/message/json-rpc-body.ts'
import { KEEP_ALIVE_MS } from '../mcp/sse/keep-alive.ts'
import { openLeash, type Leash, type LeashPost, type NoLeash } from '../mcp/router/leash.ts'
import { setRate } from '../mcp/dispatch/object-answer.ts'
import { carryGet, handOver, refusedAdmission, RefusedWith, type LegacyPost, type StreamToLeash } from '../mcp/router/dispatch.ts'
import { readBody, withRoom } from '../mcp/message/read-body.ts'
import { RecordedCallers, recordedWork, type RecordingPost, type RecordWork } from '../mcp/router/recorder.ts'
import { McpRefusal } from '../mcp/message/refusal.ts'
import { downstreamAt, targetOf } from '../mcp/router/target.ts'
import { editing, hasRules, ToolGate } from '../mcp/tools/gate.ts'
import { ToolMemory } from '../mcp/tools/memory.ts'
import type { Tapped } from '../mcp/downstream/wire-tap.ts'
import type { HeldBytes } from '../platform/held-bytes.ts'
import { randomId } from '../platform/crypto.ts'
import { log } from '../platform/telemetry.ts'
import type { Admission, Refused } from '../session/contract/admission.ts'
import { softwareOf } from '../session/contract/client-software.ts'
import type { Watched } from '../session/contract/recording.ts'
import type { StreamMeter } from '../session/contract/stream-traffic.ts'
import {
  bearer,
  challenge,
  crossOrigin,
  onlyMethods,
  originIsAllowed,
  stepUp,
  type BearerServices,
  type Authenticated,
} from './guards.ts'

type Asked = Context<Authenticated>

/** The part of `UserSession` that MCP requests need; each of them costs one call, a long stream a second. */
export interface McpPost extends LegacyPost, LeashPost, RecordingPost {
  admit(caller: Caller, label: string): Promise<Admission>
  /** A question of the broker's own to the downstream; only where one is asked. */
  charge(resource: string): Promise<Refused | undefined>
  challenged: AskChallenge
}

export interface McpServices extends BearerServices {
  readonly session: (sub: string) => McpPost
  readonly keepAliveMs?: number
  /** Bodies of requests. */
  readonly held: HeldBytes
}

/** 2026-07-28, "_meta": what the client is, with every request. */
const CLIENT_INFO = 'io.modelcontextprotocol/clientInfo'

const METHODS: readonly string[] = ['GET', 'POST', 'DELETE', 'OPTIONS']

/** Mounted at the path of every downstream. */
export function mcpRoutes(services: McpServices): Hono<Authenticated> {
  const { settings } = services
  const remembered = { recorded: new RecordedCallers(), memory: new ToolMemory(services.now) }
  return new Hono<Authenticated>()
    .use(crossOrigin(METHODS))
    .use(onlyMethods(METHODS))
    .use(originIsAllowed(settings))
    .use(bearer(services, (pathname) => downstreamAt(pathname, settings.downstreams)))
    .all('*', (c) =>
      answerOrRefusal(c, services, async () =>
        withRoom(services.held, c.get('caller').sub, async (hold) => carry(c, services, remembered, hold)),
      ),
    )
}

/** Words what a handler refuses; what it did not mean to throw is thrown on. */
export async function answerOrRefusal(c: Asked, services: McpServices, answer: () => Promise<Response>): Promise<Response> {
  try {
    return await answer()
  } catch (error) {
    if (error instanceof McpRefusal) return refused(c, services, error, new Headers())
    if (error instanceof RefusedWith) return refused(c, services, error.refusal, error.headers)
    throw error
  }
}

// The order is the argument: the bearer guard has verified the token before a byte of the body is read, and the body has been
// judged before the person's object is asked. A request that costs the object a call is one that would be forwarded.
async function carry(
  c: Asked,
  services: McpServices,
  { recorded, memory }: { readonly recorded: RecordedCallers; readonly memory: ToolMemory },
  hold: (bytes: number) => void,
): Promise<Response> {
  const { raw: client } = c.req
  const { limits } = services.settings
  const startedAt = Date.now()
  const requestId = c.get('requestId')
  const caller = c.get('caller')
  const post = services.session(caller.sub)
  // Made only where there is something to record.
  const recording = (watched: Watched, work: () => Promise<Response>, seen: Pick<Tapped, 'era' | 'label' | 'body'>) => {
    const { grantId, clientId } = caller
    const tapped = { ...seen, grantId, clientId, requestId, verb: client.method, startedAt }
    return recordedWork(tapped, watched, work, post, (noting) => c.executionCtx.waitUntil(noting))
  }
  let asked: Read
  try {
    asked = await read(c, limits.maxBodyBytes, hold)
  } catch (refusal) {
    const watched = recorded.find(caller, services.now())
    if (watched) await recording(watched, () => Promise.reject(refusal), { era: 'unknown', label: '', body: undefined })
    throw refusal
  }
  const { target, body, envelope, passage } = asked
  const label = labelOf(envelope)
  const record: RecordWork = (watched, work) => (watched ? recording(watched, work, { era: passage.era, label, body }) : work())
  const downstream = c.get('downstream')
  const forwarding = { passage, target, client, body, requestId, person: caller.sub, passHeaders: downstream.passHeaders }
  const gateFor = ({ issuer, groups }: Identity): ToolGate =>
    new ToolGate(downstream, { scopes: caller.scopes, issuer, groups }, { memory, list: `${caller.sub} ${target}` })
  const challenged = (authorization: string | undefined): Challenged | undefined =>
    challengedFor(
      downstream,
      { grantId: caller.grantId, authorization },
      (told) => post.challenged(told),
      (refusal) => refusedAdmission(refusal, passage.id),
    )
  const conditions = {
    headersWithinMs: limits.downstreamTimeout * 1000,
    maxEventBytes: limits.maxEventBytes,
    keepAliveMs: services.keepAliveMs ?? KEEP_ALIVE_MS[passage.era],
    leash:
      ({ id, ...stream }: StreamToLeash) =>
      (meter: StreamMeter): Promise<Leash | NoLeash> => {
        const [streamId, software] = [id ?? randomId(9), softwareOf(envelope?.messages[0]?.meta[CLIENT_INFO])]
        const shown = { label, openedAt: services.now(), ...(software && { software }) }
        return openLeash(post, { ...stream, ...shown, streamId, grantId: caller.grantId }, meter)
      },
  }
  if (passage.era === 'legacy') {
    const { tools } = downstream
    const editFor = tools && ((person: Identity) => editing(tools, person))
    const legacy = { ...forwarding, caller, requestIds: requestIdsOf(envelope), count: envelope?.messages.length, label }
    return passage.kind === 'stream'
      ? carryGet(legacy, { ...conditions, record, editFor, challengedFor: challenged }, post)
      : handOver(legacy, post)
  }
  const admission = await post.admit(caller, label)
  recorded.note(caller, admission.recording)
  return await record(admission.recording, async () => {
    if (!admission.admitted) throw refusedAdmission(admission, passage.id)
    const leash = conditions.leash({ id: undefined, kind: 'request' })
    const vouched = { ...forwarding, identity: identityHeaders(admission), challenged: challenged(admission.authorization) }
    const charge = async (): Promise<void> => {
      const denied = await post.charge(downstream.resource)
      if (denied) throw refusedAdmission(denied, passage.id)
    }
    const ruled = envelope && hasRules(downstream) ? gated(gateFor(admission.identity), envelope, vouched, charge) : undefined
    const answer = await forward(vouched, { ...conditions, ...ruled, leash })
    setRate(answer.headers, admission.rate)
    return answer
  })
}

interface Read {
  readonly target: string
  readonly body: Uint8Array<ArrayBuffer> | undefined
  readonly envelope: Envelope | undefined
  readonly passage: Passage
}

async function read(c: Asked, mostBytes: number, hold: (bytes: number) => void): Promise<Read> {
  const { raw: client } = c.req
  const target = targetOf(c.get('downstream'), c.get('url'))
  if (!target) throw new McpRefusal('not_found', 'this path could mean another one to the downstream')
  const body = client.method === 'POST' ? await readBody(client, mostBytes, hold) : undefined
  const envelope = body && openEnvelope(body)
  return { target, body, envelope, passage: passageOf(client.method, client.headers, envelope) }
}

/** What people who watch are shown: the method, and the tool, prompt or resource it is about. */
export function labelOf(envelope: Envelope | undefined): string {
  const [first] = envelope?.messages ?? []
  if (!first) return 'standing stream'
  const { name, uri } = first.params
  const about = [name, uri].find((value) => typeof value === 'string')
  return (about === undefined ? first.method : `${first.method} ${about}`).slice(0, LONGEST_LABEL)
}

const LONGEST_LABEL = 200

export function requestIdsOf(envelope: Envelope | undefined): readonly string[] {
  return envelope?.messages.flatMap(({ kind, id }) => (kind === 'request' && id !== undefined ? [id] : [])) ?? []
}

function refused(c: Asked, { settings }: McpServices, refusal: McpRefusal, more: Headers): Response {
  const { code, status, reason, scopes, isTold } = refusal
  const request_id = c.get('requestId')
  log(status >= 500 ? 'error' : 'info', 'mcp.refused', { code, status, reason, request_id })
  const headers = new Headers(more)
  headers.set('cache-control', 'no-store')
  if (isTold) return new Response(null, { status: 202, headers })
  if (code === 'broker_busy') headers.set('retry-after', '2')
  headers.set('content-type', 'application/json')
  if (scopes) headers.set('www-authenticate', stepUp(settings, c.get('downstream'), scopes))
  if (status === 401) headers.set('www-authenticate', challenge(settings, c.get('downstream'), 'invalid_token'))
  return new Response(refusal.toJson(request_id), { status, headers })
}
