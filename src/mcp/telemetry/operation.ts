// One message of a client, from when it came until its result went: how long it took here and at the MCP server, and how it ended.
//
// Counted always, and recorded as two spans where it is traced. What is written down is what `detailsOf` lets through: never arguments,
// results, words of an error, addresses of resources or anything that could name a person.
import { measures } from '../../platform/measures.ts'
import { spanExporter } from '../../platform/span-exporter.ts'
import { redact } from '../../platform/redact.ts'
import type { Envelope, Message } from '../message/json-rpc-body.ts'
import { McpRefusal } from '../message/refusal.ts'
import { knownMethod } from './method-names.ts'
import { failureIn, failureOf, labelOfFailure, type Failure } from './outcome.ts'
import { traced, type TraceIds } from './traced-request.ts'
import { META } from '../message/revision.ts'

/** What the router hands to the object, which goes on with it. */
export interface OperationFacts {
  /** As the client spelled it. */
  readonly method: string
  /** Name of the MCP server in the settings. */
  readonly server: string
  /** Unix milliseconds. */
  readonly startedAt: number
  readonly trace?: { readonly ids: TraceIds; readonly details: Readonly<Record<string, string | number>> } | undefined
}

export class Operation {
  readonly facts: OperationFacts
  readonly #waitUntil: (work: Promise<unknown>) => void
  #askedAt: number | undefined
  #isOver = false

  constructor(facts: OperationFacts, waitUntil: (work: Promise<unknown>) => void) {
    this.facts = facts
    this.#waitUntil = waitUntil
  }

  /** The MCP server is asked now; again, for all that follows from the same message. */
  asked(): void {
    this.#askedAt ??= Date.now()
  }

  /** The response is there, as a message or as the body of an answer. */
  answered(message: string | Uint8Array, status = 200): void {
    if (!this.#isOver) this.#end(failureIn(message) ?? failureOf(status))
  }

  /** There is no response, or nobody looks into it. */
  ended(status = 200): void {
    this.#end(failureOf(status))
  }

  /** It was refused, or broke. */
  failed(error: unknown): void {
    if (!(error instanceof McpRefusal)) return this.#end({ type: '_OTHER' })
    if (error.code === 'client_left') return this.cancelled()
    const code = String(error.rpcCode)
    this.#end({ type: code, code }, error.code)
  }

  /** Its client has left, or taken it back. */
  cancelled(): void {
    this.#end({ type: 'cancelled' })
  }

  /** Somebody else goes on with it. */
  handedOver(): void {
    this.#isOver = true
  }

  #end(failure: Failure | undefined, refusal?: string): void {
    if (this.#isOver) return
    this.#isOver = true
    const endedAt = Date.now()
    const { method, server, startedAt, trace } = this.facts
    const labels = [knownMethod(method), failure ? labelOfFailure(failure) : '', server] as const
    measures.observe('serverOperations', (endedAt - startedAt) / 1000, ...labels)
    if (this.#askedAt !== undefined) measures.observe('clientOperations', (endedAt - this.#askedAt) / 1000, ...labels)
    if (trace) this.#record(trace, endedAt, failure, refusal)
  }

  #record(
    { ids, details }: NonNullable<OperationFacts['trace']>,
    endedAt: number,
    failure: Failure | undefined,
    refusal: string | undefined,
  ): void {
    const { traceId, parentSpanId, link, server, client } = ids
    const { 'server.address': address, 'server.port': port, ...common } = details
    const tool = common['gen_ai.tool.name'] ?? common['gen_ai.prompt.name']
    const name = tool === undefined ? knownMethod(this.facts.method) : `${knownMethod(this.facts.method)} ${tool}`
    const ending = {
      ...(failure && { 'error.type': failure.type }),
      ...(failure?.code !== undefined && { 'rpc.response.status_code': failure.code }),
      ...(refusal !== undefined && { 'mcp_broker.refusal': refusal }),
    }
    const span = { traceId, name, endedAt }
    const spans = [
      {
        ...span,
        spanId: server,
        parentSpanId,
        link,
        kind: 'server',
        startedAt: this.facts.startedAt,
        attributes: { ...common, ...ending },
      },
    ] as const
    const toward =
      this.#askedAt === undefined || address === undefined || port === undefined
        ? []
        : ([
            {
              ...span,
              spanId: client,
              parentSpanId: server,
              kind: 'client',
              startedAt: this.#askedAt,
              attributes: { ...common, ...ending, 'server.address': address, 'server.port': port },
            },
          ] as const)
    spanExporter()?.keep([...spans, ...toward], this.#waitUntil)
  }
}

/** What begins with a message, and what of it goes to the MCP server. */
export interface Begun {
  readonly operation?: Operation
  /** The body as it is sent. */
  readonly sent: Uint8Array<ArrayBuffer> | undefined
  /** In place of those of the client. */
  readonly traceHeaders?: Readonly<Record<string, string>>
}

export interface Beginning {
  readonly envelope: Envelope | undefined
  readonly body: Uint8Array<ArrayBuffer> | undefined
  readonly headers: Headers
  readonly downstream: { readonly name: string; readonly url: string }
  readonly startedAt: number
  readonly waitUntil: (work: Promise<unknown>) => void
}

/** A batch counts as its first message and is not recorded; what answers the server is no operation of the client's. */
export function beginOperation({ envelope, body, headers, downstream, startedAt, waitUntil }: Beginning): Begun {
  const [message] = envelope?.messages ?? []
  if (!envelope || !message || !body || message.kind === 'response') return { sent: body }
  const exporter = envelope.isBatch ? undefined : spanExporter()
  const trace = exporter && traced(message, headers, body, exporter)
  const facts = { method: message.method, server: downstream.name, startedAt }
  if (!trace) return { sent: body, operation: new Operation(facts, waitUntil) }
  const details = detailsOf(message, headers, downstream.url)
  const operation = new Operation({ ...facts, trace: { ids: trace.ids, details } }, waitUntil)
  return { sent: trace.body, traceHeaders: trace.headers, operation }
}

/** A name as the protocol wants it; what else clients put there may be an address, or anything. */
const NAME = /^[\w./-]{1,128}$/
const ID = /^"?([\w.:-]{1,64})"?$/
const VERSION = /^\d{4}-\d\d-\d\d$/

/** What of a message is recorded. */
function detailsOf(
  { method, params, meta, id }: Message,
  headers: Headers,
  downstreamUrl: string,
): Readonly<Record<string, string | number>> {
  const { hostname, port, protocol } = new URL(downstreamUrl)
  const version = meta[META.version] ?? headers.get('mcp-protocol-version') ?? params['protocolVersion']
  const about = method === 'tools/call' ? 'gen_ai.tool.name' : method === 'prompts/get' ? 'gen_ai.prompt.name' : undefined
  const usual = protocol === 'https:' ? 443 : 80
  return {
    'mcp.method.name': knownMethod(method),
    ...(method === 'tools/call' && { 'gen_ai.operation.name': 'execute_tool' }),
    ...(about !== undefined && given(about, params['name'], NAME)),
    ...given('jsonrpc.request.id', ID.exec(id ?? '')?.[1], ID),
    ...given('mcp.protocol.version', version, VERSION),
    ...given('mcp.session.id', headers.get('mcp-session-id'), NAME),
    'network.transport': 'tcp',
    'network.protocol.name': 'http',
    'server.address': hostname,
    'server.port': port === '' ? usual : Number(port),
  }
}

/** Whatever looks like a credential is left out, too. */
function given(name: string, value: unknown, shape: RegExp): Readonly<Record<string, string>> {
  return typeof value === 'string' && shape.test(value) && redact(value) === value ? { [name]: value } : {}
}
