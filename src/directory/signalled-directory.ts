// The part of the Directory that identity systems reach: what they say about somebody's access is taken here.
import { DurableObject } from 'cloudflare:workers'
import type { Lifecycle } from 'agents/lifecycle'
import type { Signal, SignalOutcome } from '../session/contract/signal.ts'
import type { Provisioned, ProvisionedAsked } from '../session/contract/provisioned.ts'
import type { Provisioning, ProvisioningAnswer, ProvisioningCommand } from './provisioning.ts'
import type { LastSignal, Signals } from './signals.ts'

export abstract class SignalledDirectory extends DurableObject<Env> {
  abstract readonly lifecycle: Lifecycle
  protected abstract get signals(): Signals
  protected abstract get provisioning(): Provisioning
  /** From now on this person is told of what changes, though the index does not name them yet. */
  protected abstract asks(sub: string): void

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

  /** What a company's directory has told of a person; who asks is told of what changes from now on. */
  async provisioned(asked: ProvisionedAsked): Promise<Provisioned | undefined> {
    await this.lifecycle.start()
    this.asks(asked.sub)
    return this.provisioning.standing(asked)
  }

  /** What a company's directory asks for, or changes, by SCIM: for whom it changes anything knows it when this returns. */
  async provision(issuer: string, command: ProvisioningCommand): Promise<ProvisioningAnswer> {
    await this.lifecycle.start()
    return await this.provisioning.carryOut(issuer, command)
  }
}
