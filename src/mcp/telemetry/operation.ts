// What a client posts, from when it came until its result went: how long it took here and at the MCP server, and how it ended.
//
// That is one message, or a batch of 2025-03-26, in which each is an operation of its own: its requests are answered in any order, and maybe
// at different times. Counted always, and recorded as two spans where it is traced. What is written down is what `detailsOf` lets through: never arguments,
// results, words of an error, addresses of resources or anything that could name a person.
import { measures } from '../../platform/measures.ts'
import { spanExporter } from '../../platform/span-exporter.ts'
import { redact } from '../../platform/redact.ts'
import type { Envelope, Message } from '../message/json-rpc-body.ts'
import { McpRefusal } from '../message/refusal.ts'
import { knownMethod } from './method-names.ts'
import { idKey } from '../message/response.ts'
import { failureOf, failuresIn, labelOfFailure, type Failure } from './outcome.ts'
import { traced, type Traced, type TraceIds } from './traced-request.ts'
import { META } from '../message/revision.ts'

/** What the router hands to the object for each message, which goes on with it. */
export interface OperationFacts {
  /** `_OTHER` where it is none of the protocol's. */
  readonly method: string
  /** Of a request, as a key to compare; what has none gets no answer. */
  readonly id?: string | undefined
  /** Name of the MCP server in the settings. */
  readonly server: string
  /** Unix milliseconds. */
  readonly startedAt: number
  readonly trace?: { readonly ids: TraceIds; readonly details: Readonly<Record<string, string | number>> } | undefined
}

/** They stand in a header on their way to the object. What a batch has beyond them is not recorded and in no duration. */
const MOST_IN_BATCH = 50

const CANCELLED: Failure = { type: 'cancelled' }

export class Operation {
  readonly facts: readonly OperationFacts[]
  readonly #open: Set<OperationFacts>
  readonly #waitUntil: (work: Promise<unknown>) => void
  #askedAt: number | undefined

  constructor(facts: readonly OperationFacts[], waitUntil: (work: Promise<unknown>) => void) {
    this.facts = facts
    this.#open = new Set(facts)
    this.#waitUntil = waitUntil
  }

  /** The MCP server is asked now; again, for all that follows from the same message. */
  asked(): void {
    this.#askedAt ??= Date.now()
  }

  /** The response is there, as the body of an answer. */
  answered(message: string | Uint8Array, status = 200): void {
    if (this.#open.size === 0) return
    const failures = failuresIn(message)
    for (const one of this.#open) this.#end(one, failures(one.id) ?? failureOf(status))
  }

  /** Requests with these ids are answered by a message; without one nobody waits for them any more. */
  over(ids: readonly string[], message?: string): void {
    const failures = message === undefined ? () => CANCELLED : failuresIn(message)
    for (const one of this.#open) if (one.id !== undefined && ids.includes(one.id)) this.#end(one, failures(one.id))
  }

  /** There is an answer; where that is only the beginning, what waits for a response goes on. */
  carried({ ok, status }: Pick<Response, 'ok' | 'status'>, isOnItsWay: boolean): void {
    if (!ok || !isOnItsWay) return this.ended(status)
    for (const one of this.#open) if (one.id === undefined) this.#end(one, undefined)
  }

  /** There is no response, or nobody looks into it. */
  ended(status = 200): void {
    this.#endAll(failureOf(status))
  }

  /** It was refused, or broke. */
  failed(error: unknown): void {
    if (!(error instanceof McpRefusal)) return this.#endAll({ type: '_OTHER' })
    if (error.code === 'client_left') return this.cancelled()
    const code = String(error.rpcCode)
    this.#endAll({ type: code, code }, error.code)
  }

  /** Its client has left, or taken it back. */
  cancelled(): void {
    this.#endAll(CANCELLED)
  }

  /** Somebody else goes on with it. */
  handedOver(): void {
    this.#open.clear()
  }

  #endAll(failure: Failure | undefined, refusal?: string): void {
    for (const one of this.#open) this.#end(one, failure, refusal)
  }

  #end(one: OperationFacts, failure: Failure | undefined, refusal?: string): void {
    this.#open.delete(one)
    const endedAt = Date.now()
    const { method, server, startedAt, trace } = one
    const labels = [method, failure ? labelOfFailure(failure) : '', server] as const
    measures.observe('serverOperations', (endedAt - startedAt) / 1000, ...labels)
    if (this.#askedAt !== undefined) measures.observe('clientOperations', (endedAt - this.#askedAt) / 1000, ...labels)
    if (trace) this.#record(one, trace, endedAt, failure, refusal)
  }

  #record(
    { method, startedAt }: OperationFacts,
    { ids, details }: NonNullable<OperationFacts['trace']>,
    endedAt: number,
    failure: Failure | undefined,
    refusal: string | undefined,
  ): void {
    const { traceId, parentSpanId, link, server, client } = ids
    const { 'server.address': address, 'server.port': port, ...common } = details
    const tool = common['gen_ai.tool.name'] ?? common['gen_ai.prompt.name']
    const name = tool === undefined ? method : `${method} ${tool}`
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
        startedAt,
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

/** What answers the server is no operation of the client's. A batch passes as it came: of its requests none can have the header alone. */
export function beginOperation({ envelope, body, headers, downstream, startedAt, waitUntil }: Beginning): Begun {
  const asked = envelope?.messages.filter(({ kind }) => kind !== 'response').slice(0, MOST_IN_BATCH) ?? []
  if (!envelope || !body || asked.length === 0) return { sent: body }
  const exporter = spanExporter()
  let alone: Traced | undefined
  const facts = asked.map((message) => {
    const trace = exporter && traced(message, headers, envelope.isBatch ? undefined : body, exporter)
    if (!envelope.isBatch) alone = trace
    const about = { method: knownMethod(message.method), id: keyOf(message), server: downstream.name, startedAt }
    return trace ? { ...about, trace: { ids: trace.ids, details: detailsOf(message, headers, downstream.url) } } : about
  })
  const operation = new Operation(facts, waitUntil)
  return alone ? { sent: alone.body ?? body, traceHeaders: alone.headers, operation } : { sent: body, operation }
}

function keyOf({ kind, id }: Message): string | undefined {
  return kind === 'request' && id !== undefined ? idKey(JSON.parse(id)) : undefined
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
