// Requests the downstream has not begun to answer, and messages that take back one of those, or of those it has.
import type { McpSession } from '../../session/store/mcp-sessions.ts'
import { sentEnvelope } from './sent-body.ts'
import { OpenRequests } from '../message/open-requests.ts'
import type { Operation } from '../telemetry/operation.ts'
import type { CarriedRequest } from './http-sse/bridges.ts'
import type { OwnedStreams } from './owned-streams.ts'
import { withdraw, withdrawnBy, type Owing } from './withdrawal.ts'

interface Asker {
  readonly grantId: string
  /** Empty where the downstream keeps no sessions. */
  readonly mcpSession: string
}

/** Why a request was aborted whose client does not wait for it. */
const WITHDRAWN = Symbol('withdrawn')

/** Its requests are looked at one by one only where a message takes some of them back, which is seldom. */
class Pending {
  readonly #requestIds: readonly string[]
  readonly asker: Asker
  readonly abort: AbortController
  #open: OpenRequests | undefined

  constructor(requestIds: readonly string[], asker: Asker, abort: AbortController) {
    this.#requestIds = requestIds
    this.asker = asker
    this.abort = abort
  }

  get open(): OpenRequests {
    this.#open ??= new OpenRequests(this.#requestIds)
    return this.#open
  }

  /** Undefined where nothing was taken back. */
  get lookedAt(): OpenRequests | undefined {
    return this.#open
  }
}

export class PendingPosts {
  readonly #streams: OwnedStreams
  readonly #waitUntil: (work: Promise<unknown>) => void
  readonly #pending = new Set<Pending>()

  constructor(streams: OwnedStreams, waitUntil: (work: Promise<unknown>) => void) {
    this.#streams = streams
    this.#waitUntil = waitUntil
  }

  /** With what is still to be answered, where some was taken back; undefined when nobody waits for any of the requests any more. */
  async sent<T>(
    asked: CarriedRequest,
    session: McpSession | undefined,
    abort: AbortController,
    send: () => Promise<T>,
  ): Promise<{ readonly got: T; readonly open: OpenRequests | undefined } | undefined> {
    const { requestIds, caller } = asked.order
    const asker = { grantId: caller.grantId, mcpSession: session?.id ?? '' }
    const pending = new Pending(requestIds, asker, abort)
    const sending = this.#withdrawing(asked, asker, send)
    if (requestIds.length > 0) this.#pending.add(pending)
    try {
      const got = await sending
      const open = pending.lookedAt
      if (requestIds.length === 0 || open?.areAnswered !== true) return { got, open }
      abort.abort(WITHDRAWN)
      return undefined
    } catch (error) {
      if (abort.signal.reason === WITHDRAWN) return undefined
      throw error
    } finally {
      this.#pending.delete(pending)
    }
  }

  /** Ends what is taken back after the downstream was told, whether or not its client waits for that. */
  #withdrawing<T>({ order, body }: CarriedRequest, asker: Asker, send: () => Promise<T>): Promise<T> {
    const mayWithdraw = order.kind === 'batch' || order.label.startsWith('notifications/cancelled')
    const ids = mayWithdraw ? withdrawnBy(sentEnvelope(body).messages) : []
    if (ids.length === 0) return send()
    const isTheirs = ({ grantId, mcpSession }: Asker): boolean =>
      mcpSession === asker.mcpSession && (mcpSession !== '' || grantId === asker.grantId)
    const end = withdraw(ids, [...this.#streams.owed.of(isTheirs), ...this.#owing(isTheirs)])
    const sending = send()
    this.#waitUntil(sending.then(end, end))
    return sending
  }

  #owing(whose: (asker: Asker) => boolean): readonly Owing[] {
    return [...this.#pending]
      .filter(({ asker }) => whose(asker))
      .map(({ open, abort }) => ({ open, end: () => abort.abort(WITHDRAWN) }))
  }
}

/** Nobody waits for it: a client reads nothing behind a 202. */
export function withdrawnAnswer(operation: Operation | undefined): Response {
  operation?.cancelled()
  return new Response(null, { status: 202, headers: { 'cache-control': 'no-store' } })
}
