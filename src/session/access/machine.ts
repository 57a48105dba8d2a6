// A machine credential's session: it is opened by an administrator instead of a sign-in, and what it may do ends with its grants.
import type { Caller, Identity } from '../../caller.ts'
import type { Grant } from '../store/grants.ts'
import type { SessionContext } from '../session-context.ts'
import type { By } from '../contract/receipt.ts'
import type { TokenFacts } from './tokens.ts'

export interface Enrolment {
  readonly identity: Identity
  readonly clientId: string
  readonly clientName: string
  readonly grants: readonly { readonly id: string; readonly resource: string; readonly scopes: readonly string[] }[]
  /** Unix seconds. */
  readonly createdAt: number
  readonly endsAt: number
}

/** How exactly it is known when a machine was last used, in seconds: a use within this writes nothing. */
const NOTED_EVERY = 300

export async function enrol(
  context: Pick<SessionContext, 'grants' | 'profile' | 'outbox' | 'now'>,
  asked: Enrolment,
  by: By,
): Promise<void> {
  const { identity, clientId, clientName, grants, createdAt, endsAt } = asked
  const now = context.now()
  // A second before, so that whatever is later is a use.
  context.profile.remember(identity, createdAt - 1)
  for (const { id, resource, scopes } of grants) {
    const grant = context.grants.open({ clientId, clientName, resource, scopes, endsAt }, now, id)
    context.grants.rotate(grant, now)
  }
  await context.outbox.put({ type: 'machine_created', at: now, clientId, clientName, ...by })
}

/** What an access token for the grant is made of (RFC 6749 section 4.4); undefined when the grant is over or never was. */
export async function issue(
  context: Pick<SessionContext, 'grants' | 'profile' | 'settings' | 'outbox' | 'now'>,
  grantId: string,
): Promise<TokenFacts | undefined> {
  const now = context.now()
  const grant = context.grants.live(grantId, now)
  if (!grant) return undefined
  await noteUse(context)
  const { id, clientId, resource, scopes, generation, endsAt } = grant
  return { grantId: id, clientId, resource, scopes, generation, issuedAt: now, endsAt }
}

/** Whose credential this is, when it still is one. */
export async function identify(
  context: Pick<SessionContext, 'grants' | 'profile' | 'settings' | 'outbox' | 'now'>,
  { grantId, clientId, resource }: Caller,
): Promise<Identity | undefined> {
  const grant: Grant | undefined = context.grants.live(grantId, context.now())
  if (grant?.clientId !== clientId || grant.resource !== resource) return undefined
  await noteUse(context)
  return context.profile.identity
}

/** Nobody signs in with a machine credential; when it was last used is what administrators decide by. */
export async function noteUse({
  profile,
  settings,
  outbox,
  now,
}: Pick<SessionContext, 'profile' | 'settings' | 'outbox' | 'now'>): Promise<void> {
  if (profile.identity?.issuer !== settings.baseUrl) return
  const enrolled = profile.lastSeenAt === profile.firstSeenAt
  if (!enrolled && now() - profile.lastSeenAt < NOTED_EVERY) return
  profile.see(now())
  await outbox.report()
}
