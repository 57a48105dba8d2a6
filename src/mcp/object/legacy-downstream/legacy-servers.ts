// The sessions a person's clients of 2026-07-28 have at legacy servers: one for each grant and set of capabilities, more where a server asks
// without saying in which call, and few.
//
// A client without a session has nothing that would tell two of its conversations apart, so they share what the server keeps by session.
import type { Caller } from '../../../caller.ts'
import type { McpSession } from '../../../session/store/mcp-sessions.ts'
import type { Deadline } from '../../../platform/deadlines.ts'
import { downstreamFor } from '../../../settings/downstreams.ts'
import { legacyCapabilities } from '../../bridge/client-capabilities.ts'
import { canonical } from '../../../platform/canonical-json.ts'
import { memberOf } from '../../bridge/json-edit.ts'
import type { Sender } from '../../bridge/request-sender.ts'
import { McpRefusal } from '../../message/refusal.ts'
import { jsonIn } from '../../message/response.ts'
import type { DownstreamSessions } from '../downstream-session.ts'
import { Transports } from '../http-sse/transports.ts'
import type { SessionKeeper } from '../session-keeper.ts'
import { LegacyServer, type LegacyServerOptions } from './legacy-server.ts'
import { canBeAsked, isParked, type OpenCall } from './open-call.ts'
import type { ModernClientContext } from './legacy-far-end.ts'
import type { SentHeaders } from '../downstream-request.ts'

/** Of one grant at one server; the least recently used ends for the next. */
const MOST_SESSIONS = 4
/** How long a connection to a server of HTTP+SSE outlives the last call, in milliseconds: it is opened again with three requests. */
const CONNECTED_FOR_MS = 600_000

const BROKER = '{"name":"mcp-session-broker","version":"1"}'

export interface LegacyServersOptions {
  readonly context: ModernClientContext
  readonly sessions: DownstreamSessions
  readonly keeper: SessionKeeper
  readonly waitUntil: (work: Promise<unknown>) => void
  readonly deadline: Deadline
  readonly on: Pick<LegacyServerOptions, 'asked' | 'withdrawn' | 'responded' | 'gone'>
  /** Whether a call of this session waits for answers. */
  readonly isParked: (sessionId: string) => boolean
}

/** What two clients have in common that share a session. */
interface SessionTerms {
  /** As they were declared to the server, in JSON. */
  readonly capabilities: string
  readonly key: string
}

interface KeptServer {
  /** Who it is for, and as what. */
  readonly key: string
  readonly grantId: string
  readonly server: LegacyServer
  readonly ready: Promise<void>
  rest?: ReturnType<typeof setTimeout>
}

export class LegacyServers {
  readonly #options: LegacyServersOptions
  readonly #kept = new Map<string, KeptServer>()
  readonly #transports = new Transports()

  constructor(options: LegacyServersOptions) {
    this.#options = options
  }

  /** Grants of the calls that are open, one for each. */
  grantsOfCalls(): readonly string[] {
    return [...this.#kept.values()].flatMap(({ server }) => [...server.calls.values()].map(({ grantId }) => grantId))
  }

  isHeard(sessionId: string): boolean {
    return this.#kept.get(sessionId)?.server.isBusy === true || this.#options.isParked(sessionId)
  }

  /**
   * A session that was opened for a client with these capabilities. Throws a refusal where the server lets none be opened.
   *
   * A server that does not say in which call it asks is given one call at a time in which its client can be asked, and sessions enough for
   * that; `call` is entered before anything is waited for, so that no other one comes into the same session meanwhile.
   */
  async of(caller: Caller, sender: Sender, headers: SentHeaders, call?: OpenCall): Promise<LegacyServer> {
    const { mcpSessions, legacyDownstreams, now } = this.#options.context
    const capabilities = legacyCapabilities(sender.capabilities)
    const terms = { capabilities, key: `${caller.resource} ${caller.grantId} ${capabilities}` }
    const alone = call && canBeAsked(call) && legacyDownstreams.asksUnrelated(caller.resource) ? call : undefined
    const kept = this.#chosen(caller, terms, alone !== undefined) ?? this.#opened(caller, sender, headers, terms)
    const { server, ready } = kept
    if (alone) server.calls.set(alone.id, alone)
    mcpSessions.use(server.id, caller.grantId, now())
    try {
      await ready
    } catch (error) {
      if (alone) server.over(alone.id)
      throw error
    }
    this.#touch(kept)
    return server
  }

  /** The one of this session, also where it was opened in an earlier life of the object. */
  find(sessionId: string): LegacyServer | undefined {
    const kept = this.#kept.get(sessionId)
    if (kept) return kept.server
    const { mcpSessions, legacyDownstreams, settings } = this.#options.context
    const session = mcpSessions.find(sessionId)
    const isReady = session?.bridge?.client === 'modern' && legacyDownstreams.initialized(sessionId) !== undefined
    if (!isReady || !downstreamFor(settings, session.resource)) return undefined
    return this.#keep(session, `${session.resource} ${session.grantId} ${capabilitiesIn(session)}`).server
  }

  /** The downstream has another session for this one. */
  async lose(old: McpSession): Promise<void> {
    await this.#kept.get(old.id)?.server.lose(old.downstreamId)
  }

  /** The session has ended, by whatever hand. */
  ended(sessionId: string): void {
    const kept = this.#kept.get(sessionId)
    clearTimeout(kept?.rest)
    this.#kept.delete(sessionId)
    kept?.server.close()
    this.#options.context.legacyDownstreams.forgetSession(sessionId)
  }

  /** Everything of these grants stops; their sessions are told to their servers by whoever ends them. */
  end(concerns: (grantId: string) => boolean, refusal: () => McpRefusal): void {
    for (const [id, { grantId, server, rest }] of this.#kept) {
      if (!concerns(grantId)) continue
      clearTimeout(rest)
      this.#kept.delete(id)
      for (const { waiting } of server.calls.values()) waiting?.answer.refuse(refusal())
      server.close()
    }
  }

  /** Undefined where a new one is to be opened. Where each that there may be is taken, calls share one. */
  #chosen(caller: Caller, terms: SessionTerms, isAlone: boolean): KeptServer | undefined {
    const kept = [...this.#kept.values()].filter(({ key }) => key === terms.key)
    const [first] = kept
    if (first && !isAlone) return first
    const free = kept.find(({ server }) => !this.#isAskable(server)) ?? this.#known(caller, terms)
    if (free || this.#hasRoom(caller)) return free
    // Beside calls that wait for answers, which have asked what they had to.
    return kept.find(({ server }) => !isAtWork(server)) ?? first
  }

  /** Whether a question could be about a call in it. */
  #isAskable({ id, calls }: LegacyServer): boolean {
    return this.#options.isParked(id) || [...calls.values()].some(canBeAsked)
  }

  /** Opened in an earlier life of the object. The one that was used last, if there are more. */
  #known(caller: Caller, { capabilities, key }: SessionTerms): KeptServer | undefined {
    const { legacyDownstreams } = this.#options.context
    const session = this.#sessionsOf(caller).findLast(
      (one) =>
        !this.#kept.has(one.id) && capabilitiesIn(one) === capabilities && legacyDownstreams.initialized(one.id) !== undefined,
    )
    return session && this.#keep(session, key)
  }

  #opened(caller: Caller, { clientInfo }: Sender, headers: SentHeaders, { capabilities, key }: SessionTerms): KeptServer {
    const { keeper } = this.#options
    this.#makeRoom(caller)
    const session = keeper.bridged(caller, { client: 'modern', downstream: undefined })
    const info = clientInfo ? JSON.stringify(clientInfo) : BROKER
    const ready = async (server: LegacyServer): Promise<void> => {
      try {
        await server.initialize(capabilities, info, headers)
      } catch (error) {
        keeper.forget(session)
        throw error
      }
    }
    return this.#keep(session, key, ready)
  }

  #keep(
    session: McpSession,
    key: string,
    opening: (server: LegacyServer) => Promise<void> = () => Promise.resolve(),
  ): KeptServer {
    const { context, sessions, waitUntil, deadline, on } = this.#options
    const downstream = downstreamFor(context.settings, session.resource)
    if (!downstream) throw new McpRefusal('not_found', 'The MCP server is not brokered any more')
    const server = new LegacyServer({
      ...on,
      context,
      downstream,
      sessions,
      waitUntil,
      deadline,
      transports: this.#transports,
      session: session.id,
    })
    const ready = opening(server)
    // Whoever waits hears of it; without them it is nobody's fault.
    ready.catch(() => undefined)
    const kept = { key, grantId: session.grantId, server, ready }
    this.#kept.set(session.id, kept)
    return kept
  }

  #sessionsOf({ grantId, resource }: Caller): readonly McpSession[] {
    const ofGrant = this.#options.context.mcpSessions.byUse()
    return ofGrant.filter((one) => one.grantId === grantId && one.resource === resource && one.bridge?.client === 'modern')
  }

  #hasRoom(caller: Caller): boolean {
    const open = this.#sessionsOf(caller)
    return open.length < MOST_SESSIONS || open.some(({ id }) => !this.isHeard(id))
  }

  /** A session somebody is in the middle of is not ended for another. */
  #makeRoom(caller: Caller): void {
    const open = this.#sessionsOf(caller)
    if (open.length < MOST_SESSIONS) return
    const oldest = open.find(({ id }) => !this.isHeard(id))
    if (!oldest)
      throw new McpRefusal(
        'limit_exceeded',
        'too many clients with different capabilities are busy: wait until one of them is done',
      )
    this.#options.keeper.end(oldest)
  }

  /** A connection keeps the object awake, and not for ever. */
  #touch(kept: KeptServer): void {
    clearTimeout(kept.rest)
    const { server } = kept
    if (!server.farEnd.hasOneStream) return
    kept.rest = setTimeout(() => {
      if (this.isHeard(server.id)) return this.#touch(kept)
      this.#kept.delete(server.id)
      server.close()
    }, CONNECTED_FOR_MS)
  }
}

/** Whether a call in it may still ask for something it has not asked for. */
function isAtWork({ calls }: LegacyServer): boolean {
  return [...calls.values()].some((call) => canBeAsked(call) && !isParked(call))
}

/** Of a session whose client was initialized, in the order they are compared in. */
function capabilitiesIn({ initialize }: McpSession): string {
  return canonical(jsonIn(memberOf(initialize || '{}', ['params', 'capabilities']) ?? '{}'))
}
