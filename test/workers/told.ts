// What an identity system says about somebody's access, as a door hands it on once it is verified.
import { randomUUID } from 'node:crypto'
import type { Signal, SignalOrder } from '../../src/session/contract/signal.ts'
import { IDENTITY } from './person.ts'

export function signal(changes: Partial<Signal> = {}): Signal {
  const { issuer, subject } = IDENTITY
  return {
    door: 'shared-signals',
    provider: 'oauth',
    providerName: 'Example',
    issuer,
    jti: randomUUID(),
    until: Math.floor(Date.now() / 1000) + 300,
    event: 'session-revoked',
    receivedAt: Date.now(),
    names: { what: 'person', issuer, subject },
    effect: 'end',
    ...changes,
  }
}

/** What a person's object is told of it. */
export function signalOrder(changes: Partial<SignalOrder> = {}): SignalOrder {
  const { door, issuer, jti, event, receivedAt } = signal()
  return {
    id: jti,
    at: Math.floor(receivedAt / 1000),
    by: `signal:${issuer}`,
    byName: 'Example',
    why: `${event}, ${jti}`,
    action: 'revoke',
    target: { what: 'person' },
    effect: 'end',
    signal: { door, issuer, jti, event, receivedAt },
    ...changes,
  }
}
