// The part of the Directory that identity systems reach: what they say about somebody's access, and the streams by which they say it.
import type { Signal, SignalOutcome } from '../session/contract/signal.ts'
import type { Provisioned, ProvisionedAsked } from '../session/contract/provisioned.ts'
import { MeasuredDirectory } from './measured-directory.ts'
import type { Provisioning, ProvisioningAnswer, ProvisioningCommand } from './provisioning.ts'
import type { StreamEvent, StreamSender } from '../session/contract/signal-stream.ts'
import type { SignalStreams, StreamState } from './signal-streams.ts'
import type { LastSignal, Signals } from './signals.ts'

/** What is known of a stream, or why it could not be had. */
export type StreamOutcome = { readonly stream: StreamState } | { readonly problem: string }

/** Whose people it tells of, and which of the settings' providers that is. */
export interface CompanyDirectory {
  readonly issuer: string
  readonly provider: string
}

export abstract class SignalledDirectory extends MeasuredDirectory {
  protected abstract get provisioning(): Provisioning
  /** From now on this person is told of what changes, though the index does not name them yet. */
  protected abstract asks(sub: string): void
  protected abstract get signalling(): { readonly signals: Signals; readonly streams: SignalStreams }
  /** `worker.ts` supplies what lies to the left of this folder: transmitters, by the names of the providers. */
  protected abstract senders(): Promise<ReadonlyMap<string, StreamSender>>

  /** Takes what an identity system has said; returns when what it ended is closed. */
  async signal(signal: Signal): Promise<SignalOutcome> {
    await this.lifecycle.start()
    return await this.signalling.signals.take(signal)
  }

  /** What came by each door last. */
  async lastSignals(): Promise<readonly LastSignal[]> {
    await this.lifecycle.start()
    return this.signalling.signals.last()
  }

  async signalStream(provider: string): Promise<StreamState | undefined> {
    await this.lifecycle.start()
    return this.signalling.streams.find(provider)
  }

  async signalStreams(): Promise<readonly StreamState[]> {
    await this.lifecycle.start()
    return this.signalling.streams.all()
  }

  /** Agrees on a stream with the transmitter of a provider. `token`: of an administrator there, used once. */
  async setUpStream(provider: string, token?: string): Promise<StreamOutcome> {
    return await this.#outcome(() => this.signalling.streams.setUp(provider, token))
  }

  /** Asks the transmitter for a verification: that it works, from there to here. */
  async verifyStream(provider: string): Promise<StreamOutcome> {
    return await this.#outcome(() => this.signalling.streams.verify(provider))
  }

  /** What a stream says about itself. False for a verification nobody has asked for. */
  async hearOfStream(provider: string, event: Extract<StreamEvent, { kind: 'verification' | 'status' }>): Promise<boolean> {
    await this.lifecycle.start()
    return this.signalling.streams.hear(provider, event)
  }

  async #outcome(work: () => Promise<StreamState>): Promise<StreamOutcome> {
    await this.lifecycle.start()
    try {
      return { stream: await work() }
    } catch (error) {
      return { problem: error instanceof Error ? error.message : 'something went wrong' }
    }
  }

  /** What a company's directory has told of a person; who asks is told of what changes from now on. */
  async provisioned(asked: ProvisionedAsked): Promise<Provisioned | undefined> {
    await this.lifecycle.start()
    this.asks(asked.sub)
    return this.provisioning.countsFor(asked)
  }

  /** What a company's directory asks for, or changes, by SCIM: for whom it changes anything knows it when this returns. */
  async provision({ issuer, provider }: CompanyDirectory, command: ProvisioningCommand): Promise<ProvisioningAnswer> {
    await this.lifecycle.start()
    const answer = await this.provisioning.carryOut(issuer, command)
    const { signal } = answer.receipt ?? {}
    if (signal) this.signalling.signals.came({ ...signal, provider })
    return answer
  }
}
