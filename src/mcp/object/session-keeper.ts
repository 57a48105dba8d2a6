// MCP sessions as the object keeps them: found for their grant only, few, and never ended without telling the downstream.
import type { Caller } from '../../caller.ts'
import { describeError, log } from '../../platform/telemetry.ts'
import { vouchFor } from '../../session/access/admit.ts'
import type { McpSession } from '../../session/store/mcp-sessions.ts'
import type { ProviderQuestion } from '../../session/access/ask-provider.ts'
import type { SessionContext } from '../../session/session-context.ts'
import { downstreamFor, type Transport } from '../../settings/downstreams.ts'
import { identityHeaders } from '../downstream/identity-headers.ts'
import { McpRefusal } from '../message/refusal.ts'
import { sentText, type SentBody } from './sent-body.ts'
import type { DownstreamSessions } from './downstream-session.ts'
import { sessionMeter } from './session-duration.ts'
import { isOfModern } from './modern-downstream/modern-downstreams.ts'
import { sessionOf } from './session-of.ts'

/** The farewell to a downstream is a courtesy; it may take this long, in milliseconds. */
const FAREWELL_MS = 5_000
/** The same where a revocation waits for it. */
const LAST_FAREWELL_MS = 300

export interface SessionKeeperOptions {
  readonly context: ProviderQuestion & Pick<SessionContext, 'log' | 'mcpSessions'>
  readonly downstream: DownstreamSessions
  readonly waitUntil: (work: Promise<unknown>) => void
  /** Ends the streams of these sessions. */
  readonly endStreams: (sessions: ReadonlySet<string>) => void
  /** Whether a client listens to a stream the object carries for it. */
  readonly isHeard: (mcpSession: string) => boolean
}

export class SessionKeeper {
  readonly #options: SessionKeeperOptions
  // Of grants that are over: what ended them waits until the downstreams have heard.
  readonly #farewells = new Set<Promise<void>>()

  constructor(options: SessionKeeperOptions) {
    this.#options = options
    const { mcpSessions, settings } = options.context
    mcpSessions.meter = sessionMeter(settings, isOfModern)
  }

  /** Throws when the id is not one of this grant's sessions: 404 is what makes a client initialize anew. */
  find(id: string, caller: Caller, version: string | undefined, client: Transport): McpSession {
    const { mcpSessions } = this.#options.context
    const found = sessionOf(this.#options.context, id, caller.grantId)
    const session = (found?.bridge?.client ?? 'streamable-http') === client ? found : undefined
    // From 2025-06-18 on clients repeat with every request what was negotiated; requests of our own have to as well.
    if (session && version !== undefined && session.protocolVersion !== version)
      return mcpSessions.remap(session, session.downstreamId, version)
    if (session) return session
    log('info', 'mcp_session.unknown', { grant: caller.grantId })
    throw new McpRefusal('session_not_found', 'Session not found: initialize a new one')
  }

  /** A new session for the answer to `initialize`, unless the downstream keeps none. The least recently used make room. */
  open(caller: Caller, downstreamId: string | undefined, initialize: SentBody): McpSession | undefined {
    if (downstreamId === undefined) return undefined
    return this.#open(caller, { downstreamId, initialize: sentText(initialize) })
  }

  /** A new session in which HTTP+SSE is spoken on one side at least; what initializes it may be still to come. */
  bridged(caller: Caller, bridge: NonNullable<McpSession['bridge']>, initialize = ''): McpSession {
    return this.#open(caller, { downstreamId: undefined, initialize, bridge })
  }

  #open({ grantId, resource }: Caller, opened: Pick<McpSession, 'downstreamId' | 'initialize' | 'bridge'>): McpSession {
    const { mcpSessions, settings, now } = this.#options.context
    const surplus = mcpSessions.all().length - settings.limits.maxMcpSessions + 1
    for (const oldest of mcpSessions.byUse().slice(0, Math.max(0, surplus))) this.end(oldest)
    return mcpSessions.open({ grantId, resource, protocolVersion: undefined, ...opened }, now())
  }

  /** The downstream has ended the session already. */
  forget(session: McpSession): void {
    this.#forgetAll([session])
  }

  /** All at once: one by one, each would look through the streams of all. */
  #forgetAll(sessions: readonly McpSession[]): void {
    if (sessions.length === 0) return
    const { mcpSessions, log: events } = this.#options.context
    const ids = new Set(sessions.map(({ id }) => id))
    this.#options.endStreams(ids)
    for (const id of ids) mcpSessions.end(id)
    events.forgetSessions(ids)
  }

  /** Ends a session of our own accord and tells the downstream, which would otherwise keep it for ever. */
  end(session: McpSession): void {
    this.forget(session)
    if (session.downstreamId === undefined) return
    const { downstream, waitUntil } = this.#options
    waitUntil(
      downstream.signals
        .within(session.grantId, FAREWELL_MS, (signal) => this.#farewell(session, FAREWELL_MS, signal))
        .catch(notHeard),
    )
  }

  /**
   * Ends the sessions of grants that have ended. After their streams, which would otherwise end by the downstream's hand; before what ended
   * the grants returns, because after that nothing is sent in the person's name.
   */
  endWith(grantHasEnded: (grantId: string) => boolean, streams: Promise<unknown>): void {
    const { mcpSessions, leashes } = this.#options.context
    const over = mcpSessions.all().filter(({ grantId }) => grantHasEnded(grantId))
    if (over.length === 0) return
    const ended = async (): Promise<void> => {
      await streams
      await leashes.pulled()
      this.#forgetAll(over)
      const last = AbortSignal.timeout(LAST_FAREWELL_MS)
      const open = over.filter(({ downstreamId }) => downstreamId !== undefined)
      await Promise.all(open.map((session) => this.#farewell(session, LAST_FAREWELL_MS, last).catch(notHeard)))
    }
    const farewells = ended().finally(() => this.#farewells.delete(farewells))
    this.#farewells.add(farewells)
    this.#options.waitUntil(farewells)
  }

  /** After a start: of grants whose end this object did not live to tell anybody. Whoever ended them may have been answered long ago. */
  forgetOver(): void {
    const { mcpSessions, grants, now } = this.#options.context
    this.#forgetAll(mcpSessions.all().filter(({ grantId }) => !grants.live(grantId, now())))
  }

  async farewells(): Promise<void> {
    await Promise.all(this.#farewells)
  }

  /** Sessions nobody has used for long, unless somebody listens to them. */
  collectIdle(): void {
    const { mcpSessions, log: events, leashes, settings, now } = this.#options.context
    for (const session of mcpSessions.idle(now() - settings.limits.mcpSessionIdle)) {
      const standing = events.standingOf(session.id)
      const isHeard = this.#options.isHeard(session.id) || (standing !== undefined && leashes.isOpen(standing.id))
      if (!isHeard) this.end(session)
    }
  }

  async #farewell(session: McpSession, headersWithinMs: number, signal: AbortSignal): Promise<void> {
    const { context, downstream } = this.#options
    const target = downstreamFor(context.settings, session.resource)
    const grant = context.grants.find(session.grantId)
    if (!target || !grant) return
    // Of a grant that has just ended the downstream hears a last time, and nothing but this.
    const vouched = await vouchFor(context, grant, target, 'farewell')
    if ('reason' in vouched) return
    const headers = identityHeaders(vouched)
    if (session.protocolVersion !== undefined) headers['mcp-protocol-version'] = session.protocolVersion
    const request = { method: 'DELETE', target: target.url, headers, signal, headersWithinMs } as const
    const { answer } = await downstream.send(session, request)
    await answer.body?.cancel()
  }
}

function notHeard(error: unknown): void {
  log('info', 'mcp_session.farewell_failed', { reason: describeError(error) })
}
