// The capabilities the Directory is composed of: each owns its table and its jobs.
import type { LifecycleCapability } from 'agents/lifecycle'
import { migrate } from '../platform/migrations.ts'
import { ObjectName } from '../session/store/object-name.ts'
import { Activity } from './activity.ts'
import { AppliedPolicy } from './applied-policy.ts'
import { BulkActions, type BulkActionOptions } from './bulk-actions.ts'
import { Clients } from './clients.ts'
import { EvidenceLog, type EvidenceLogOptions } from './evidence-log.ts'
import { Exports, type ExportOptions } from './exports.ts'
import { LoadOfDeployment } from './load.ts'
import { Machines } from './machines.ts'
import { MeasuredDeployment } from './measured.ts'
import { DIRECTORY_MIGRATIONS } from './migrations.ts'
import { NotBefore } from './not-before.ts'
import { PagesEnd } from './pages-end.ts'
import { People } from './people.ts'
import { ProvisionedGroups } from './provisioned-groups.ts'
import { ProvisionedUsers } from './provisioned-users.ts'
import { ProviderSessions } from './provider-sessions.ts'
import { Receipts } from './receipts.ts'
import { Registrations } from './registrations.ts'
import { SealingKeys } from './sealing-keys.ts'
import { SecurityEvents } from './security-events.ts'
import { meantBy } from './signal-people.ts'
import { SignalStreams } from './signal-streams.ts'
import { Signals } from './signals.ts'
import type { StreamSender } from '../session/contract/signal-stream.ts'
import type { Identity } from '../caller.ts'
import { NOTHING_ENDED, type Receipt } from '../session/contract/receipt.ts'
import { receiptOfSignal, type SignalOrder } from '../session/contract/signal.ts'

export interface DirectoryTables {
  readonly clients: Clients
  readonly people: People
  readonly registrations: Registrations
  readonly events: SecurityEvents
  readonly providerSessions: ProviderSessions
  readonly receipts: Receipts
  readonly machines: Machines
  readonly bulkActions: BulkActions
  readonly activity: Activity
  readonly load: LoadOfDeployment
  readonly measures: MeasuredDeployment
  readonly pagesEnd: PagesEnd
  readonly notBefore: NotBefore
  readonly signals: Signals
  readonly users: ProvisionedUsers
  readonly groups: ProvisionedGroups
  readonly policy: AppliedPolicy
  readonly streams: SignalStreams
  readonly sealingKeys: SealingKeys
  readonly evidence: EvidenceLog
  readonly exports: Exports
}

/** What asks people's objects, and what time it is in unix seconds. */
interface DirectoryTablesOptions
  extends Pick<BulkActionOptions, 'now' | 'ask' | 'tell'>, Pick<EvidenceLogOptions, 'signer'>, Pick<ExportOptions, 'settings'> {
  readonly obey: (sub: string, order: SignalOrder, person: Identity) => Promise<Receipt | undefined>
  readonly senders: () => Promise<ReadonlyMap<string, StreamSender>>
}

/** Brings older tables up to date first. */
export function directoryTables(
  storage: DurableObjectStorage,
  { now, ask, tell, obey, senders, signer, settings }: DirectoryTablesOptions,
): DirectoryTables {
  migrate(storage, DIRECTORY_MIGRATIONS)
  const people = new People(storage)
  const evidence: EvidenceLog = new EvidenceLog(storage, { signer, appended: () => exports.appended(), now })
  const exports = new Exports(storage, { evidence, settings })
  const receipts = new Receipts(storage, evidence)
  const notBefore = new NotBefore(storage)
  const providerSessions = new ProviderSessions(storage)
  const signals = new Signals(storage, {
    meant: (signal) => meantBy(signal, people, providerSessions),
    ask: async (order, { sub, person }) => {
      const receipt = await obey(sub, order, person)
      // The index knows whom their object has forgotten: what was asked for is the case.
      return receipt ?? (people.find(sub) && receiptOfSignal(order, NOTHING_ENDED, now()))
    },
    keep: (receipt) => receipts.keep(receipt),
    now,
  })
  return {
    clients: new Clients(storage, now),
    people,
    registrations: new Registrations(storage),
    events: new SecurityEvents(storage, evidence),
    providerSessions,
    receipts,
    machines: new Machines(storage),
    bulkActions: new BulkActions(storage, { people, receipts, notBefore, ask, tell, now }),
    activity: new Activity(storage),
    load: new LoadOfDeployment(storage),
    measures: new MeasuredDeployment(storage),
    pagesEnd: new PagesEnd(storage),
    notBefore,
    signals,
    streams: new SignalStreams(storage, { senders, take: (signal) => signals.take(signal), now }),
    users: new ProvisionedUsers(storage),
    groups: new ProvisionedGroups(storage),
    policy: new AppliedPolicy(storage),
    sealingKeys: new SealingKeys(storage),
    // Before the evidence, which tells it of its first line.
    exports,
    // Last, because its first line counts what is in the other tables.
    evidence,
  }
}

/** In the order they start. */
export function directoryTablesInOrder(capabilities: DirectoryTables): readonly LifecycleCapability[] {
  return [new ObjectName(), ...Object.values(capabilities)]
}
