// A broker for the tests of its router side: the real routes and guards, a token anybody can write, and a person's object by hand.
import type { Caller } from '../../../src/caller.ts'
import { ANSWER_HEADER, dispatchHeaderIn, type DispatchHeader } from '../../../src/mcp/dispatch/dispatch-header.ts'
import { notAdmitted } from '../../../src/mcp/dispatch/object-answer.ts'
import { headerJson } from '../../../src/platform/header-json.ts'
import { HeldBytes } from '../../../src/platform/held-bytes.ts'
import type { McpPost } from '../../../src/mcp/router/mcp-request.ts'
import { mcpHandler } from '../../../src/routes/mcp.ts'
import type { Admission } from '../../../src/session/contract/admission.ts'
import type { WireEntry } from '../../../src/session/contract/recording.ts'
import { LEASE_HEADER, leaseAsked, type LeaseAnswer } from '../../../src/session/contract/lease.ts'
import { LEASH_HEADER } from '../../../src/session/contract/leash-terms.ts'
import { readSettings, type Settings } from '../../../src/settings/settings.ts'
import { socketPair, type PairedSocket } from './socket-pair.ts'

const BASE_URL = 'https://mcp.example.com'
export const TOKEN = 'a-valid-token'
const NOW = 1_800_000_000
const VERSION = '2026-07-28'

export const caller: Caller = {
  sub: 'person',
  clientId: 'client',
  grantId: 'grant',
  generation: 1,
  resource: `${BASE_URL}/mcp`,
  scopes: ['mcp'],
  expiresAt: NOW + 60,
}

export const admitted: Admission = {
  admitted: true,
  identity: { issuer: 'https://idp.example', subject: 'u-1', email: 'ada@example.com', name: 'Ada', groups: ['staff'] },
  authorization: 'Bearer identity-jwt',
  rate: { limit: 600, remaining: 599, resetSeconds: 1 },
}

export interface Brokered {
  readonly settings: Settings
  /** Callers the person's object was asked about. */
  readonly admissions: Caller[]
  /** Resources the broker asked something of its own, before it did. */
  readonly charges: readonly string[]
  /** Requests of the legacy eras, as the object got them. */
  readonly handedOver: Request[]
  /** The object's ends of the leashes that were opened. */
  readonly leashes: PairedSocket[]
  /** The object's ends of the leases. */
  readonly leases: PairedSocket[]
  /** What the object was told to record. */
  readonly notes: readonly WireEntry[]
  readonly ask: (path: string, init?: RequestInit) => Promise<Response>
  /** One JSON-RPC message, with a valid token. */
  readonly post: (message: unknown, headers?: Record<string, string>, signal?: AbortSignal) => Promise<Response>
  /** One request of 2026-07-28, with its headers and a valid token. */
  readonly modern: (request?: ModernRequest, headers?: Record<string, string>, signal?: AbortSignal) => Promise<Response>
}

interface ModernRequest {
  /** As it stands in the body, in JSON. */
  readonly id?: string
  readonly method?: string
  readonly params?: object
  readonly path?: string
}

interface Given {
  readonly admission?: Admission
  /** What the object says to a leash; 101 opens it. */
  readonly leashStatus?: number
  readonly keepAliveMs?: number
  /** How many questions of the broker's own the person's allowance has room for. */
  readonly charges?: number
  readonly environment?: Record<string, string>
  /** Of the token. */
  readonly scopes?: readonly string[]
}

export function brokered(downstreamUrl: string, given: Given = {}): Brokered {
  const {
    admission = admitted,
    leashStatus = 101,
    keepAliveMs = 25_000,
    environment = {},
    scopes = caller.scopes,
    charges: mostCharges = Infinity,
  } = given
  const settings = readSettings({
    BASE_URL,
    DOWNSTREAM_MCP_URL: downstreamUrl,
    OAUTH_AUTHORIZE_URL: 'https://idp.example',
    OAUTH_CLIENT_ID: 'broker',
    ENCRYPTION_KEY: '0123456789abcdef'.repeat(4),
    ...environment,
  })
  const admissions: Caller[] = []
  const charges: string[] = []
  const handedOver: Request[] = []
  const leashes: PairedSocket[] = []
  const leases: PairedSocket[] = []
  const notes: WireEntry[] = []
  const person: McpPost = {
    admit: async (asking) => {
      admissions.push(asking)
      return admission
    },
    openGet: async ({ caller: asking }) => {
      admissions.push(asking)
      if (!admission.admitted) return { kind: 'refused', refused: admission }
      return { kind: 'not_found', what: 'session', rate: admission.rate }
    },
    challenged: async () => undefined,
    charge: async (resource) => {
      charges.push(resource)
      const refused = { admitted: false, reason: 'limit_exceeded', retryAfter: 7 } as const
      return charges.length > mostCharges ? refused : undefined
    },
    append: async () => [],
    note: async (entries) => void notes.push(...entries),
    fetch: async (url, init) => {
      const request = new Request(url, init)
      const leaseHeader = request.headers.get(LEASE_HEADER)
      if (leaseHeader !== null) {
        admissions.push(leaseAsked.parse(JSON.parse(leaseHeader)).caller)
        const lent = { lasts: 10_000, requests: 100, perSecond: 10 }
        const isLeased = admission.admitted && !admission.recording
        const answer: LeaseAnswer = { admission, ...(isLeased && { terms: lent }) }
        const headers = { [LEASE_HEADER]: headerJson(answer) }
        if (!isLeased) return new Response(null, { status: 204, headers })
        const [theirs, ours] = socketPair()
        leases.push(ours)
        return Object.assign(new Response(null, { headers }), { webSocket: theirs })
      }
      if (request.headers.has(LEASH_HEADER)) {
        if (leashStatus !== 101) return new Response(null, { status: leashStatus })
        const [theirs, ours] = socketPair()
        leashes.push(ours)
        return Object.assign(new Response(), { webSocket: theirs })
      }
      handedOver.push(request)
      if (!admission.admitted) return notAdmitted(admission)
      return new Response('{}', { headers: { [ANSWER_HEADER]: 'carried', 'content-type': 'application/json' } })
    },
  }
  const mcp = mcpHandler({
    settings,
    verifyAccessToken: async (token, resource) =>
      token === TOKEN && resource === caller.resource ? { ...caller, scopes } : undefined,
    session: () => person,
    now: () => NOW,
    held: new HeldBytes(),
    keepAliveMs,
    failed: () => new Response('a bug', { status: 500 }),
  })
  const ask = async (path: string, init: RequestInit = {}) =>
    (await mcp(new Request(new URL(path, settings.baseUrl), init), () => undefined)) ?? new Response(null, { status: 404 })
  const sent = async (path: string, body: string, headers: Record<string, string>, signal: AbortSignal | undefined) =>
    await ask(path, { method: 'POST', headers: { ...JSON_POST, ...headers }, body, ...(signal && { signal }) })
  return {
    settings,
    admissions,
    charges,
    handedOver,
    leashes,
    leases,
    notes,
    ask,
    post: async (message, headers = {}, signal) =>
      await sent('/mcp', typeof message === 'string' ? message : JSON.stringify(message), headers, signal),
    modern: async ({ id = '1', method = 'tools/list', params = {}, path = '/mcp' } = {}, headers = {}, signal) => {
      const name = 'name' in params ? { 'mcp-name': String(params.name) } : {}
      const own = { 'mcp-protocol-version': VERSION, 'mcp-method': method, ...name }
      return await sent(path, modernBody(id, method, params), { ...own, ...headers }, signal)
    },
  }
}

export const bearer = { authorization: `Bearer ${TOKEN}` }

const JSON_POST = { ...bearer, 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

function modernBody(id: string, method: string, params: object): string {
  const _meta = { 'io.modelcontextprotocol/protocolVersion': VERSION }
  return `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":${JSON.stringify({ ...params, _meta })}}`
}

/** What the object is told of a request that was handed over to it. */
export function orderOf(request: Request | undefined): DispatchHeader {
  const order = request && dispatchHeaderIn(request.headers)
  if (!order) throw new Error('nothing was handed over')
  return order
}

/** What a refusal says, whether it speaks JSON-RPC or OAuth. */
export async function refusalOf(response: Response): Promise<unknown> {
  return await response.json()
}

/** A body that arrives in these pieces. */
export function bodyOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const rest = [...chunks]
  return new ReadableStream({
    pull(controller) {
      const chunk = rest.shift()
      if (chunk) controller.enqueue(chunk)
      else controller.close()
    },
  })
}
