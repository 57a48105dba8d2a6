// One stream that the object reads into the log: what it is, what it owes its client, and how far it has come.
import { StreamMeter } from '../../session/stream-traffic.ts'
import type { LogReader } from './log-reader.ts'
import { OpenRequests } from '../open-requests.ts'

export interface StreamSpec {
  readonly id: string
  readonly grantId: string
  readonly mcpSession: string
  readonly kind: 'call' | 'standing'
  readonly requestIds: readonly string[]
  /** For people who watch: `tools/call count`. */
  readonly label?: string
  /** Where its answers come from, as far as that is known: not after a restart. */
  readonly target?: string
}

export interface OwnedStream {
  readonly spec: StreamSpec
  readonly open: OpenRequests
  readonly abort: AbortController
  readonly openedAt: number
  readonly meter: StreamMeter
  upId: string | undefined
  /** Number of the last event that is safely stored. */
  safeUpTo: number
  retryMs: number
  reader: LogReader | undefined
  /** Number of the last event a client was sent. */
  sentUpTo: number
}

/** How soon the downstream is asked again, unless it says otherwise. */
export const RETRY_MS = 1_000
export const LONGEST_RETRY_MS = 30_000

interface Begun extends Pick<OwnedStream, 'spec' | 'upId' | 'safeUpTo' | 'abort' | 'openedAt'> {
  /** Ids of the requests that are still to be answered. */
  readonly open: readonly string[]
}

export function beginning({ open, ...begun }: Begun): OwnedStream {
  return {
    ...begun,
    open: new OpenRequests(open),
    meter: new StreamMeter(),
    retryMs: RETRY_MS,
    reader: undefined,
    sentUpTo: begun.safeUpTo,
  }
}

/** Nothing has to come any more. A stream that stands open waits for whatever does. */
export function owesNothing({ spec, open }: OwnedStream): boolean {
  return spec.kind === 'call' && open.areAnswered
}
