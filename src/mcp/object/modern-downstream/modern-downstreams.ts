// Servers of 2026-07-28 that know no sessions, as servers of the older revisions: whatever the object would send such a server is answered here.
//
// Everything above this sees a legacy server that keeps sessions, streams and their ids: owned calls, the event log, tool rules, the recorder,
// revocation and clients of HTTP+SSE go by that. A server that takes the client's `initialize` never gets here.
import { BoundedMap } from '../../../platform/bounded-map.ts'
import { randomId } from '../../../platform/crypto.ts'
import { describeError, log } from '../../../platform/telemetry.ts'
import type { SessionContext } from '../../../session/session-context.ts'
import type { McpSession } from '../../../session/store/mcp-sessions.ts'
import type { ModernSession } from '../../../session/store/modern-sessions.ts'
import { downstreamFor, titleOf, type Downstream } from '../../../settings/downstreams.ts'
import { EraMemory, mayBeModern, verdictOf } from '../../bridge/era-verdict.ts'
import { memberOf } from '../../bridge/json-edit.ts'
import { answersId, errorFor } from '../../bridge/legacy-answer.ts'
import { offersStream } from '../../bridge/listen-filter.ts'
import {
  declaredIn,
  initializeResult,
  modernHeaders,
  ownModernRequest,
  type DeclaredClient,
} from '../../bridge/modern-request.ts'
import { lookedAt } from '../../downstream/session-doubt.ts'
import type { Era } from '../../message/era.ts'
import { jsonIn } from '../../message/response.ts'
import { McpRefusal, notOffered } from '../../message/refusal.ts'
import type { DownstreamRequest } from '../downstream-request.ts'
import { singleAnswer } from './call-output.ts'
import { SessionCalls } from './modern-session-calls.ts'
import { messageOf, postModern, type ModernWay } from './modern-way.ts'
import { ToolHeaders } from './tool-headers.ts'
import { sentBytes, sentText } from '../sent-body.ts'

/** How the ids begin that stand in for those of a server; no server is sent one. */
const OWN = 'era-bridge:'

/** An answer that may be a refusal of the era is no longer than this, in bytes, where its status says nothing. */
const SMALL_BYTES = 2_048

const DISCOVER_MS = 10_000

const BROKEN = 'The connection to the downstream MCP server broke before it had answered'

export interface ModernDownstreamsOptions {
  readonly context: Pick<SessionContext, 'modernSessions' | 'mcpSessions' | 'settings'>
  /** Whether so many requests of the broker's own may be sent. */
  readonly mayAsk: (resource: string, count: number) => boolean
  readonly waitUntil: (work: Promise<unknown>) => void
}

export class ModernDownstreams {
  readonly #options: ModernDownstreamsOptions
  readonly #eras = new EraMemory(() => Date.now())
  readonly #tools: ToolHeaders
  readonly #calls = new Map<string, SessionCalls>()
  /** By resource: whether the server has turned out to be an older one, when that was last asked. */
  readonly #replaced = new Map<string, Promise<boolean>>()
  /** Resources whose servers refuse to be listened to, whatever they say of themselves. */
  readonly #refusing = new BoundedMap<string, true>(64)

  constructor(options: ModernDownstreamsOptions) {
    this.#options = options
    this.#tools = new ToolHeaders(options.context.settings.limits.maxEventBytes)
  }

  /** In place of the server, where the id says that it knows no sessions, or where that is known of it; undefined otherwise. */
  answer(downstreamId: string | undefined, request: DownstreamRequest): Promise<Response | undefined> | undefined {
    const { initializes } = request
    if (downstreamId !== undefined) return isOfModern(downstreamId) ? this.#answered(downstreamId, request) : undefined
    return initializes !== undefined && this.#eraOf(initializes) === 'modern'
      ? this.#initialized(initializes, request)
      : undefined
  }

  async #answered(downstreamId: string, request: DownstreamRequest): Promise<Response> {
    const session = this.#options.context.modernSessions.find(downstreamId)
    if (!session) return unknownSession()
    if (request.method === 'DELETE') {
      this.#end(downstreamId)
      return new Response(null, { status: 200 })
    }
    return request.method === 'GET' ? await this.#get(session, request) : await this.#post(session, request)
  }

  /** A server has answered an `initialize`; in its place, where it proves to know none. */
  async instead(answer: Response, request: DownstreamRequest, initializes: string): Promise<Response> {
    if (this.#downstream(initializes)?.era !== undefined || !mayRefuse(answer)) return answer
    const { text, whole } = await lookedAt(answer)
    if (!mayBeModern(answer.status, text) || !this.#options.mayAsk(initializes, 1)) return whole
    const client = declaredIn(sentText(request.body ?? ''))
    const discovered = await this.#discovered(client, request).catch(() => undefined)
    const era = discovered?.era
    if (era) log('info', 'downstream.era_found', { resource: initializes, era })
    if (era !== 'modern' || !discovered) return whole
    this.#eras.note(initializes, 'modern')
    await whole.body?.cancel()
    return this.#opened(initializes, client, request, discovered.text)
  }

  /** Whether somebody could listen to this session: a GET would be refused otherwise. */
  offersStream({ downstreamId = '' }: Pick<McpSession, 'downstreamId'>): boolean {
    const session = this.#options.context.modernSessions.find(downstreamId)
    return session !== undefined && offersStream(session.offers) && !this.#refusing.has(session.resource)
  }

  /** After a start: what no MCP session leads to any more, and calls that have waited too long. */
  recover(): void {
    const { mcpSessions, modernSessions } = this.#options.context
    const used = new Set(mcpSessions.all().map(({ downstreamId }) => downstreamId))
    modernSessions.sweep((id) => used.has(id), Date.now())
  }

  async #initialized(resource: string, request: DownstreamRequest): Promise<Response | undefined> {
    const client = declaredIn(sentText(request.body ?? ''))
    const { era, text, answer } = await this.#discovered(client, request)
    if (era === 'modern') {
      this.#eras.note(resource, era)
      return this.#opened(resource, client, request, text)
    }
    // At the moment it can't be said what it is; its client is told what it said.
    if (era === undefined) return answer
    this.#eras.drop(resource)
    await answer.body?.cancel()
    if (this.#downstream(resource)?.era !== 'modern') return undefined
    const message = 'The MCP server does not speak MCP 2026-07-28, which the broker was told it does: check its `era`'
    return singleAnswer(errorFor(idOf(request), -32_603, message))
  }

  #opened(resource: string, client: DeclaredClient, request: DownstreamRequest, discovered: string): Response {
    const downstream = this.#downstream(resource)
    const result = initializeResult(
      idOf(request),
      client.protocolVersion,
      discovered,
      downstream ? titleOf(downstream) : resource,
    )
    const { protocolVersion, capabilities, clientInfo } = client
    const offers = memberOf(result, ['result', 'capabilities']) ?? '{}'
    const opened = {
      id: OWN + randomId(18),
      resource,
      protocolVersion,
      capabilities,
      clientInfo,
      offers,
      logLevel: undefined,
      subscribed: [],
    }
    this.#options.context.modernSessions.keep(opened)
    const answer = singleAnswer(result)
    answer.headers.set('mcp-session-id', opened.id)
    return answer
  }

  async #discovered(client: DeclaredClient, way: ModernWay): Promise<{ era: Era | undefined; text: string; answer: Response }> {
    const id = `discover-${randomId(9)}`
    const sent = await postModern(way, ownModernRequest(id, 'server/discover', client), modernHeaders('server/discover', {}))
    const fits = (message: string): boolean => answersId(jsonIn(message), JSON.stringify(id))
    if (sent.ok) {
      const bounds = { mostBytes: this.#options.context.settings.limits.maxEventBytes, withinMs: DISCOVER_MS }
      const text = await messageOf(sent, fits, bounds).catch((error: unknown) => {
        throw error instanceof McpRefusal ? error : new McpRefusal('downstream_broken', BROKEN, { reason: describeError(error) })
      })
      return { era: verdictOf({ status: sent.status, message: text }), text, answer: new Response(text, sent) }
    }
    const { text, whole } = await lookedAt(sent)
    return { era: verdictOf({ status: sent.status, message: text }), text, answer: whole }
  }

  async #get({ id, resource }: ModernSession, request: DownstreamRequest): Promise<Response> {
    const lastEventId = request.headers['last-event-id']
    const calls = this.#of(id)
    if (lastEventId?.startsWith('q:') === true) return (await calls.resume(lastEventId, request)) ?? refusedGet(404)
    if (!this.offersStream({ downstreamId: id })) return refusedGet(405)
    const opened = await calls.listening.open(request, lastEventId !== undefined)
    if (opened) return opened
    this.#refusing.set(resource, true)
    return refusedGet(405)
  }

  async #post({ id, resource }: ModernSession, request: DownstreamRequest): Promise<Response> {
    const { body = '' } = request
    const answer = await this.#of(id).post(sentBytes(body), request)
    if (!this.#of(id).isUnsupported) return answer
    // It speaks this era no more. Whoever asks is told what a server tells that has lost a session, and begins anew in the other era.
    await answer.body?.cancel()
    this.#eras.drop(resource)
    this.#end(id)
    return unknownSession()
  }

  #of(id: string): SessionCalls {
    const known = this.#calls.get(id)
    if (known) return known
    const { context, mayAsk, waitUntil } = this.#options
    const { modernSessions, settings } = context
    const first = modernSessions.find(id)
    const calls = new SessionCalls({
      store: modernSessions,
      tools: this.#tools,
      // What is still under way when its session ends goes on in what that was.
      session: () => modernSessions.find(id) ?? present(first),
      maxEventBytes: settings.limits.maxEventBytes,
      charge: () => mayAsk(present(first).resource, 1),
      isReplaced: (way) => this.#isReplaced(present(first), way),
      waitUntil,
    })
    this.#calls.set(id, calls)
    return calls
  }

  /** Asked at most once in a while; whoever is answered alike meanwhile goes by the same. */
  async #isReplaced(client: ModernSession, way: ModernWay): Promise<boolean> {
    const { resource } = client
    if (this.#downstream(resource)?.era !== undefined) return false
    if (this.#eras.doubt(resource)) this.#replaced.set(resource, this.#asksAsLegacy(client, way))
    return (await this.#replaced.get(resource)) === true
  }

  async #asksAsLegacy(client: ModernSession, way: ModernWay): Promise<boolean> {
    if (!this.#options.mayAsk(client.resource, 1)) return false
    const discovered = await this.#discovered(client, way).catch(() => undefined)
    await discovered?.answer.body?.cancel()
    return discovered?.era === 'legacy'
  }

  #end(id: string): void {
    const calls = this.#calls.get(id)
    this.#calls.delete(id)
    this.#options.context.modernSessions.end(id)
    calls?.end()
  }

  #eraOf(resource: string): Era | undefined {
    return this.#downstream(resource)?.era ?? this.#eras.of(resource)
  }

  #downstream(resource: string): Downstream | undefined {
    return downstreamFor(this.#options.context.settings, resource)
  }
}

export function isOfModern(downstreamId: string | undefined): boolean {
  return downstreamId?.startsWith(OWN) === true
}

/** Most servers take an `initialize`: their answers are not looked at. */
function mayRefuse({ status, headers }: Response): boolean {
  if (status === 400 || status === 404 || status === 405) return true
  const length = headers.get('content-length')
  return (
    status === 200 &&
    length !== null &&
    Number(length) <= SMALL_BYTES &&
    headers.get('content-type')?.startsWith('application/json') === true
  )
}

function idOf(request: DownstreamRequest): string {
  return memberOf(sentText(request.body ?? ''), ['id']) ?? 'null'
}

function present(session: ModernSession | undefined): ModernSession {
  if (!session) throw new Error('the session with the server was used after its end')
  return session
}

function unknownSession(): Response {
  return new Response(errorFor('null', -32_001, 'Session not found'), {
    status: 404,
    headers: { 'content-type': 'application/json' },
  })
}

function refusedGet(status: 404 | 405): Response {
  const { message, headers } = notOffered(status)
  return new Response(errorFor('null', -32_000, message), { status, headers })
}
