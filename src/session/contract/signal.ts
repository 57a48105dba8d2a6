// What an identity system says about somebody's access, verified: the one shape every door makes of it, and what comes of it.
import type { SignalFacts } from './signal-facts.ts'
import { receiptOfOne, type AdminAction, type Ended, type Receipt } from './receipt.ts'

/**
 * What follows. `block` also of somebody who was never here, and `unblock` takes back what a signal has blocked, never what an
 * administrator has; `recheck` asks the identity provider whether it still knows the person.
 */
export type SignalEffect = 'end' | 'end_session' | 'block' | 'unblock' | 'recheck'

/** `issuer` is that of the people, who are named as they are when they sign in; an address counts where that issuer has verified it. */
export type SignalSubject =
  | { readonly what: 'person'; readonly issuer: string; readonly subject: string }
  /** The `sid` of a session there; with a subject where the signal says whose it is. */
  | { readonly what: 'session'; readonly issuer: string; readonly session: string; readonly subject?: string | undefined }
  | { readonly what: 'email'; readonly issuer: string; readonly email: string }
  /** It is about people of somebody else: taken once like any other, and of no effect. */
  | { readonly what: 'nobody' }

export interface Signal extends SignalFacts {
  /** Which of the settings' providers it belongs to, and what people call that. */
  readonly provider: string
  readonly providerName: string
  /** When nobody would take it any more, in unix seconds: until then it is taken once. */
  readonly until: number
  readonly names: SignalSubject
  readonly effect: SignalEffect
}

/** What one person's object is told to do. */
export interface SignalOrder extends AdminAction {
  readonly signal: SignalFacts
  readonly effect: SignalEffect
}

/**
 * `done` is answered when everything it ended is closed. `reused`: it was taken before, and nothing happens. `unknown`: nobody here is
 * meant. `unfinished`: not everybody's object has answered; they are asked again until they do. `crowded`: so many are remembered that no
 * other can be told from one that was taken.
 */
export type SignalOutcome =
  | { readonly outcome: 'done'; readonly receipts: readonly Receipt[] }
  | { readonly outcome: 'reused' | 'unknown' | 'unfinished' | 'crowded' }

/** Who did something is, for a signal, this and the issuer: no object and nobody else is ever called so. */
export const SIGNAL_ACTOR = 'signal:'

/** Everything it ended is closed by now. */
export function receiptOfSignal(order: SignalOrder, ended: Ended, acknowledgedAt: number): Receipt {
  const { id, at, by, byName, why, action, target, signal } = order
  const receipt = receiptOfOne({ id, at, by, byName, why, action, target }, ended, acknowledgedAt)
  return { ...receipt, signal: { ...signal, silentAt: Date.now() } }
}

/** Providers tell of every sign-out, also of people who have nothing here any more: that leaves no receipt. */
export function leavesReceipt({ signal, grants, streams }: Receipt): boolean {
  return signal?.door !== 'backchannel-logout' || grants + streams > 0
}
