// What a recording of the wire is made of: its terms, and one entry per exchange, stream or event.
import type { SealedPart, SealedTo, Segment } from '../../evidence/message-sealer.ts'

/** The largest message that is kept whole, in bytes. A longer one can't be read for secrets, so its size is all that is kept of it. */
export const LARGEST_MESSAGE = 4 * 1024 * 1024

/** What is asked for when a recording is started. */
export interface RecordingAsked {
  /** One connected client; everything of the person where nothing is said. */
  readonly grantId?: string | undefined
  /** To whom messages are sealed; without it none are kept. */
  readonly sealedTo?: SealedTo | undefined
  readonly minutes: number
}

export interface RecordedBy {
  readonly actor: string
  readonly actorName?: string | undefined
}

export interface RecordingTerms {
  readonly id: string
  readonly grantId?: string
  /** Whether messages are kept too, sealed. */
  readonly bodies: boolean
  /** Of the key they are sealed to. */
  readonly fingerprint?: string
  /** Who started it, and what they are called. */
  readonly by: string
  readonly byName?: string | undefined
  /** Unix seconds. */
  readonly startedAt: number
  readonly until: number
}

/** What the wire is watched for: the part of the terms that travels with an admission. */
export type Watched = Pick<RecordingTerms, 'bodies' | 'until'>

export interface WireEntry {
  /** Unix milliseconds. */
  readonly at: number
  /** `exchange`: a request and its answer; a streamed answer has an entry at its begin and one at its end, its events between them. */
  readonly kind: 'exchange' | 'stream_opened' | 'event' | 'stream_ended'
  readonly direction: 'to_server' | 'to_client'
  readonly era: 'legacy' | 'modern' | 'unknown'
  readonly grantId: string
  readonly clientId: string
  /** The `X-Request-Id` of the answer. */
  readonly requestId: string
  readonly verb: string
  /** Of the JSON-RPC message. */
  readonly method?: string | undefined
  /** Tool, prompt or resource. */
  readonly about?: string | undefined
  readonly status?: number | undefined
  readonly durationMs?: number | undefined
  readonly requestBytes?: number | undefined
  readonly answerBytes?: number | undefined
  readonly events?: number | undefined
  /** Why the broker refused: a stable code. */
  readonly refusal?: string | undefined
  /** What the answer says went wrong: `tool_error`, or the code of a JSON-RPC error. */
  readonly failure?: string | undefined
  /** How a stream came to its end: by itself, or because its client went away. */
  readonly ended?: 'ended' | 'client_left' | 'broken' | undefined
  readonly request?: string | undefined
  readonly answer?: string | undefined
}

/** As it is kept: in the place of messages stands how many bytes of them are sealed. */
export interface KeptEntry extends Omit<WireEntry, 'request' | 'answer'> {
  readonly recording?: string
  /** `block`: they lie in the block that ends so many entries later. */
  readonly sealed?: { readonly request?: number; readonly answer?: number; readonly block?: number }
}

export interface NumberedEntry extends KeptEntry {
  readonly number: number
}

export interface RecordingPage {
  /** Undefined while nothing is recorded. */
  readonly terms: RecordingTerms | undefined
  /** Oldest first. */
  readonly entries: readonly NumberedEntry[]
  /** Pass it back to get what has come since. */
  readonly last: number
}

/** Entries with what is sealed of them. */
export interface SealedPage {
  readonly entries: readonly (NumberedEntry & { readonly parts: readonly SealedPart[] })[]
  /** Those that the parts were sealed under. */
  readonly segments: readonly Segment[]
  /** The marks at the ends of recordings, once there are no more entries. */
  readonly marks: readonly SealedPart[]
  readonly last: number
}
