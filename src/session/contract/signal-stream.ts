// A stream of security events (Shared Signals Framework): what is agreed with its transmitter, and what a token of it says.
import type { Signal } from './signal.ts'

export interface SignalStream {
  /** Which of the settings' providers it belongs to. */
  readonly provider: string
  readonly streamId: string
  readonly issuer: string
  readonly audience: readonly string[]
  readonly delivery: 'push' | 'poll'
  /** Where it is polled. */
  readonly pollUrl?: string | undefined
}

/** Error codes of RFC 8935 section 2.4 and of the framework. */
export type StreamError =
  | 'invalid_request'
  | 'invalid_key'
  | 'invalid_issuer'
  | 'invalid_audience'
  | 'authentication_failed'
  | 'invalid_state'

export type StreamEvent =
  | { readonly kind: 'signal'; readonly signal: Signal }
  | { readonly kind: 'verification'; readonly state: string | undefined }
  /** The transmitter has paused it, or disabled it, or goes on with it. */
  | { readonly kind: 'status'; readonly status: string }
  /** Believed, and of no consequence here. */
  | { readonly kind: 'nothing'; readonly why: string }
  | { readonly kind: 'refused'; readonly err: StreamError; readonly why: string }
  /** The keys can not be had: it is to come again. */
  | { readonly kind: 'unknowable'; readonly why: string }

/** What is said of the events of the poll before (RFC 8936 section 2.2). */
export interface PollAnswers {
  readonly ack: readonly string[]
  readonly setErrs: Readonly<Record<string, { readonly err: StreamError; readonly description: string }>>
}

export interface Polled {
  /** Tokens by the ids the transmitter gives them. */
  readonly sets: Readonly<Record<string, string>>
  readonly more: boolean
}

/** Who sends the events of one provider; rejects with a sentence for the operator. `token` is one of an administrator's there, used once. */
export interface StreamSender {
  setUp(token?: string): Promise<SignalStream>
  requestVerification(stream: SignalStream, state: string, token?: string): Promise<void>
  poll(stream: SignalStream, answers: PollAnswers): Promise<Polled>
  /** Never rejects because of the token. */
  read(stream: SignalStream, token: string, receivedAt: number): Promise<StreamEvent>
}
