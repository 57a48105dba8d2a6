// Entries of the flight recorder, put together to what they are about: a request with its answer, or with its stream and what came by it.

export interface ShownEntry {
  readonly number: number
  /** Unix milliseconds. */
  readonly at: number
  readonly kind: 'exchange' | 'stream_opened' | 'event' | 'stream_ended'
  readonly era: string
  readonly grantId: string
  readonly requestId: string
  readonly verb: string
  readonly method?: string | undefined
  readonly about?: string | undefined
  readonly status?: number | undefined
  readonly durationMs?: number | undefined
  readonly requestBytes?: number | undefined
  readonly answerBytes?: number | undefined
  readonly events?: number | undefined
  readonly refusal?: string | undefined
  readonly failure?: string | undefined
  readonly ended?: string | undefined
  readonly sealed?: { readonly request?: number; readonly answer?: number } | undefined
}

export const OUTCOMES = { answered: 'Answered', refused: 'Refused', failed: 'Failed', left: 'Client left', open: 'Open' } as const
type Outcome = keyof typeof OUTCOMES

export interface WireExchange extends ShownEntry {
  readonly outcome: Outcome
  /** Those with sealed messages, oldest first. */
  readonly sealedEntries: readonly number[]
  /** When it was asked, unix milliseconds. */
  readonly askedAt: number
}

export interface WireFilter {
  /** Tool, prompt or resource; everything where it is empty. */
  readonly about: string
  readonly outcome: string
}

/** Newest first. An event of which nothing else is there any more stands alone. */
export function exchangesOf(entries: readonly ShownEntry[], { about, outcome }: WireFilter): readonly WireExchange[] {
  const byRequest = Map.groupBy(entries, ({ requestId }) => requestId)
  const all = [...byRequest.values()].map(exchangeOf).toReversed()
  return all.filter((one) => (about === '' || one.about === about) && (outcome === '' || one.outcome === outcome))
}

function exchangeOf(entries: readonly ShownEntry[]): WireExchange {
  const [first] = entries
  if (!first) throw new Error('a request without an entry')
  const last = entries.findLast(({ kind }) => kind !== 'event') ?? first
  const { requestBytes = last.requestBytes } = first
  const events = last.events ?? (last.kind === 'exchange' ? undefined : entries.filter(({ kind }) => kind === 'event').length)
  const whole = { ...first, ...last, number: first.number, requestBytes, events }
  return {
    ...whole,
    outcome: outcomeOf(last),
    sealedEntries: entries.flatMap(({ number, sealed }) => (sealed ? [number] : [])),
    askedAt: first.at - (first.durationMs ?? 0),
  }
}

function outcomeOf({ kind, refusal, failure, ended, status = 0 }: ShownEntry): Outcome {
  if (refusal !== undefined) return 'refused'
  if (kind === 'stream_opened' || kind === 'event') return 'open'
  if (ended === 'client_left') return 'left'
  return ended === 'broken' || failure !== undefined || status >= 400 ? 'failed' : 'answered'
}
