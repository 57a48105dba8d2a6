// The capabilities a UserSession is composed of: each owns its table, its jobs and what it remembers, and knows none of the others.
import type { LifecycleCapability } from 'agents/lifecycle'
import { migrate } from '../platform/migrations.ts'
import { nameOfPerson, ObjectName, recallName } from './store/object-name.ts'
import { Codes } from './store/codes.ts'
import { BulkActionLog } from './store/bulk-action-log.ts'
import { EventLog } from './store/event-log.ts'
import { GrantUses } from './store/grant-uses.ts'
import { Grants } from './store/grants.ts'
import { IdentityProviderSession } from './store/identity-provider-session.ts'
import { LegacyDownstreams } from './store/legacy-downstreams.ts'
import { Leases, type LeaseOptions } from './streams/leases.ts'
import { Leashes, type LeashOptions } from './streams/leashes.ts'
import { TokenBucket } from './store/rate-limit.ts'
import { Links } from './store/links.ts'
import { McpSessions } from './store/mcp-sessions.ts'
import { ModernSessions } from './store/modern-sessions.ts'
import { SESSION_MIGRATIONS } from './store/migrations.ts'
import { Outbox } from './store/outbox.ts'
import { PagesSessions } from './store/pages-sessions.ts'
import { Profile } from './store/profile.ts'
import { ProviderChecks } from './store/provider-checks.ts'
import { RecentRequests } from './store/recent-requests.ts'
import { Recorder } from './store/recorder.ts'
import { SealedMessages } from './store/sealed-messages.ts'
import { SubjectTokens } from './store/assertion-replay.ts'
import { Transmissions } from './store/transmissions.ts'
import { TakenOnce } from './store/taken-once.ts'

export interface SessionTables {
  readonly grants: Grants
  readonly uses: GrantUses
  readonly codes: Codes
  readonly profile: Profile
  readonly pages: PagesSessions
  readonly provider: IdentityProviderSession
  readonly links: Links
  readonly checks: ProviderChecks
  readonly subjects: SubjectTokens
  readonly assertions: TakenOnce
  readonly bucket: TokenBucket
  readonly mcpSessions: McpSessions
  readonly legacyDownstreams: LegacyDownstreams
  readonly modernSessions: ModernSessions
  readonly log: EventLog
  readonly outbox: Outbox
  readonly transmissions: Transmissions
  readonly bulkActions: BulkActionLog
  readonly messages: SealedMessages
  readonly recorder: Recorder
  readonly recent: RecentRequests
  readonly leashes: Leashes
  readonly leases: Leases
}

interface OwnObject {
  readonly ctx: DurableObjectState
  /** Of all people's objects. */
  readonly namespace: { idFromName(name: string): DurableObjectId }
}

/** Brings older tables up to date first. The options are asked once a leash or a lease is opened or over, and may themselves ask the capabilities. */
export function sessionTables({ ctx, namespace }: OwnObject, leashing: LeashOptions, leasing: LeaseOptions): SessionTables {
  const { storage } = ctx
  migrate(storage, SESSION_MIGRATIONS)
  void ctx.blockConcurrencyWhile(async () => await recallName(ctx, namespace, nameOfPerson))
  const uses = new GrantUses(storage)
  const messages = new SealedMessages(storage)
  return {
    grants: new Grants(storage, uses),
    uses,
    codes: new Codes(storage),
    profile: new Profile(storage),
    pages: new PagesSessions(storage),
    provider: new IdentityProviderSession(storage),
    links: new Links(storage),
    checks: new ProviderChecks(storage),
    subjects: new SubjectTokens(storage),
    assertions: new TakenOnce(storage),
    bucket: new TokenBucket(storage),
    mcpSessions: new McpSessions(storage),
    legacyDownstreams: new LegacyDownstreams(storage),
    modernSessions: new ModernSessions(storage),
    log: new EventLog(storage),
    outbox: new Outbox(storage),
    transmissions: new Transmissions(storage),
    bulkActions: new BulkActionLog(storage),
    messages,
    recorder: new Recorder(storage, messages),
    recent: new RecentRequests(storage),
    leashes: new Leashes(leashing),
    leases: new Leases(storage, leasing),
  }
}

/** In the order they start. */
export function sessionTablesInOrder(capabilities: SessionTables): readonly LifecycleCapability[] {
  return [new ObjectName(), ...Object.values(capabilities)]
}
