// W3C Trace Context: what a client says its request belongs to. It is a stranger's text, read strictly and otherwise ignored.

export interface SpanContext {
  /** 32 and 16 hexadecimal digits. */
  readonly traceId: string
  readonly spanId: string
  readonly isSampled: boolean
}

/** Later versions may say more behind the flags (section 3.2.4); `ff` is none. */
const TRACEPARENT = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(-[\x20-\x7e]{1,200})?$/
/** Section 3.3.1.1: what every hop has to be able to pass on. */
const TRACESTATE = /^[\x20-\x7e]{1,512}$/

export function spanContextIn(text: unknown): SpanContext | undefined {
  if (typeof text !== 'string' || text.length > 300) return undefined
  const [, version, traceId = '', spanId = '', flags = '', more] = TRACEPARENT.exec(text) ?? []
  if (version === undefined || (version === '00' && more !== undefined)) return undefined
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

/** The value where it may be passed on; it is never recorded. */
export function traceStateIn(tracestate: unknown): string | undefined {
  return typeof tracestate === 'string' && TRACESTATE.test(tracestate) ? tracestate : undefined
}

/** Of a span of ours, which is recorded. */
export function traceparent({ traceId, spanId }: Pick<SpanContext, 'traceId' | 'spanId'>): string {
  return `00-${traceId}-${spanId}-01`
}
