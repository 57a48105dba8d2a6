// How a verified signal is handed on from the door it came in by, and what is said of it in the log.
import type { Context } from 'hono'
import { log } from '../platform/telemetry.ts'
import { OAuthError } from '../clients/oauth-error.ts'
import type { Signal, SignalOutcome } from '../session/contract/signal.ts'
import type { Services } from '../services.ts'
import type { SignalRefusal } from '../signals/signer.ts'
import type { Guarded } from './guards.ts'

/** Seconds until whoever sent it may come again. */
export const RETRY_AFTER = 5

/** Returns when what it ended is closed. */
export async function takeSignal(c: Context<Guarded>, { directory }: Services, signal: Signal): Promise<SignalOutcome> {
  const taken = await directory().signal(signal)
  const receipts = taken.outcome === 'done' ? taken.receipts : []
  const { door, provider, jti, event, receivedAt } = signal
  log(taken.outcome === 'done' || taken.outcome === 'unknown' ? 'info' : 'warn', 'signal.taken', {
    door,
    provider,
    event,
    jti,
    outcome: taken.outcome,
    people: receipts.length,
    streams: receipts.reduce((sum, { streams }) => sum + streams, 0),
    milliseconds: Date.now() - receivedAt,
    request_id: c.get('requestId'),
  })
  return taken
}

/** While nothing can be known nothing is believed, and whoever sent it comes again. */
export function unknowable({ message, detail }: SignalRefusal): OAuthError {
  return new OAuthError('temporarily_unavailable', message, {
    ...(detail !== undefined && { reason: detail }),
    retryAfter: RETRY_AFTER,
  })
}

export function logRefused(c: Context<Guarded>, door: Signal['door'], { fault, message, detail }: SignalRefusal): void {
  log('warn', 'signal.refused', { door, fault, reason: detail ?? message, request_id: c.get('requestId') })
}
