// An OTLP endpoint for tests: takes spans by HTTP in JSON, as strictly as the published protocol has it, or refuses, or hangs.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { z } from 'zod'
import { close, listen } from './listening.ts'

const traceId = z.string().regex(/^(?!0{32})[\da-f]{32}$/)
const spanId = z.string().regex(/^(?!0{16})[\da-f]{16}$/)
/** 64-bit numbers are strings of digits in JSON. */
const digits = z.string().regex(/^\d{1,20}$/)
const attribute = z.strictObject({
  key: z.string().min(1),
  value: z.union([z.strictObject({ stringValue: z.string() }), z.strictObject({ intValue: z.string().regex(/^-?\d+$/) })]),
})
const attributes = z
  .array(attribute)
  .refine((all) => new Set(all.map(({ key }) => key)).size === all.length, 'an attribute comes twice')

const span = z
  .strictObject({
    traceId,
    spanId,
    parentSpanId: spanId.optional(),
    flags: z.int().min(0).max(0x3ff),
    name: z.string().min(1),
    kind: z.union([z.literal(2), z.literal(3)]),
    startTimeUnixNano: digits,
    endTimeUnixNano: digits,
    attributes,
    links: z.array(z.strictObject({ traceId, spanId })).optional(),
    status: z.strictObject({ code: z.literal(2).optional() }),
  })
  .refine(({ startTimeUnixNano: start, endTimeUnixNano: end }) => BigInt(start) <= BigInt(end), 'it ends before it begins')
  .transform(({ attributes: all, kind, status, ...rest }) => ({
    ...rest,
    kind: kind === 2 ? 'server' : 'client',
    isError: status.code === 2,
    attributes: Object.fromEntries(
      all.map(({ key, value }) => [key, 'stringValue' in value ? value.stringValue : Number(value.intValue)]),
    ),
  }))

/** `ExportTraceServiceRequest`. */
export const exportRequest = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes }),
      scopeSpans: z.array(z.strictObject({ scope: z.strictObject({ name: z.string() }), spans: z.array(span) })),
    }),
  ),
})

export type ReceivedSpan = z.output<typeof span>

export interface OtlpSink {
  readonly url: string
  /** All there were, in the order they came. */
  readonly spans: readonly ReceivedSpan[]
  /** Everything that was said to it, headers and bodies, as it came. */
  readonly said: readonly string[]
  /** What it does from now on. */
  behave(how: 'take' | 'refuse' | 'hang'): void
  forget(): void
  close(): Promise<void>
}

export async function startOtlpSink(): Promise<OtlpSink> {
  const spans: ReceivedSpan[] = []
  const said: string[] = []
  let behaviour: 'take' | 'refuse' | 'hang' = 'take'
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(Buffer.from(chunk))
    const body = Buffer.concat(chunks).toString()
    said.push(`${request.method} ${request.url}\n${JSON.stringify(request.headers)}\n${body}`)
    if (behaviour === 'hang') return
    if (behaviour === 'refuse') return void response.writeHead(503).end()
    const isTraces =
      request.method === 'POST' && request.url === '/v1/traces' && request.headers['content-type'] === 'application/json'
    const parsed = isTraces ? exportRequest.safeParse(JSON.parse(body)) : undefined
    if (!parsed?.success) return void response.writeHead(400).end(parsed && z.prettifyError(parsed.error))
    spans.push(...parsed.data.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)))
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"partialSuccess":{}}')
  }
  const server = createServer((request, response) => void answer(request, response))
  const port = await listen(server, 0)
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    said,
    behave: (how) => void (behaviour = how),
    forget: () => {
      spans.length = 0
      said.length = 0
    },
    close: () => close(server),
  }
}
