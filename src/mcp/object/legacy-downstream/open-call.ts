// One call of a client of 2026-07-28 at a legacy server, which may outlive the request it was made with: while the client looks for answers
// to the server's questions, nobody waits for it.
import type { ParkedCall, ParkedQuestion } from '../../../session/store/legacy-downstreams.ts'
import type { Sender } from '../../bridge/request-sender.ts'
import { INTERACTIVE } from '../../bridge/protocol.ts'
import type { ModernAnswer } from './modern-answer.ts'

/** The request somebody waits with. */
export interface Waiting {
  /** As the client spelled it, in JSON. */
  readonly id: string
  /** The same; undefined where it wants no progress. */
  readonly progressToken: string | undefined
  readonly requestId: string
  readonly sender: Sender
  readonly answer: ModernAnswer
  /** What a client has to come back with; undefined where it can not be asked anything. Most are never asked, and nothing is hashed. */
  readonly terms: (() => Promise<RetryTerms>) | undefined
}

export interface RetryTerms {
  readonly sub: string
  readonly grantId: string
  readonly resource: string
  readonly method: string
  /** SHA-256 of what has to be the same. */
  readonly digest: string
}

export interface OpenCall {
  /** The broker's id of the request at the server, and its progress token. */
  readonly id: string
  readonly grantId: string
  readonly method: string
  readonly label: string
  /** Unix seconds. */
  readonly openedAt: number
  /** Of whoever waits, or waited last. */
  sender: Sender
  /** Undefined while it is parked. */
  waiting: Waiting | undefined
  /** Questions that the client has not been asked. */
  asked: ParkedQuestion[]
  collecting: ReturnType<typeof setTimeout> | undefined
  round: number
  /** How many keys its questions have had: none is given twice, so that an answer is never one to another question. */
  keys: number
  /** Where the server's answer can be resumed. */
  serverEventId: string | undefined
  /** What the server wanted to ask and could not. */
  missing: Readonly<Record<string, unknown>> | undefined
  /** The server's response, where it came while nobody waited. */
  response: string | undefined
}

type Begun = Pick<OpenCall, 'id' | 'grantId' | 'method' | 'label' | 'openedAt' | 'sender' | 'waiting'>

/** What goes on from where it was. */
export type AskedBefore = Partial<Pick<OpenCall, 'round' | 'keys' | 'serverEventId'>>

export function openCall(begun: Begun, parked: AskedBefore = {}): OpenCall {
  return {
    ...begun,
    asked: [],
    collecting: undefined,
    round: parked.round ?? 0,
    keys: parked.keys ?? 0,
    serverEventId: parked.serverEventId,
    missing: undefined,
    response: undefined,
  }
}

/** For the next question to its client. */
export function nextKey(call: OpenCall): string {
  call.keys += 1
  return `q${call.keys}`
}

/** Of a call that goes on under another name, or in another life of the object. */
export function askedBefore({ round, questions }: Pick<ParkedCall, 'round' | 'questions'>): AskedBefore {
  return { round, keys: Math.max(0, ...questions.map(({ key }) => Number(key.slice(1)))) }
}

/** Whether a server may ask something in it, in vain or not. */
export function isInteractive({ method }: Pick<OpenCall, 'method'>): boolean {
  return INTERACTIVE.includes(method)
}

/** Whether its client answers anything. */
export function canBeAsked({ method, sender: { capabilities } }: Pick<OpenCall, 'method' | 'sender'>): boolean {
  const { elicitation, sampling, roots } = capabilities
  return isInteractive({ method }) && (elicitation !== undefined || sampling !== undefined || roots !== undefined)
}

/** Whether its client was asked something, and has not come back with the answers. */
export function isParked({ round, waiting }: Pick<OpenCall, 'round' | 'waiting'>): boolean {
  return round > 0 && waiting === undefined
}

/**
 * The one call a question can be about that does not say; undefined where there is none, or more than one. A call that waits for answers has
 * asked: with one at work beside it the question is of that.
 */
export function onlyInteractive(calls: Iterable<OpenCall>): OpenCall | undefined {
  const interactive = [...calls].filter(isInteractive)
  const atWork = interactive.filter((call) => !isParked(call))
  const [one, another] = atWork.length > 0 ? atWork : interactive
  return another ? undefined : one
}
