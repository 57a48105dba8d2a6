// The capabilities the Directory is composed of: each owns its table and its jobs.
import type { LifecycleCapability } from 'agents/lifecycle'
import { migrate } from '../platform/migrations.ts'
import { Activity } from './activity.ts'
import { Campaigns, type CampaignOptions } from './bulk-actions.ts'
import { Clients } from './clients.ts'
import { Load } from './load.ts'
import { Machines } from './machines.ts'
import { MIGRATIONS } from './migrations.ts'
import { NotBefore } from './not-before.ts'
import { PagesEnd } from './pages-end.ts'
import { People } from './people.ts'
import { ProviderSessions } from './provider-sessions.ts'
import { Receipts } from './receipts.ts'
import { Registrations } from './registrations.ts'
import { SecurityEvents } from './security-events.ts'

export interface DirectoryTables {
  readonly clients: Clients
  readonly people: People
  readonly registrations: Registrations
  readonly events: SecurityEvents
  readonly providerSessions: ProviderSessions
  readonly receipts: Receipts
  readonly machines: Machines
  readonly campaigns: Campaigns
  readonly activity: Activity
  readonly load: Load
  readonly pagesEnd: PagesEnd
  readonly notBefore: NotBefore
}

/** Brings older tables up to date first. `now` in unix seconds; `ask` asks a person's object. */
export function tablesOf(storage: DurableObjectStorage, { now, ask }: Pick<CampaignOptions, 'now' | 'ask'>): DirectoryTables {
  migrate(storage, MIGRATIONS)
  const people = new People(storage)
  const receipts = new Receipts(storage)
  const notBefore = new NotBefore(storage)
  return {
    clients: new Clients(storage, now),
    people,
    registrations: new Registrations(storage),
    events: new SecurityEvents(storage),
    providerSessions: new ProviderSessions(storage),
    receipts,
    machines: new Machines(storage),
    campaigns: new Campaigns(storage, { people, receipts, notBefore, ask, now }),
    activity: new Activity(storage),
    load: new Load(storage),
    pagesEnd: new PagesEnd(storage),
    notBefore,
  }
}

/** In the order they start. */
export function inOrder(capabilities: DirectoryTables): readonly LifecycleCapability[] {
  return Object.values(capabilities)
}
