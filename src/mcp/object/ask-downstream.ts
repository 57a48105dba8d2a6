// One message of a client on its way to the downstream: a revocation finds it there until the downstream has answered.
import type { Deadline } from '../../platform/deadlines.ts'
import type { ProviderQuestion } from '../../session/access/ask-provider.ts'
import type { McpSession } from '../../session/store/mcp-sessions.ts'
import type { DispatchHeader } from '../dispatch/dispatch-header.ts'
import { checkAnswer } from '../downstream/downstream-answer.ts'
import { interrupted, McpRefusal } from '../message/refusal.ts'
import type { DownstreamRequest } from './downstream-request.ts'
import type { DownstreamSessions, SessionAnswer } from './downstream-session.ts'
import type { Flights } from './flights.ts'
import { wayOf } from './own-token-retry.ts'
import { refuseEnded } from './refuse-ended.ts'

export interface AskedOfDownstream extends Pick<DownstreamRequest, 'method' | 'headers' | 'body'> {
  readonly session: McpSession | undefined
}

export interface AskDownstreamOptions {
  readonly context: ProviderQuestion
  readonly downstream: DownstreamSessions
  /** Requests that wait for the downstream's headers, with their grants; a revocation aborts them. */
  readonly flights: Flights
  readonly deadline: Deadline
}

export async function askDownstream(
  order: DispatchHeader,
  abort: AbortController,
  { session, ...asked }: AskedOfDownstream,
  { context, downstream, flights, deadline }: AskDownstreamOptions,
): Promise<SessionAnswer> {
  const over = flights.begin(abort, order.caller.grantId)
  try {
    // The body was read after the admission: a revocation that came meanwhile has found nothing to abort.
    refuseEnded(context, order.caller, abort)
    const initializes = order.kind === 'initialize' ? order.caller.resource : undefined
    const way = { ...wayOf(context, order, asked.headers, abort), deadline, initializes }
    const sent = await downstream.send(session, { ...asked, ...way })
    await checkAnswer(sent.answer)
    return sent
  } catch (error) {
    // A timeout aborts it too, and says so.
    const isLate = error instanceof McpRefusal && error.code === 'downstream_timeout'
    throw abort.signal.aborted && !isLate ? interrupted(abort.signal.reason) : error
  } finally {
    over()
  }
}
