// The part of the Directory that identity systems reach: what they say about somebody's access is taken here.
import { DurableObject } from 'cloudflare:workers'
import type { Lifecycle } from 'agents/lifecycle'
import type { Signal, SignalOutcome } from '../session/contract/signal.ts'
import type { LastSignal, Signals } from './signals.ts'

export abstract class SignalledDirectory extends DurableObject<Env> {
  abstract readonly lifecycle: Lifecycle
  protected abstract get signals(): Signals

  /** Takes what an identity system has said; returns when what it ended is closed. */
  async signal(signal: Signal): Promise<SignalOutcome> {
    await this.lifecycle.start()
    return await this.signals.take(signal)
  }

  /** What came by each door last. */
  async lastSignals(): Promise<readonly LastSignal[]> {
    await this.lifecycle.start()
    return this.signals.last()
  }
}
