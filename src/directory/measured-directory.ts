// The part of the Directory that isolates tell what they have counted, and that says what it comes to.
import { DurableObject } from 'cloudflare:workers'
import type { Lifecycle } from 'agents/lifecycle'
import { measures, type MeasuresReport } from '../platform/measures.ts'
import type { Measured } from '../platform/open-metrics.ts'
import type { LoadOfDeployment } from './load.ts'
import type { MeasuredDeployment } from './measured.ts'

export abstract class MeasuredDirectory extends DurableObject<Env> {
  abstract readonly lifecycle: Lifecycle
  protected abstract get measuring(): { readonly measures: MeasuredDeployment; readonly load: LoadOfDeployment }

  /** Wakes this object, which then looks whether a deployment has changed the rules. */
  async wake(): Promise<void> {
    await this.lifecycle.start()
  }

  /** What an isolate has counted since it said so last; a report that comes again counts once. */
  async measured(report: MeasuresReport): Promise<void> {
    await this.lifecycle.start()
    this.measuring.measures.note(report, Date.now())
  }

  /** What is shown has been written: no counter that somebody has read goes back. */
  async metrics(): Promise<Measured> {
    await this.lifecycle.start()
    const now = Date.now()
    const { measures: deployment, load } = this.measuring
    // Self-hosted the isolate is the only one, and everything there is.
    const own = measures.take()
    if (own) {
      deployment.note(own, now)
      measures.arrived(own)
    }
    const { sums, leases, isolates } = deployment.read(now)
    return { sums, gauges: { streamsOpen: load.streams, leasesOut: leases, isolatesReporting: isolates } }
  }
}
