// Which transport a downstream speaks: as configured, or as it was found to and is remembered for a while.
//
// Found out as "Backwards Compatibility" of MCP 2025-11-25 wants it: an `initialize` that is answered 400, 404 or 405 is followed
// by a GET that expects an `endpoint` event. A server that fails at the moment proves nothing, so no 5xx and no timeout ever
// makes a verdict or takes one back.
import type { Downstream, Transport } from '../../../settings/downstreams.ts'

/** Long enough to spare a busy person the probe, short enough for a downstream that is replaced. */
const REMEMBERED_MS = 600_000

const NOT_STREAMABLE: readonly number[] = [400, 404, 405]

export class Transports {
  readonly #until = new Map<string, number>()

  /** Undefined: to be found out. Streamable HTTP is never remembered, because it costs nothing to try. */
  of({ transport, resource }: Downstream, nowMs: number): Transport | undefined {
    if (transport !== 'auto') return transport
    return (this.#until.get(resource) ?? 0) > nowMs ? 'http-sse' : undefined
  }

  /** An `endpoint` event came. */
  foundSse({ resource }: Downstream, nowMs: number): void {
    this.#until.set(resource, nowMs + REMEMBERED_MS)
  }

  /** The downstream has answered, and with something else than an event stream. */
  foundNoSse({ resource }: Downstream): void {
    this.#until.delete(resource)
  }
}

/** Whether an answer to the first message says that this may be an HTTP+SSE server. */
export function mayBeSse(downstream: Downstream, status: number): boolean {
  return downstream.transport === 'auto' && NOT_STREAMABLE.includes(status)
}
