// What an administrative action is known by, and what came of it: made where the action is carried out, kept by the Directory.
import type { SignalFacts } from './signal-facts.ts'

/**
 * Who did something, as receipts and security events have it, is the name of their object: a hash, which nobody can choose. Whom
 * Cloudflare Access vouches for has none, and is `access:` and a subject; an identity system that takes access away is `signal:` and its
 * issuer. What they are called stands beside it and decides nothing.
 * This is for what people do on their own account page: none of those can ever be that.
 */
export const THEMSELVES = 'person'

/**
 * `recheck`: the identity provider was asked whether it still knows the person. `apply`: what has changed, in groups or settings, counts for
 * what is open.
 */
export type Action = 'revoke' | 'block' | 'unblock' | 'create' | 'recheck' | 'apply'

/** `sub` names the person whose it is; a client or resource without one is everybody's. */
export interface ActionTarget {
  readonly what:
    | 'everyone'
    | 'person'
    | 'client'
    | 'resource'
    | 'grant'
    | 'mcp_session'
    | 'stream'
    | 'machine'
    | 'group'
    | 'provider_session'
    | 'sealing_key'
  readonly id?: string | undefined
  readonly sub?: string | undefined
}

/** What an action is known by before anything has come of it. */
export interface AdminAction {
  readonly id: string
  /** Unix seconds. */
  readonly at: number
  readonly by: string
  /** What they were called then. */
  readonly byName?: string | undefined
  readonly why: string
  readonly action: Action
  readonly target: ActionTarget
}

export interface Receipt extends AdminAction {
  readonly people: { readonly total: number; readonly done: number; readonly failing: number }
  readonly grants: number
  readonly streams: number
  /** Routers that did not say so themselves before their time was over, or their connection was closed. */
  readonly unanswered: number
  /** When everybody who was asked had answered; null until then. */
  readonly acknowledgedAt: number | null
  /** Absent where nothing was ended, or before receipts said so. */
  readonly closing?: Closing | undefined
  /** `cancelled`: taken back before everybody was asked; who was not keeps what they had. */
  readonly state: 'done' | 'running' | 'retrying' | 'cancelled'
  /** Of what an identity system said; `silentAt` is when the last stream was closed, in unix milliseconds. */
  readonly signal?: (SignalFacts & { readonly silentAt: number }) | undefined
}

/** Of an action on one person, when it is over. */
export function receiptOfOne(
  order: AdminAction,
  { grants, streams, unanswered, closing }: Ended,
  acknowledgedAt: number,
): Receipt {
  const people = { total: 1, done: 1, failing: 0 }
  return { ...order, people, grants, streams, unanswered, acknowledgedAt, state: 'done', ...(closing && { closing }) }
}

/** When what was ended closed, in unix milliseconds: permissions, streams, and what routers could answer without asking. */
export interface Closing {
  readonly firstAt: number
  readonly lastAt: number
  /** Where a router did not answer: when the last of those could act no longer, because its time was over or its connection closed. */
  readonly couldActUntil?: number | undefined
}

export function closedAt(at: number): Closing {
  return { firstAt: at, lastAt: at }
}

/** Of several things: the earliest, the latest, and the last that did not answer. */
export function closingOf(all: readonly (Closing | undefined)[]): Closing | undefined {
  const known = all.filter((closing) => closing !== undefined)
  if (known.length === 0) return undefined
  const open = known.flatMap(({ couldActUntil }) => couldActUntil ?? [])
  return {
    firstAt: Math.min(...known.map(({ firstAt }) => firstAt)),
    lastAt: Math.max(...known.map(({ lastAt }) => lastAt)),
    ...(open.length > 0 && { couldActUntil: Math.max(...open) }),
  }
}

/** On whose behalf something ends, when it is not the rules that end it. */
export interface By {
  readonly actor: string
  /** What they were called then; decides nothing. */
  readonly actorName?: string | undefined
  readonly reason?: string
}

/** What a revocation did; when it is returned everything counted here is over. */
export interface Ended {
  readonly grants: number
  readonly streams: number
  /** Routers that did not say so themselves: what they were allowed ran out, or their connection was closed. */
  readonly unanswered: number
  /** Absent where nothing was open. */
  readonly closing?: Closing | undefined
}

export const NOTHING_ENDED: Ended = { grants: 0, streams: 0, unanswered: 0 }

export function sumOfEnded(ended: readonly Ended[]): Ended {
  const closing = closingOf(ended.map((one) => one.closing))
  const sum = (count: (one: Ended) => number): number => ended.reduce((total, one) => total + count(one), 0)
  return {
    grants: sum(({ grants }) => grants),
    streams: sum(({ streams }) => streams),
    unanswered: sum(({ unanswered }) => unanswered),
    ...(closing && { closing }),
  }
}
