// Why somebody else's sign-in came to nothing: one set of reasons, and one meaning for everything that is thrown on the way.
import * as oauth from 'oauth4webapi'
import { describeError } from '../platform/telemetry.ts'
import { KeysAway } from './key-set.ts'

export type RemoteErrorReason =
  /** No answer, 5xx, 429, or something that is no answer at all: trying again may help. */
  | 'unreachable'
  /** The person was not let in, or they gave up. */
  | 'denied'
  /** The broker itself was refused: an expired code, a wrong client secret, an unknown scope. */
  | 'refused'
  /** An answer that did not survive verification: no part of it is used. */
  | 'invalid'

/** What was wrong with the request that sent a person there, where that is what was refused. */
export type RequestFault = 'scope' | 'client' | 'request'

export interface RemoteErrorOptions {
  readonly code?: string | undefined
  readonly fault?: RequestFault | undefined
  readonly cause?: unknown
}

const LONGEST_DETAIL = 300

/** Its message is for the person. */
export abstract class RemoteError extends Error {
  readonly reason: RemoteErrorReason
  /** What happened in detail, for our log and no page: the other side's own words are in it. */
  readonly detail: string
  /** The OAuth error code that was given, if one was. */
  readonly code: string | undefined
  /** Absent where it was not the request. */
  readonly fault: RequestFault | undefined

  constructor(message: string, reason: RemoteErrorReason, detail: string, { code, fault, cause }: RemoteErrorOptions) {
    super(message, { cause })
    this.reason = reason
    this.detail = detail.slice(0, LONGEST_DETAIL)
    this.code = code
    this.fault = fault
  }
}

interface Meaning {
  readonly reason: RemoteErrorReason
  readonly detail: string
  readonly options: RemoteErrorOptions
}

/** Of whatever is no `RemoteError` yet; what nobody foresaw counts as not verified. `who` has answered. */
export function meaningOf(error: unknown, who: string, describe: (error: unknown) => string = describeError): Meaning {
  if (error instanceof KeysAway) {
    const { cause } = error
    if (!(cause instanceof RemoteError)) return { ...meaningOf(cause, who, describe), reason: 'unreachable' }
    const { reason, detail, code, fault } = cause
    return { reason, detail, options: { code, fault, cause } }
  }
  if (!(error instanceof oauth.AuthorizationResponseError))
    return { reason: 'invalid', detail: describe(error), options: { cause: error } }
  const { error: code, error_description: description = 'no description' } = error
  const [reason, fault] = refusedWith(code)
  return { reason, detail: `${who} answered ${code}: ${description}`, options: { code, fault, cause: error } }
}

/** RFC 6749 section 4.1.2.1: some of these are about the broker or whom it asked, the others about the person. The last ones are GitHub's. */
function refusedWith(code: string): readonly [RemoteErrorReason, RequestFault?] {
  if (code === 'server_error' || code === 'temporarily_unavailable') return ['unreachable']
  if (code === 'invalid_scope') return ['refused', 'scope']
  if (/^(?:unauthorized_client|invalid_client|application_suspended)$/.test(code)) return ['refused', 'client']
  return /^(?:invalid_|unsupported_|redirect_uri_mismatch$)/.test(code) ? ['refused', 'request'] : ['denied']
}
