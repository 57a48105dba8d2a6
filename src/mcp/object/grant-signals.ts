// For how long the broker may send something of its own in a person's name: a signal for each grant, which aborts when that ends.
//
// In memory, made when it is first asked for. A request of a client is aborted with the client's; this is for what no client waits for.
import { revoked } from '../message/refusal.ts'

export class GrantSignals {
  readonly #isLive: (grantId: string) => boolean
  readonly #ends = new Map<string, AbortController>()

  constructor(isLive: (grantId: string) => boolean) {
    this.#isLive = isLive
  }

  /** Runs work with a signal that aborts after so long, or with the grant. Throws where the grant is over already, or ends meanwhile. */
  async within<Value>(grantId: string, milliseconds: number, work: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
    if (!this.#isLive(grantId)) throw revoked()
    const end = this.#ends.get(grantId) ?? new AbortController()
    this.#ends.set(grantId, end)
    // Not AbortSignal.any: what it makes of a signal that lives for days stays with that.
    const own = new AbortController()
    const stop = (): void => own.abort(end.signal.reason)
    const timer = setTimeout(() => own.abort(new DOMException('no answer in time', 'TimeoutError')), milliseconds)
    end.signal.addEventListener('abort', stop, { once: true })
    try {
      const value = await work(own.signal)
      if (end.signal.aborted) throw revoked()
      return value
    } catch (error) {
      throw end.signal.aborted ? revoked() : error
    } finally {
      clearTimeout(timer)
      end.signal.removeEventListener('abort', stop)
    }
  }

  end(reason: string, concerns: (grantId: string) => boolean): void {
    for (const [grantId, end] of this.#ends) {
      if (!concerns(grantId)) continue
      this.#ends.delete(grantId)
      end.abort(reason)
    }
  }
}
