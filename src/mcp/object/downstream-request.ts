// One request of the object's to a downstream, in the name of a person and, where there is one, of a session.
import type { Deadline } from '../../platform/deadlines.ts'
import type { SentBody } from './sent-body.ts'
import type { Challenged } from '../downstream/token-retry.ts'

/** Lower-case names. A record, because every `Headers` made for a request on its way shows in what the way costs. */
export type SentHeaders = Record<string, string>

export interface DownstreamRequest {
  readonly method: 'POST' | 'GET' | 'DELETE'
  readonly target: string
  /** Everything but the session id. */
  readonly headers: SentHeaders
  readonly body?: SentBody
  readonly signal: AbortSignal
  /** Of that signal, where the caller owns it: then a timeout aborts it too. */
  readonly ending?: AbortController | undefined
  readonly headersWithinMs: number
  /** What keeps the time; a timer for each wait where nothing is said. */
  readonly deadline?: Deadline | undefined
  /** What to do when the downstream does not take what the headers say of the person. */
  readonly challenged?: Challenged | undefined
  /** Of an `initialize`: the resource a session is opened for. */
  readonly initializes?: string | undefined
}
