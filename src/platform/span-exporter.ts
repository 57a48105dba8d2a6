// Spans on their way to an OTLP endpoint, by HTTP in JSON: in the background, in batches, and never more than so many.
//
// Nobody waits for them. While the endpoint hangs, refuses or is away what is finished goes into a queue that drops, and is counted. A client
// chooses neither whether it is recorded nor how often: the share is drawn here, and a second has room for so many.
import { measures } from './measures.ts'
import { outbound } from './outbound.ts'

export interface TelemetrySettings {
  /** Where spans go. */
  readonly tracesUrl: string
  readonly headers: Readonly<Record<string, string>>
  /** Which share of requests is recorded. */
  readonly ratio: number
}

export interface FinishedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string | undefined
  readonly name: string
  readonly kind: 'server' | 'client'
  /** Unix milliseconds. */
  readonly startedAt: number
  readonly endedAt: number
  readonly attributes: Readonly<Record<string, string | number>>
  readonly link?: { readonly traceId: string; readonly spanId: string } | undefined
}

/** Opentelemetry-proto, `Span.SpanKind` and `Status.StatusCode`. */
const KINDS = { server: 2, client: 3 } as const
const ERROR = 2

const MOST_PER_SECOND = 100
const MOST_WAITING = 2_000
const MOST_IN_BATCH = 500
const GATHERED_MS = 1_000
const WITHIN_MS = 5_000
/** After the endpoint has failed. */
const PAUSE_MS = 10_000
/** Batches one request carries; whoever comes next carries the others. */
const MOST_BATCHES = 8

export class SpanExporter {
  readonly #settings: TelemetrySettings
  readonly #random: () => number
  #waiting: FinishedSpan[] = []
  #left = MOST_PER_SECOND
  #refilledAt = 0
  /** Until when a request carries them. It may end early, so this is a time. Unix milliseconds. */
  #carriedUntil = 0

  constructor(settings: TelemetrySettings, random: () => number = Math.random) {
    this.#settings = settings
    this.#random = random
  }

  /** Whether one more request is recorded. */
  mayRecord(now: number): boolean {
    if (this.#settings.ratio < 1 && this.#random() >= this.#settings.ratio) return false
    if (now - this.#refilledAt >= 1_000) {
      this.#left = MOST_PER_SECOND
      this.#refilledAt = now
    }
    if (this.#left === 0) {
      measures.count('spans', 'dropped')
      return false
    }
    this.#left -= 1
    return true
  }

  keep(spans: readonly FinishedSpan[], waitUntil: (work: Promise<unknown>) => void): void {
    for (const span of spans) {
      if (this.#waiting.length < MOST_WAITING) this.#waiting.push(span)
      else measures.count('spans', 'dropped')
    }
    const now = Date.now()
    if (now < this.#carriedUntil) return
    this.#carriedUntil = now + GATHERED_MS + MOST_BATCHES * WITHIN_MS
    waitUntil(this.#carry())
  }

  async #carry(): Promise<void> {
    let isFine = true
    for (let batch = 0; isFine && batch < MOST_BATCHES; batch += 1) {
      if (batch === 0 || this.#waiting.length < MOST_IN_BATCH) await new Promise((resolve) => setTimeout(resolve, GATHERED_MS))
      if (this.#waiting.length === 0) break
      isFine = await this.#send(this.#waiting.splice(0, MOST_IN_BATCH))
    }
    this.#carriedUntil = isFine ? 0 : Date.now() + PAUSE_MS
  }

  async #send(spans: readonly FinishedSpan[]): Promise<boolean> {
    const { tracesUrl, headers } = this.#settings
    const init = { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: otlpJson(spans) }
    let isTaken = false
    try {
      const answer = await outbound('operator', tracesUrl, init, { headersWithinMs: WITHIN_MS })
      isTaken = answer.ok
      await answer.body?.cancel()
    } catch {
      // Counted below. The next batch finds out whether it is there again.
    }
    for (const _ of spans) measures.count('spans', isTaken ? 'exported' : 'failed')
    return isTaken
  }
}

/** `ExportTraceServiceRequest` in the JSON of OTLP 1: ids in hexadecimal, 64-bit numbers as strings, enumerations as numbers. */
export function otlpJson(spans: readonly FinishedSpan[]): string {
  const scope = { name: 'mcp-session-broker' }
  const resource = { attributes: attributesOf({ 'service.name': 'mcp-session-broker' }) }
  return JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ scope, spans: spans.map(spanJson) }] }] })
}

function spanJson({ traceId, spanId, parentSpanId, name, kind, startedAt, endedAt, attributes, link }: FinishedSpan): object {
  return {
    traceId,
    spanId,
    parentSpanId,
    flags: 1,
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanoseconds(startedAt),
    endTimeUnixNano: nanoseconds(Math.max(startedAt, endedAt)),
    attributes: attributesOf(attributes),
    links: link && [{ traceId: link.traceId, spanId: link.spanId }],
    status: 'error.type' in attributes ? { code: ERROR } : {},
  }
}

function attributesOf(attributes: FinishedSpan['attributes']): readonly object[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? { stringValue: value } : { intValue: String(value) },
  }))
}

function nanoseconds(ms: number): string {
  return `${Math.floor(ms)}000000`
}

let ofIsolate: SpanExporter | undefined

/** To be called when the isolate has read its settings. */
export function useTelemetry(settings: TelemetrySettings | undefined): void {
  ofIsolate = settings && new SpanExporter(settings)
}

/** Undefined where no spans are wanted. */
export function spanExporter(): SpanExporter | undefined {
  return ofIsolate
}
