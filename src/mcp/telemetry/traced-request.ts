// Whether a message is recorded, as part of which trace, and what the MCP server is told of that.
//
// OpenTelemetry's conventions for MCP, "Context propagation": the context in `params._meta` is the parent, and that of the HTTP request a
// link; where there is only the latter, it is the parent. Strangers write both: a malformed one is no context.
import type { SpanExporter } from '../../platform/span-exporter.ts'
import { spanContextIn, traceparent, traceStateIn, type SpanContext } from '../../platform/trace-context.ts'
import { editJson } from '../bridge/json-edit.ts'
import type { Message } from '../message/json-rpc-body.ts'

/** The spans of one message, before they have begun. */
export interface TraceIds {
  readonly traceId: string
  readonly parentSpanId?: string | undefined
  readonly link?: { readonly traceId: string; readonly spanId: string } | undefined
  /** Toward the client, and toward the MCP server. */
  readonly server: string
  readonly client: string
}

export interface Traced {
  readonly ids: TraceIds
  /** What goes to the MCP server with the request, in place of what the client sent. */
  readonly headers: Readonly<Record<string, string>>
  /** Absent where it stays as it came. */
  readonly body: Uint8Array<ArrayBuffer> | undefined
}

/** Undefined where the message is not recorded; then the client's context passes on as it came. */
export function traced(
  { meta, method }: Pick<Message, 'meta' | 'method'>,
  http: Headers,
  body: Uint8Array<ArrayBuffer> | undefined,
  exporter: SpanExporter,
): Traced | undefined {
  const inMessage = spanContextIn(meta['traceparent'])
  const inHttp = spanContextIn(http.get('traceparent'))
  const parent = inMessage ?? inHttp
  if (parent?.isSampled === false || !exporter.mayRecord(Date.now())) return undefined
  const random = hex(crypto.getRandomValues(new Uint8Array(32)))
  const ids: TraceIds = {
    traceId: parent?.traceId ?? random.slice(32),
    parentSpanId: parent?.spanId,
    link: inMessage && inHttp && idsOf(inHttp),
    server: random.slice(0, 16),
    client: random.slice(16, 32),
  }
  const own = traceparent({ traceId: ids.traceId, spanId: ids.client })
  const state = traceStateIn(inMessage ? meta['tracestate'] : http.get('tracestate'))
  // Kept for as long as its session, which is opened again with it: it must not name a span of long ago.
  const edited = body && method !== 'initialize' ? edit(body, own, state, inMessage !== undefined) : undefined
  return { ids, headers: { traceparent: own, ...(inMessage && { tracestate: state ?? '' }) }, body: edited }
}

function edit(
  body: Uint8Array<ArrayBuffer>,
  own: string,
  state: string | undefined,
  hasParent: boolean,
): Uint8Array<ArrayBuffer> {
  const changes = [{ at: ['params', '_meta', 'traceparent'], to: JSON.stringify(own) }]
  // Without the parent it came with it would be somebody else's.
  const stateless =
    state === undefined || !hasParent ? [{ at: ['params', '_meta', 'tracestate'], to: state && JSON.stringify(state) }] : []
  return new Uint8Array(new TextEncoder().encode(editJson(new TextDecoder().decode(body), [...changes, ...stateless])))
}

function idsOf({ traceId, spanId }: SpanContext): TraceIds['link'] {
  return { traceId, spanId }
}

function hex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += (byte + 0x1_00).toString(16).slice(1)
  return text
}
